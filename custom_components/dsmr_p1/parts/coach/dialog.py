"""The steps of the options that ask what quarters of an hour are billed by."""

from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.helpers.selector import SelectSelectorMode
import probatio

from ...p1.meters.grouping import MAIN_SLOT
from ..fields import number, one_of, one_translated
from ..part import PartSteps
from .settings import (
    CAPACITY,
    CONF_COACH,
    CONF_LEAST,
    CONF_PRICE,
    CONF_REFERENCE,
    CONF_TARIFF,
    DEFAULT_LEAST,
    OFF,
    REFERENCE,
    REFERENCES,
    TARIFF_OF,
)

_TARIFF: Final = probatio.Schema(
    {probatio.Required(CONF_TARIFF): one_translated(CONF_TARIFF, OFF, CAPACITY, REFERENCE)}
)
_CLASSES: Final = one_of({str(power): f"{power} kW" for power in REFERENCES}, SelectSelectorMode.DROPDOWN)
_amount: Final = partial(number, 0, 1000, is_whole=False)


class CoachSteps(PartSteps):
    """Asks for the tariff, and for what it depends on."""

    async def async_step_coach(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what quarters are billed by; the country of the meter suggests it."""
        if user_input is None:
            is_loaded = self.config_entry.state is ConfigEntryState.LOADED
            is_wanted = CONF_COACH in self.config_entry.options
            if is_loaded and not is_wanted and MAIN_SLOT not in self.config_entry.runtime_data.port.meters:
                return self.async_abort(reason="coach_no_electricity")
            chosen = self._kept.get(CONF_TARIFF, OFF) if is_wanted else self._usual
            schema = self.add_suggested_values_to_schema(_TARIFF, {CONF_TARIFF: chosen})
            return self.async_show_form(step_id="coach", data_schema=schema)
        if user_input[CONF_TARIFF] == CAPACITY:
            return await self.async_step_coach_capacity()
        if user_input[CONF_TARIFF] == REFERENCE:
            return await self.async_step_coach_reference()
        return self.keep(CONF_COACH, None)

    async def async_step_coach_capacity(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the least that is billed, and for the price of a kW."""
        schema = {
            probatio.Required(CONF_LEAST, default=DEFAULT_LEAST): _amount("kW"),
            probatio.Optional(CONF_PRICE): _amount(f"{self.hass.config.currency}/kW"),
        }
        return self._ask(CAPACITY, schema, user_input)

    async def async_step_coach_reference(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the reference power, and for the price of what goes beyond."""
        schema = {
            probatio.Required(CONF_REFERENCE): _CLASSES,
            probatio.Optional(CONF_PRICE): _amount(f"{self.hass.config.currency}/kWh"),
        }
        return self._ask(REFERENCE, schema, user_input)

    def _ask(
        self, tariff: str, fields: dict[probatio.Marker, Any], user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        if user_input is not None:
            return self.keep(CONF_COACH, {CONF_TARIFF: tariff, **user_input})
        kept = self._kept if self._kept.get(CONF_TARIFF) == tariff else {}
        schema = self.add_suggested_values_to_schema(probatio.Schema(fields), kept)
        return self.async_show_form(step_id=f"{CONF_COACH}_{tariff}", data_schema=schema)

    @property
    def _kept(self) -> dict[str, Any]:
        return dict(self.config_entry.options.get(CONF_COACH, {}))

    @property
    def _usual(self) -> str:
        """What is usual in the country of the meter."""
        return OFF if self.country is None else TARIFF_OF.get(self.country.code, OFF)
