"""A simulated household with P1 smart meters, for development, tests and the demo.

It shares no code with the integration on purpose: what it says about telegrams is a second opinion.
"""

from .commands import execute
from .crc import crc16
from .encryption import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY, PUBLIC_AUTHENTICATION_KEY, encrypt
from .faults import FAULTS
from .homewizard import HomeWizardPort
from .household import Household, Snapshot
from .line import V2_SETTINGS, V4_SETTINGS, LineSettings, Parity, parse_settings, transfer
from .mbus import MEDIA, Slot, SlotState, make_slots
from .meter import SimulatedMeter
from .models import MODELS, Model, find_model
from .playback import Playback
from .ports import Port, PtyPort, serving
from .region import Tariff
from .rfc2217 import Rfc2217Port
from .tcp import TELNET_GREETING, TcpPort
from .telegram import TelegramBuilder, build_telegram, seal

__all__ = [
    "EXAMPLE_AUTHENTICATION_KEY",
    "EXAMPLE_DECRYPTION_KEY",
    "FAULTS",
    "MEDIA",
    "MODELS",
    "PUBLIC_AUTHENTICATION_KEY",
    "TELNET_GREETING",
    "V2_SETTINGS",
    "V4_SETTINGS",
    "HomeWizardPort",
    "Household",
    "LineSettings",
    "Model",
    "Parity",
    "Playback",
    "Port",
    "PtyPort",
    "Rfc2217Port",
    "SimulatedMeter",
    "Slot",
    "SlotState",
    "Snapshot",
    "Tariff",
    "TcpPort",
    "TelegramBuilder",
    "build_telegram",
    "crc16",
    "encrypt",
    "execute",
    "find_model",
    "make_slots",
    "parse_settings",
    "seal",
    "serving",
    "transfer",
]
