"""What is kept in a config entry, as the protocol core wants it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .const import CONF_ADDITIONAL_KEY, CONF_BAUDRATE, CONF_DATABITS, CONF_DECRYPTION_KEY, CONF_PARITY, CONF_STOPBITS
from .p1 import Keys, SerialSettings, parse_key


def keys_from(data: Mapping[str, Any]) -> Keys | None:
    """Give the keys of an encrypted port; None where none were entered. Raises KeyFormatError where one is no key."""
    decryption_key = data.get(CONF_DECRYPTION_KEY)
    additional_key = data.get(CONF_ADDITIONAL_KEY)
    if not decryption_key:
        return None
    return Keys(parse_key(decryption_key), parse_key(additional_key) if additional_key else None)


def settings_from(data: Mapping[str, Any]) -> SerialSettings | None:
    """Give the line settings that the owner has fixed; None where they are to be found.

    Who fixes the speed alone means the rest as meters of that speed have it: 7E1 up to 9600 baud, 8N1 above.
    """
    baudrate = data.get(CONF_BAUDRATE)
    if baudrate is None:
        return None
    is_old = int(baudrate) <= _FASTEST_7E1
    return SerialSettings(
        baudrate=int(baudrate),
        data_bits=int(data.get(CONF_DATABITS, 7 if is_old else 8)),
        parity=data.get(CONF_PARITY, "E" if is_old else "N"),
        stop_bits=float(data.get(CONF_STOPBITS, 1)),
    )


_FASTEST_7E1 = 9600


def redacted(port: str) -> str:
    """Give a port as it may be shown: the address of a URL may carry a password or a key."""
    if "://" not in port:
        return port
    parts = urlsplit(port)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
