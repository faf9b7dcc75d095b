"""The version of the standard that a port declares."""

from ..p1 import VERSION_CHANNELS, Reading, written_version


def declared_version(reading: Reading) -> str | None:
    """Return the standard and version that the port declares, such as DSMR 5.0; None where it declares none."""
    # Telegrams before a meter is believed have none.
    channels = reading.meters[0].channels if reading.meters else {}
    return written_version({one: str(channels[one].value) for one in VERSION_CHANNELS if one in channels})
