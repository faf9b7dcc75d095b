"""Home Assistant with this integration and simulated meters, driven as an owner would: over its own API."""
