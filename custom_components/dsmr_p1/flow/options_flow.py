"""The options flow: options of the whole port, and of each meter on it."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_COUNTRY
from homeassistant.helpers.selector import CountrySelector, CountrySelectorConfig
import probatio

from ..const import CONF_METER, CONF_METER_TYPE, CONF_RECEIVED_TIMEOUT, CONF_REFRESH, DEFAULT_RECEIVED_TIMEOUT
from ..p1 import MeterKind, MeterType, Role
from ..p1.catalog import METER_TYPES
from ..p1.cosem.countries import COUNTRIES
from ..parts import PARTS
from ..parts.fields import number, one_of
from ..parts.part import PartSteps
from ..port.entry_data import with_option
from .forms import choice
from .report import AnyMeter, Words, meter_name, type_name

AUTOMATIC: Final = "automatic"
"""The choice for the detected type."""
SHORTEST_RECEIVED_TIMEOUT: Final = 30
"""Seconds: three telegrams of a meter that sends every ten seconds."""


class P1Steps(PartSteps):
    """The menu of the options, and those of the port and of its meters; a change reloads the entry."""

    _slot = ""

    async def async_step_init(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the menu of the options."""
        return self.async_show_menu(step_id="init", menu_options=["general", "meters", *(part.key for part in PARTS)])

    async def async_step_general(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for options of the whole port."""
        options = self.config_entry.options
        if user_input is not None:
            kept = {name: value for name, value in options.items() if name != CONF_COUNTRY}
            country = {CONF_COUNTRY: user_input[CONF_COUNTRY]} if user_input.get(CONF_COUNTRY) else {}
            timeout = int(user_input[CONF_RECEIVED_TIMEOUT])
            return self.async_create_entry(data={**kept, **country, CONF_RECEIVED_TIMEOUT: timeout})
        timeout = max(options.get(CONF_RECEIVED_TIMEOUT, DEFAULT_RECEIVED_TIMEOUT), SHORTEST_RECEIVED_TIMEOUT)
        schema = probatio.Schema({
            probatio.Required(CONF_RECEIVED_TIMEOUT, default=timeout): number(SHORTEST_RECEIVED_TIMEOUT, 3600, "s"),
            probatio.Optional(CONF_COUNTRY): CountrySelector(CountrySelectorConfig(countries=list(COUNTRIES))),
        })  # fmt: skip
        values = {CONF_COUNTRY: options[CONF_COUNTRY]} if CONF_COUNTRY in options else {}
        return self.async_show_form(step_id="general", data_schema=self.add_suggested_values_to_schema(schema, values))

    async def async_step_meters(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form to choose a meter."""
        meters = self._meters
        if not meters:
            return self.async_abort(reason="no_meters")
        if user_input is not None:
            self._slot = user_input[CONF_METER]
            return await self.async_step_meter()
        words = await Words.load(self.hass)
        field = one_of({slot: meter_name(meter, words) for slot, meter in meters.items()})
        return self.async_show_form(
            step_id="meters", data_schema=probatio.Schema({probatio.Required(CONF_METER): field})
        )

    async def async_step_meter(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form for options of one meter."""
        options = self.config_entry.options
        if user_input is not None:
            refresh = user_input.get(CONF_REFRESH)
            chosen = user_input.get(CONF_METER_TYPE, AUTOMATIC)
            changed = with_option(options, CONF_REFRESH, self._slot, None if refresh is None else int(refresh))
            changed = with_option(changed, CONF_METER_TYPE, self._slot, None if chosen == AUTOMATIC else chosen)
            return self.async_create_entry(data=changed)
        meter = self._meters.get(self._slot)
        if meter is None:
            # The meter or the whole entry was removed while the dialog was open.
            return self.async_abort(reason="no_meters")
        types = [AUTOMATIC, *(row.id for row in fitting_types(meter))]
        chosen = options.get(CONF_METER_TYPE, {}).get(self._slot, AUTOMATIC)
        values = {CONF_METER_TYPE: chosen if chosen in types else AUTOMATIC}
        if self._slot in (refresh := options.get(CONF_REFRESH, {})):
            values[CONF_REFRESH] = refresh[self._slot]
        schema = probatio.Schema({
            probatio.Optional(CONF_REFRESH): number(0, 86_400, "s"),
            probatio.Required(CONF_METER_TYPE, default=AUTOMATIC): choice(*types, translation_key=CONF_METER_TYPE),
        })  # fmt: skip
        words = await Words.load(self.hass)
        port = self.config_entry.runtime_data.port
        known = port.meters[self._slot]
        return self.async_show_form(
            step_id="meter",
            data_schema=self.add_suggested_values_to_schema(schema, values),
            description_placeholders={
                "meter": meter_name(meter, words),
                "type": type_name(meter, words),
                "refresh": f"{port.display.refresh_of(known):g}",
                "totals": f"{port.display.totals_refresh_of(known):g}",
            },
        )

    @property
    def _meters(self) -> dict[str, AnyMeter]:
        """The known meters as detected, by slot; none while the entry is not set up."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return {}
        port = self.config_entry.runtime_data.port
        heard = () if port.reading is None else port.reading.meters
        detected = {meter.profile.slot: meter.profile for meter in heard if meter.profile.slot in port.meters}
        return {**port.meters, **detected}


P1OptionsFlow: Final[type[P1Steps]] = type("P1OptionsFlow", (P1Steps, *(part.steps for part in PARTS)), {})
"""The options flow: the steps above, and those of the parts."""


def fitting_types(meter: AnyMeter) -> list[MeterType]:
    """Return the specification's meter types that a meter in this slot can have; any type if its kind is unknown."""
    is_unknown = meter.role is Role.MBUS and meter.kind is MeterKind.GENERIC
    return [
        row
        for row in METER_TYPES
        if row.role is meter.role
        and (is_unknown or meter.kind in row.kinds)
        and row.mbus_channel in (None, meter.mbus_channel)
    ]
