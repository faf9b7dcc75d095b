"""The DSMR P1 Smart Meter integration."""
