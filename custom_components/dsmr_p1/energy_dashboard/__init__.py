"""What of a port belongs on Home Assistant's energy dashboard, and how it gets there."""
