"""Repairs: fix flows of the issues."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partialmethod
from typing import Final, override

from homeassistant.components.repairs import ConfirmRepairFlow, FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigFlowContext
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import issue_registry as ir
import probatio

from .const import CONF_METER_TYPE, DOMAIN
from .coordinator import P1ConfigEntry, P1Coordinator
from .guarding.steps import QUESTION
from .meters.beside import Siblings
from .meters.questions import Answer
from .meters.replacement import Replacements
from .port.entry_data import with_option
from .port.serial_ports import entry_on
from .takeover.core_entries import core_entries
from .takeover.issues import BOTH, LEFTOVERS, async_begin, async_clear

type IssueData = dict[str, str | int | float | None]
type NextFlow = tuple[FlowType, str]


async def async_create_fix_flow(hass: HomeAssistant, issue_id: str, data: IssueData | None) -> RepairsFlow:  # noqa: ARG001 - HA's own
    """Return the fix flow of an issue."""
    condition = str((data or {}).get("condition"))
    return QUESTIONS[condition]() if condition in QUESTIONS else FixFlow(FIXES.get(condition, _acknowledge))


class P1RepairFlow(RepairsFlow):
    """A fix flow for an issue of one port."""

    @property
    def about(self) -> IssueData:
        """The data of the issue."""
        return self.data or {}

    @property
    def entry(self) -> P1ConfigEntry:
        """The entry of the port. Raises AbortFlow if it was removed."""
        entry = self.hass.config_entries.async_get_entry(str(self.about.get("entry_id")))
        if entry is None:
            raise AbortFlow("not_loaded")
        return entry

    @property
    def coordinator(self) -> P1Coordinator:
        """The coordinator of the port. Raises AbortFlow while it is not set up."""
        if self.entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded")
        return self.entry.runtime_data


class FixFlow(P1RepairFlow, ConfirmRepairFlow):
    """A flow with one action after confirmation, which may name the flow that follows."""

    def __init__(self, fix: Callable[[FixFlow], Awaitable[NextFlow | None]]) -> None:
        """Initialize the flow with its action, which raises AbortFlow if that is not possible."""
        self._fix = fix

    @override
    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show the action, and perform it after confirmation."""
        if user_input is None:
            return await super().async_step_confirm()
        return self.async_create_entry(data={}, next_flow=await self._fix(self))


async def _acknowledge(flow: FixFlow) -> None:
    port = flow.coordinator.port
    port.record.acknowledged.update(str(flow.about.get("_marks") or flow.about.get("condition")).split())
    port.save()


async def _take_new_path(flow: FixFlow) -> None:
    path, entry = str(flow.about["_path"]), flow.entry
    if await entry_on(flow.hass, path, other_than=entry.entry_id) is not None:
        raise AbortFlow("already_configured")
    flow.hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PORT: path})
    flow.hass.config_entries.async_schedule_reload(entry.entry_id)


async def _ask_for_keys(flow: FixFlow) -> NextFlow:
    """Start reauthentication, unless it has started already, or a reconfiguration, which asks for the keys too."""
    entry = flow.entry
    entry.async_start_reauth(flow.hass)
    of_entry = {"entry_id": entry.entry_id}
    started = flow.hass.config_entries.flow.async_progress_by_handler(DOMAIN, match_context=of_entry)
    return FlowType.CONFIG_FLOW, started[0]["flow_id"]


async def _reconfigure(flow: FixFlow) -> NextFlow:
    """Start reconfiguration: the port sends other telegrams than before."""
    context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=flow.entry.entry_id)
    started = await flow.hass.config_entries.flow.async_init(DOMAIN, context=context)
    return FlowType.CONFIG_FLOW, started["flow_id"]


async def _detect_type(flow: FixFlow) -> None:
    entry = flow.entry
    options = with_option(entry.options, CONF_METER_TYPE, str(flow.about["slot"]), None)
    flow.hass.config_entries.async_update_entry(entry, options=options)
    flow.hass.config_entries.async_schedule_reload(entry.entry_id)


