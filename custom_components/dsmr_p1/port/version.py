"""The version of the standard that a port declares."""

from ..p1 import VERSION_CHANNELS, CosemValue, Reading, written_version


def declared_values(reading: Reading) -> tuple[CosemValue | None, ...]:
    """Return the values of the channels with a version."""
    # Telegrams before a meter is believed have none.
    channels = reading.meters[0].channels if reading.meters else {}
    return tuple([channels.get(channel_id) for channel_id in VERSION_CHANNELS])


def declared_version(reading: Reading) -> str | None:
    """Return the standard and version that the port declares, such as DSMR 5.0; None where it declares none."""
    values = zip(VERSION_CHANNELS, declared_values(reading), strict=True)
    return written_version({channel_id: str(value.value) for channel_id, value in values if value is not None})
