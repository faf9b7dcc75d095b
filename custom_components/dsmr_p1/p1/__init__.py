"""The protocol core: turns the bytes of a P1 port into meters and channels. Independent of Home Assistant."""

from .catalog import (
    CHANNELS,
    DERIVED_CHANNELS,
    VERSION_CHANNELS,
    ChannelType,
    Level,
    MeterKind,
    MeterType,
    Quantity,
    Role,
    channel_type,
    meter_type,
    written_version,
)
from .countries import Country
from .decoder import Decoder, Reading, fits
from .decryption import Authentication, Keys, parse_key
from .detection import Detection, Meter, MeterProfile
from .errors import (
    AuthenticationError,
    DecryptionError,
    KeyFormatError,
    P1Error,
    PortBusyError,
    PortError,
    PortFault,
    TelegramError,
)
from .frames import Rejected, RejectReason
from .memory import PortMemory
from .obis import Obis
from .presentation import Presented, present
from .serial_settings import SerialSettings
from .telegram import CosemObject, Telegram
from .units import Unit
from .values import CosemValue

__all__ = [
    "CHANNELS",
    "DERIVED_CHANNELS",
    "VERSION_CHANNELS",
    "Authentication",
    "AuthenticationError",
    "ChannelType",
    "CosemObject",
    "CosemValue",
    "Country",
    "Decoder",
    "DecryptionError",
    "Detection",
    "KeyFormatError",
    "Keys",
    "Level",
    "Meter",
    "MeterKind",
    "MeterProfile",
    "MeterType",
    "Obis",
    "P1Error",
    "PortBusyError",
    "PortError",
    "PortFault",
    "PortMemory",
    "Presented",
    "Quantity",
    "Reading",
    "RejectReason",
    "Rejected",
    "Role",
    "SerialSettings",
    "Telegram",
    "TelegramError",
    "Unit",
    "channel_type",
    "fits",
    "meter_type",
    "parse_key",
    "present",
    "written_version",
]
