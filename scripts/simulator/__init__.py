"""A simulated household with P1 smart meters, for development, tests and the demo.

It shares no code with the integration on purpose: what it says about telegrams is a second opinion.
"""

from .crc import crc16
from .encryption import (
    EXAMPLE_AUTHENTICATION_KEY,
    EXAMPLE_DECRYPTION_KEY,
    PUBLIC_AUTHENTICATION_KEY,
    encrypt,
)
from .household import Household, Snapshot
from .line import V2_SETTINGS, V4_SETTINGS, LineSettings, Parity, parse_settings, transfer
from .mbus import MEDIA, Slot, SlotState, make_slots
from .models import MODELS, Model, find_model
from .ports import Port, PtyPort
from .telegram import Clock, TelegramBuilder, build_telegram, seal

__all__ = [
    "EXAMPLE_AUTHENTICATION_KEY",
    "EXAMPLE_DECRYPTION_KEY",
    "MEDIA",
    "MODELS",
    "PUBLIC_AUTHENTICATION_KEY",
    "V2_SETTINGS",
    "V4_SETTINGS",
    "Clock",
    "Household",
    "LineSettings",
    "Model",
    "Parity",
    "Port",
    "PtyPort",
    "Slot",
    "SlotState",
    "Snapshot",
    "TelegramBuilder",
    "build_telegram",
    "crc16",
    "encrypt",
    "find_model",
    "make_slots",
    "parse_settings",
    "seal",
    "transfer",
]
