"""The forms of the flows."""

from collections.abc import Callable, Mapping
from typing import Any, Final, override

from homeassistant.const import CONF_PORT
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector
import probatio

from ..const import (
    BRIDGE_AUTO,
    BRIDGE_DSMR,
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BAUDRATE,
    CONF_BRIDGE_TYPE,
    CONF_DATABITS,
    CONF_DECRYPTION_KEY,
    CONF_ENERGY_DASHBOARD,
    CONF_PARITY,
    CONF_SERIAL_SETTINGS,
    CONF_STOPBITS,
    CONF_TAKE_OVER,
)
from ..parts.fields import number

SECTION_TECHNICAL: Final = "technical"
"""A section without fields, to collapse its description."""


def _option(value: float | str) -> str:
    """Return a value as an option of a drop-down: a number as text, a letter in lower case."""
    return f"{value:g}" if isinstance(value, int | float) else str(value).lower()


class _Choice(selector.SelectSelector):
    """A drop-down that also accepts the input of scripts: numbers instead of texts, and letters as they are stored."""

    @override
    def __call__(self, data: Any) -> Any:
        return super().__call__(_option(data))


def choice(*options: str, translation_key: str | None = None) -> _Choice:
    """Return a drop-down."""
    config = selector.SelectSelectorConfig(options=list(options), mode=selector.SelectSelectorMode.DROPDOWN)
    return _Choice(config if translation_key is None else {**config, "translation_key": translation_key})


_KEY_FIELD: Final = selector.TextSelector(selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD))
_SERIAL_SCHEMA: Final = probatio.Schema({
    probatio.Optional(CONF_BAUDRATE): number(300, 3_000_000),
    probatio.Optional(CONF_DATABITS): choice("7", "8"),
    probatio.Optional(CONF_PARITY): choice("n", "e", "o", translation_key=CONF_PARITY),
    probatio.Optional(CONF_STOPBITS): choice("1", "1.5", "2"),
})  # fmt: skip
_BRIDGE: Final = choice(BRIDGE_AUTO, BRIDGE_DSMR, BRIDGE_SMARTY, translation_key=CONF_BRIDGE_TYPE)
PORT_SCHEMA: Final = probatio.Schema({
    probatio.Optional(CONF_PORT): selector.SerialPortSelector(),
    probatio.Required(CONF_BRIDGE_TYPE, default=BRIDGE_AUTO): _BRIDGE,
    probatio.Optional(CONF_SERIAL_SETTINGS): section(_SERIAL_SCHEMA, {"collapsed": True}),
})  # fmt: skip
KEYS_SCHEMA: Final = probatio.Schema({
    probatio.Required(probatio.Secret(CONF_DECRYPTION_KEY)): _KEY_FIELD,
    probatio.Optional(probatio.Secret(CONF_ADDITIONAL_KEY)): _KEY_FIELD,
})  # fmt: skip
EMPTY_SCHEMA: Final = probatio.Schema({})
FOUND_SCHEMA: Final = probatio.Schema({probatio.Optional(CONF_PORT): section(EMPTY_SCHEMA, {"collapsed": False})})
"""A read-only field for the port, with a place for its errors."""


def port_schema(port: str) -> probatio.Schema:
    """Return the form of a port: an address has a text field, as the list of serial ports calls it unknown."""
    if not port or port.startswith(("/", "esphome-hass:")):
        return PORT_SCHEMA
    return probatio.Schema(
        {key: selector.TextSelector() if key == CONF_PORT else field for key, field in PORT_SCHEMA.schema.items()}
    )


def confirm_schema(*, take_over: bool, energy_dashboard: bool) -> probatio.Schema:
    """Return the form that shows the meters found, with a field for each of the two that can be chosen."""
    fields: dict[probatio.Marker, Any] = {}
    if take_over:
        fields[probatio.Required(CONF_TAKE_OVER, default=True)] = selector.BooleanSelector()
    if energy_dashboard:
        fields[probatio.Optional(CONF_ENERGY_DASHBOARD, default=False)] = selector.BooleanSelector()
    return probatio.Schema({**fields, probatio.Optional(SECTION_TECHNICAL): section(EMPTY_SCHEMA, {"collapsed": True})})


_LINE: Final[Mapping[str, Callable[[Any], float | str]]] = {
    CONF_BAUDRATE: int,
    CONF_DATABITS: int,
    CONF_PARITY: str.upper,
    CONF_STOPBITS: float,
}
"""The serial settings, and how they are stored."""


def line_settings(entered: Mapping[str, Any]) -> dict[str, float | str]:
    """Return the fixed serial settings, as they are stored in the entry."""
    return {key: stored(entered[key]) for key, stored in _LINE.items() if key in entered}


def as_entered(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the serial settings in the data of an entry as values of the form."""
    return {key: data[key] if key == CONF_BAUDRATE else _option(data[key]) for key in _LINE if key in data}
