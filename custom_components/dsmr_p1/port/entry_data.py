"""The data of a config entry as objects of the protocol core."""

from collections.abc import Iterator, Mapping
import re
from typing import Any, Final
from urllib.parse import unquote

from ..const import CONF_ADDITIONAL_KEY, CONF_BAUDRATE, CONF_DATABITS, CONF_DECRYPTION_KEY, CONF_PARITY, CONF_STOPBITS
from ..p1 import Keys, SerialSettings, parse_key


def keys_from(data: Mapping[str, Any]) -> Keys | None:
    """Return the keys of an encrypted port; None if none were entered. Raises KeyFormatError if one is invalid."""
    decryption_key, additional_key = data.get(CONF_DECRYPTION_KEY), data.get(CONF_ADDITIONAL_KEY)
    if not decryption_key:
        return None
    return Keys(parse_key(decryption_key), parse_key(additional_key) if additional_key else None)


def settings_from(data: Mapping[str, Any]) -> SerialSettings | None:
    """Return the serial settings that the owner has fixed; None if they are to be found.

    With a fixed speed only, 8N1 is used: a line of 7E1 is then read with its parity bits, which the core checks.
    """
    baudrate = data.get(CONF_BAUDRATE)
    if baudrate is None:
        return None
    return SerialSettings(
        baudrate=int(baudrate),
        data_bits=int(data.get(CONF_DATABITS, 8)),
        parity=data.get(CONF_PARITY, "N"),
        stop_bits=float(data.get(CONF_STOPBITS, 1)),
    )


def with_option(options: Mapping[str, Any], key: str, slot: str, value: str | int | None) -> dict[str, Any]:
    """Return options in which the mapping at `key` has a value for a slot; None removes the value."""
    mapping = {known: kept for known, kept in options.get(key, {}).items() if known != slot}
    if value is not None:
        mapping[slot] = value
    rest = {name: kept for name, kept in options.items() if name != key}
    return {**rest, key: mapping} if mapping else rest


def redacted(port: str) -> str:
    """Return a port without secrets: a URL may have a password in front of the host, or a key behind the path."""
    if "://" not in port:
        return port
    scheme, _, rest = port.partition("://")
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{place.rpartition('@')[2]}"


def without_secrets(text: str, port: str) -> str:
    """Return a text, such as an error message, without the secrets in the URL of a port."""
    text = text.replace(port, redacted(port))
    for secret in _secrets(port):
        text = text.replace(secret, "**REDACTED**")
    return text


def _secrets(port: str) -> Iterator[str]:
    rest = port.partition("://")[2]
    address, _, query = rest.partition("?")
    user_info, at, _ = address.rpartition("@")
    if at:
        yield user_info
        yield from filter(None, user_info.split(":"))
    for setting in filter(None, re.split(r"[&;]", query)):
        yield setting
        value = setting.partition("=")[2]
        if len(value) >= _SHORTEST_SECRET:
            yield value
            yield unquote(value)


_SHORTEST_SECRET: Final = 4
