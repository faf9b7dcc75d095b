"""The settings of a relay, as they are kept in the options of an entry; without them there is none."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

CONF_RELAY: Final = "relay"
CONF_RELAY_PORT: Final = "relay_port"
CONF_RELAY_ADDRESS: Final = "relay_address"
CONF_RELAY_CLIENTS: Final = "relay_clients"

DEFAULT_ADDRESS: Final = "127.0.0.1"
"""Programs on the same machine only."""
DEFAULT_CLIENTS: Final = 10
MOST_CLIENTS: Final = 100


class Settings(NamedTuple):
    """Where a relay listens: an IP address of this machine and a TCP port, and how many clients it serves at once."""

    address: str
    port: int
    clients: int

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as they are kept in the options."""
        return {CONF_RELAY_PORT: self.port, CONF_RELAY_ADDRESS: self.address, CONF_RELAY_CLIENTS: self.clients}

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens on all interfaces."""
        return ip_address(self.address).is_unspecified

    def collides(self, other: Settings) -> bool:
        """Whether only one of two relays can listen."""
        is_same_place = self.address == other.address or self.is_everywhere or other.is_everywhere
        return self.port == other.port and is_same_place


def settings_of(options: Mapping[str, Any]) -> Settings | None:
    """Return the settings in the options of an entry; None where no relay is wanted."""
    relay = options.get(CONF_RELAY)
    if relay is None:
        return None
    return Settings(relay[CONF_RELAY_ADDRESS], relay[CONF_RELAY_PORT], relay[CONF_RELAY_CLIENTS])
