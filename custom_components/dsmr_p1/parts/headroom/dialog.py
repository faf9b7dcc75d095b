"""The step of the options that asks for the main fuse."""

from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
import probatio

from ..fields import number, one_translated
from ..part import PartSteps, main_meter
from .phases import Channels, Grid, phases_of, told_fuse, told_grid
from .settings import CONF_HEADROOM, CONF_HEADROOM_FUSE, CONF_HEADROOM_GRID, USUAL_FUSES

_SCHEMA: Final = probatio.Schema(
    {
        # The largest of a household is 80 A; farms and workshops have more.
        probatio.Optional(CONF_HEADROOM_FUSE): number(1, 400, "A"),
        probatio.Required(CONF_HEADROOM_GRID, default=Grid.WITH_NEUTRAL.value): one_translated(
            CONF_HEADROOM_GRID, *(grid.value for grid in Grid)
        ),
    }
)


class HeadroomSteps(PartSteps):
    """Asks for the main fuse and the kind of grid."""

    async def async_step_headroom(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the main fuse; without one there is no headroom."""
        if user_input is not None:
            is_wanted = user_input.get(CONF_HEADROOM_FUSE) is not None
            return self.keep(CONF_HEADROOM, user_input if is_wanted else None)
        values = self.config_entry.options.get(CONF_HEADROOM)
        if values is None:
            meter = main_meter(self.reading)
            channels: Channels = {} if meter is None else meter.channels
            if not phases_of(channels):
                return self.async_abort(reason="no_meters" if self.reading is None else "headroom_no_phases")
            usual = None if self.country is None else USUAL_FUSES.get(self.country.code)
            fuse = told_fuse(channels) or usual
            values = {CONF_HEADROOM_FUSE: fuse, CONF_HEADROOM_GRID: told_grid(channels).value}
        schema = self.add_suggested_values_to_schema(_SCHEMA, values)
        return self.async_show_form(step_id="headroom", data_schema=schema)
