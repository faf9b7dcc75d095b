"""Repairs: fix flows of the issues."""

from abc import abstractmethod
from typing import Final, override

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigFlowContext
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import probatio

from .const import CONF_METER_TYPE, DOMAIN
from .coordinator import P1ConfigEntry
from .guarding.steps import QUESTION
from .meters.questions import Answer
from .port.entry_data import redacted
from .port.serial_ports import entry_on
from .takeover.both import CONDITION, async_begin
from .takeover.core_entries import core_entries
from .takeover.leftovers import LEFTOVERS, async_clear

type IssueData = dict[str, str | int | float | None]


async def async_create_fix_flow(hass: HomeAssistant, issue_id: str, data: IssueData | None) -> RepairsFlow:  # noqa: ARG001 - HA's own
    """Return the fix flow of an issue."""
    data = data or {}
    condition = str(data.get("condition"))
    return FLOWS.get(condition, AcknowledgeFlow)(hass, condition, data)


class P1RepairFlow(RepairsFlow):
    """A fix flow for an issue of one port."""

    def __init__(self, hass: HomeAssistant, condition: str, about: IssueData) -> None:
        """Initialize the flow with the data of the issue."""
        self._entry: P1ConfigEntry | None = hass.config_entries.async_get_entry(str(about.get("entry_id")))
        self._condition = condition
        self._about = about

    @property
    def _placeholders(self) -> dict[str, str]:
        return {
            name: str(value)
            for name, value in self._about.items()
            if name not in ("entry_id", "condition", "slot") and not name.startswith("_")
        } | ({} if self._entry is None else {"port": redacted(self._entry.data[CONF_PORT])})

    @property
    def _is_loaded(self) -> bool:
        return self._entry is not None and self._entry.state is ConfigEntryState.LOADED

    def _ask(self, step_id: str) -> RepairsFlowResult:
        return self.async_show_form(
            step_id=step_id, data_schema=probatio.Schema({}), description_placeholders=self._placeholders
        )


class ConfirmFlow(P1RepairFlow):
    """A flow with one action after confirmation; `_next_flow` is the flow that follows it."""

    _next_flow: tuple[FlowType, str] | None = None

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Start the flow."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show the action, and perform it after confirmation."""
        if user_input is None:
            return self._ask("confirm")
        if self._entry is None:
            return self.async_abort(reason="not_loaded")
        reason = await self._async_fix(self._entry)
        if reason is not None:
            return self.async_abort(reason=reason, description_placeholders=self._placeholders)
        return self.async_create_entry(data={}, next_flow=self._next_flow)

    @abstractmethod
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        """Perform the action; return the key of the error, if any."""


class AcknowledgeFlow(ConfirmFlow):
    """Acknowledge the issue, so that it is not raised again."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        if not self._is_loaded:
            return "not_loaded"
        marks = str(self._about.get("_marks") or self._condition).split()
        port = entry.runtime_data.port
        port.record.acknowledged.update(marks)
        port.save()
        return None


class TakeNewPathFlow(ConfirmFlow):
    """Switch the entry to the new path of the cable."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        path = str(self._about["_path"])
        if await entry_on(self.hass, path, other_than=entry.entry_id) is not None:
            return "already_configured"
        self.hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: path})
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return None


class AskForKeysFlow(ConfirmFlow):
    """Start reauthentication."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        entry.async_start_reauth(self.hass)
        return None


class ReconfigureFlow(ConfirmFlow):
    """Start reconfiguration: the port sends other telegrams than before."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry.entry_id)
        flow = await self.hass.config_entries.flow.async_init(DOMAIN, context=context)
        self._next_flow = FlowType.CONFIG_FLOW, flow["flow_id"]
        return None


class DetectTypeFlow(ConfirmFlow):
    """Remove the chosen type of a meter, so that it is detected again."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        types = {
            slot: chosen
            for slot, chosen in entry.options.get(CONF_METER_TYPE, {}).items()
            if slot != self._about["slot"]
        }
        options = {name: value for name, value in entry.options.items() if name != CONF_METER_TYPE}
        if types:
            options[CONF_METER_TYPE] = types
        self.hass.config_entries.async_update_entry(entry, options=options)
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return None


class TakeOverFlow(ConfirmFlow):
    """Take over an entry of Home Assistant's own `dsmr` that reads the same meter."""

    @override
    async def _async_fix(self, entry: P1ConfigEntry) -> str | None:
        core = self.hass.config_entries.async_get_entry(str(self._about["_core"]))
        if core is None or core not in core_entries(self.hass):
            return "nothing_to_take_over"
        async_begin(self.hass, entry, core)
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return None


