"""Constants of the DSMR P1 Smart Meter integration: keys of the entry data and options, and defaults."""

import logging
from typing import Final

DOMAIN: Final = "dsmr_p1"
LOGGER: Final = logging.getLogger(__package__)

# Entry data, besides CONF_PORT of Home Assistant
CONF_BRIDGE_TYPE: Final = "bridge_type"
CONF_DECRYPTION_KEY: Final = "decryption_key"
CONF_ADDITIONAL_KEY: Final = "additional_key"
CONF_SERIAL_SETTINGS: Final = "serial_settings"
CONF_BAUDRATE: Final = "baudrate"
CONF_DATABITS: Final = "databits"
CONF_PARITY: Final = "parity"
CONF_STOPBITS: Final = "stopbits"
CONF_TAKE_OVER: Final = "take_over"
"""The id of the entry of Home Assistant's own `dsmr` that this one takes over, or has taken over."""
CONF_READER_SERIAL: Final = "reader_serial"
"""The serial number of a reader in the network that was discovered and reads the meter of the entry."""
CONF_ENERGY_DASHBOARD: Final = "energy_dashboard"

BRIDGE_AUTO: Final = "auto"
BRIDGE_DSMR: Final = "dsmr"
BRIDGE_SMARTY: Final = "smarty"

# Entry options
CONF_RECEIVED_TIMEOUT: Final = "received_timeout"
CONF_REFRESH: Final = "refresh"
CONF_METER: Final = "meter"
CONF_METER_TYPE: Final = "meter_type"

DEFAULT_RECEIVED_TIMEOUT: Final = 120
"""Seconds without a telegram after which the meters are unavailable: long enough for a meter that restarts."""

MOST_METERS: Final = 16
"""The most meters on the M-Bus of a port; the standard has four."""
MOST_CHANNELS: Final = 300
"""The most channels of all meters of a port, each an entity; the largest capture has less than a hundred."""
