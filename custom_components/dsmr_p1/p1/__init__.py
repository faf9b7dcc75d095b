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
from .cosem.countries import Country
from .cosem.obis import Obis
from .cosem.units import Unit, convert
from .cosem.values import CosemValue
from .decoding.decoder import Decoder, Reading, fits
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
from .memory import PortMemory
from .meters.detection import Detection, Meter, MeterProfile
from .meters.presentation import Presented, present
from .serial_settings import SerialSettings
from .telegrams.telegram import CosemObject, Telegram
from .wire.decryption import Authentication, Keys, parse_key
from .wire.frames import Rejected, RejectReason

__all__ = [
    "CHANNELS", "DERIVED_CHANNELS", "VERSION_CHANNELS", "Authentication", "AuthenticationError", "ChannelType",
    "CosemObject", "CosemValue", "Country", "Decoder", "DecryptionError", "Detection", "KeyFormatError", "Keys",
    "Level", "Meter", "MeterKind", "MeterProfile", "MeterType", "Obis", "P1Error", "PortBusyError", "PortError",
    "PortFault", "PortMemory", "Presented", "Quantity", "Reading", "RejectReason", "Rejected", "Role", "SerialSettings",
    "Telegram", "TelegramError", "Unit", "channel_type", "convert", "fits", "meter_type", "parse_key", "present",
    "written_version",
]  # fmt: skip