class ReplacementFlow(P1RepairFlow):
    """Ask whether another meter is a replacement, an additional one, or a mistake."""

    @property
    @override
    def _placeholders(self) -> dict[str, str]:
        """Return the placeholders, including private ones: the issue itself is part of diagnostics."""
        slot = str(self._about["slot"])
        if self._entry is None or not self._is_loaded or not self._entry.runtime_data.meters.is_in_question(slot):
            return super()._placeholders
        return super()._placeholders | self._entry.runtime_data.meters.describe(slot)

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask which it is."""
        if self._entry is None or not self._is_loaded:
            return self.async_abort(reason="not_loaded")
        if not self._entry.runtime_data.meters.is_in_question(str(self._about["slot"])):
            return self._settled()
        return self.async_show_menu(
            step_id="init",
            menu_options=[answer.value for answer in Answer],
            description_placeholders=self._placeholders,
        )

    async def async_step_replacement(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Use the entities of the old meter for the new one."""
        return await self._answer(Answer.REPLACEMENT, user_input)

    async def async_step_additional(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Add the new meter beside the old one."""
        return await self._answer(Answer.ADDITIONAL, user_input)

    async def async_step_mistake(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Keep everything as it was."""
        return await self._answer(Answer.MISTAKE, user_input)

    def _settled(self) -> RepairsFlowResult:
        """Finish the flow if the question is no longer open, which also deletes the issue."""
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        return self.async_abort(reason="settled")

    async def _answer(self, answer: Answer, user_input: dict[str, str] | None) -> RepairsFlowResult:
        if user_input is None:
            return self._ask(answer)
        slot = str(self._about["slot"])
        if self._entry is None or not self._is_loaded:
            return self.async_abort(reason="not_loaded")
        meters = self._entry.runtime_data.meters
        if not meters.is_in_question(slot):
            return self._settled()
        await meters.async_answer(slot, answer)
        return self.async_create_entry(data={})


class OddStepFlow(P1RepairFlow):
    """Ask whether a step of a register was real consumption or an error."""

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask which it is."""
        if self._entry is None or not self._is_loaded:
            return self.async_abort(reason="not_loaded")
        return self.async_show_menu(
            step_id="init", menu_options=["real", "mistake"], description_placeholders=self._placeholders
        )

    async def async_step_real(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Add the step to the statistics again."""
        return self._answer("real", user_input)

    async def async_step_mistake(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Keep the step out of the statistics."""
        return self._answer("mistake", user_input)

    def _answer(self, step_id: str, user_input: dict[str, str] | None) -> RepairsFlowResult:
        if user_input is None:
            return self._ask(step_id)
        if self._entry is None or not self._is_loaded:
            return self.async_abort(reason="not_loaded")
        steps, about = self._entry.runtime_data.keeper.steps, self._about
        steps.async_answer(str(about["slot"]), str(about["_channel"]), is_real=step_id == "real")
        return self.async_create_entry(data={})


class ClearStatisticsFlow(P1RepairFlow):
    """Clear the statistics that are left of an entry. It is gone: the other flows need theirs."""

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Start the flow."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show the statistics, and clear them after confirmation."""
        if user_input is None:
            return self._ask("confirm")
        async_clear(self.hass, str(self._about["_ids"]).split())
        return self.async_create_entry(data={})


FLOWS: Final[dict[str, type[P1RepairFlow]]] = {
    "meter_changed": ReplacementFlow,
    "meter_beside_dead": ReplacementFlow,
    "port_moved": TakeNewPathFlow,
    "wrong_key": AskForKeysFlow,
    "not_proven": ReconfigureFlow,
    "type_misfit": DetectTypeFlow,
    QUESTION: OddStepFlow,
    CONDITION: TakeOverFlow,
    LEFTOVERS: ClearStatisticsFlow,
}