async def _take_over(flow: FixFlow) -> None:
    """Take over an entry of Home Assistant's own `dsmr` that reads the same meter."""
    entry, core = flow.entry, flow.hass.config_entries.async_get_entry(str(flow.about["_core"]))
    if core is None or core not in core_entries(flow.hass):
        ir.async_delete_issue(flow.hass, DOMAIN, flow.issue_id)
        raise AbortFlow("nothing_to_take_over")
    async_begin(flow.hass, entry, core)
    flow.hass.config_entries.async_schedule_reload(entry.entry_id)


async def _clear_statistics(flow: FixFlow) -> None:
    async_clear(flow.hass, str(flow.about["_ids"]).split())


class QuestionFlow(P1RepairFlow):
    """A question to the owner, each answer to which is confirmed."""

    _answers: Sequence[str]

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask the question."""
        return self.async_show_menu(
            step_id="init", menu_options=list(self._answers), description_placeholders=self._placeholders()
        )

    async def async_step_answer(self, answer: str, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Confirm an answer, and apply it."""
        placeholders = self._placeholders()
        if user_input is None:
            return self.async_show_form(
                step_id=answer, data_schema=probatio.Schema({}), description_placeholders=placeholders
            )
        await self._async_apply(answer)
        return self.async_create_entry(data={})

    def _placeholders(self) -> dict[str, str]:
        """Return the placeholders of the texts. Raises AbortFlow if there is nothing to answer at the moment."""
        about = {name: str(value) for name, value in self.about.items() if not name.startswith("_")}
        return about | {"port": self.coordinator.name}

    @abstractmethod
    async def _async_apply(self, answer: str) -> None:
        """Apply the owner's answer."""


class ReplacementFlow(QuestionFlow):
    """Ask whether another meter is a replacement, an additional one, or a mistake."""

    _answers = tuple(answer.value for answer in Answer)
    async_step_replacement = partialmethod(QuestionFlow.async_step_answer, Answer.REPLACEMENT)
    async_step_additional = partialmethod(QuestionFlow.async_step_answer, Answer.ADDITIONAL)
    async_step_mistake = partialmethod(QuestionFlow.async_step_answer, Answer.MISTAKE)

    @property
    def _question(self) -> Replacements | Siblings:
        """The open question about the meter. Raises AbortFlow if there is none any more, and deletes the issue."""
        question = self.coordinator.meters.question_of(str(self.about["slot"]))
        if question is None:
            ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
            raise AbortFlow("settled")
        return question

    @override
    def _placeholders(self) -> dict[str, str]:
        """Return the placeholders, including private ones: the issue itself is part of diagnostics."""
        return super()._placeholders() | self._question.describe(str(self.about["slot"]))

    @override
    async def _async_apply(self, answer: str) -> None:
        await self._question.async_answer(str(self.about["slot"]), Answer(answer))


class OddStepFlow(QuestionFlow):
    """Ask whether a step of a register was real consumption or an error."""

    _answers = ("real", "mistake")
    async_step_real = partialmethod(QuestionFlow.async_step_answer, "real")
    async_step_mistake = partialmethod(QuestionFlow.async_step_answer, "mistake")

    @override
    async def _async_apply(self, answer: str) -> None:
        slot, channel_id = str(self.about["slot"]), str(self.about["_channel"])
        self.coordinator.keeper.steps.async_answer(slot, channel_id, is_real=answer == "real")


QUESTIONS: Final[Mapping[str, type[QuestionFlow]]] = {
    "meter_changed": ReplacementFlow,
    "meter_beside_dead": ReplacementFlow,
    QUESTION: OddStepFlow,
}
FIXES: Final[Mapping[str, Callable[[FixFlow], Awaitable[NextFlow | None]]]] = {
    "port_moved": _take_new_path,
    "wrong_key": _ask_for_keys,
    "not_proven": _reconfigure,
    "type_misfit": _detect_type,
    BOTH: _take_over,
    LEFTOVERS: _clear_statistics,
}
