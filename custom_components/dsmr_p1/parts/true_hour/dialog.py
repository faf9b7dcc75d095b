"""The step of the options that asks for true hours, and for the prices of their cost."""

from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.helpers.selector import BooleanSelector
from homeassistant.util import dt as dt_util
import probatio

from ...p1 import MeterKind
from ..fields import number
from ..part import PartSteps
from .meters import slow_kinds
from .settings import CONF_ON, CONF_SINCE, CONF_TRUE_HOUR, PRICES

RECORDER: Final = "recorder"


class TrueHourSteps(PartSteps):
    """Asks whether slow meters are booked in their hours, where there are such, and at which price."""

    async def async_step_true_hour(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether hours are booked, and for a price per unit of each kind of meter."""
        if RECORDER not in self.hass.config.components:
            return self.async_abort(reason="true_hour_no_recorder")
        stored = self.config_entry.options.get(CONF_TRUE_HOUR)
        slow = set() if self.reading is None else slow_kinds(self.config_entry.runtime_data.port, self.reading)
        if stored is None and not slow:
            return self.async_abort(reason="no_meters" if self.reading is None else "true_hour_no_meter")
        if user_input is not None:
            if not user_input[CONF_ON]:
                return self.keep(CONF_TRUE_HOUR, None)
            since = (stored or {}).get(CONF_SINCE) or dt_util.utcnow().isoformat()
            prices = {key: user_input[key] for key in PRICES.values() if user_input.get(key) is not None}
            return self.keep(CONF_TRUE_HOUR, {CONF_SINCE: since, **prices})
        kinds = slow | {kind for kind, key in PRICES.items() if key in (stored or {})}
        schema = self.add_suggested_values_to_schema(self._schema(kinds), stored)
        return self.async_show_form(step_id="true_hour", data_schema=schema)

    def _schema(self, kinds: set[MeterKind]) -> probatio.Schema:
        price = number(0, unit=self.hass.config.currency, is_whole=False)
        fields: dict[Any, Any] = {probatio.Required(CONF_ON, default=True): BooleanSelector()}
        return probatio.Schema(
            fields | {probatio.Optional(key): price for kind, key in PRICES.items() if kind in kinds}
        )
