"""The relay: every good telegram of a port, handed on to other programs over TCP."""

from typing import Final

from ..part import Part
from .dialog import RelaySteps
from .server import async_start_relay
from .settings import CONF_RELAY

PART: Final = Part(CONF_RELAY, RelaySteps, async_start_relay)
