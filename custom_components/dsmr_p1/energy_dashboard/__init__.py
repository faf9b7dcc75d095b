"""The sources of a port for Home Assistant's energy dashboard, and how they are added."""
