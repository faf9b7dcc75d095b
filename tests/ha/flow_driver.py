"""What the tests of the flows share: a simulated meter that sends while a flow listens, and the way through a flow.

The way leads through Home Assistant's own REST interface, as the browser takes it, after `over_rest`. Without, where no
web server runs, the same is asked of the flow manager; the steps look the same.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry, ConfigFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
from homeassistant.util.hass_dict import HassKey
import probatio

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.flow.listening import Patience
from simulator import Household, Port, SimulatedMeter, TelegramBuilder, find_model

if TYPE_CHECKING:
    # Only where the tests run; this also drives the newest Home Assistant, where the test tools are not.
    from aiohttp.test_utils import TestClient
    from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
QUICK = Patience(open=1.2, byte=1.2, telegram=2.5, another=1, tick=0.05)
"""Where silence is heard: nobody waits longer than these meters need."""
PATIENT = Patience(open=20, byte=40, telegram=40, another=5, tick=0.05)
"""Where a meter is heard: listening ends with its telegrams, on the slowest machine."""
TRANSLATIONS = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)
_PLACEHOLDER = re.compile(r"{(\w+)}")


def make_meter(port: Port, model: str = "dsmr5", *, seed: int = 1, mbus: str | None = None) -> SimulatedMeter:
    row = find_model(model)
    household = Household(seed=seed, start=START, region=row.region, phases=row.phases)
    return SimulatedMeter(TelegramBuilder.create(row, household, mbus), port)


@contextmanager
def listening(patience: Patience) -> Iterator[None]:
    """Let the dialog wait so long for a meter, wherever it listens."""
    with ExitStack() as stack:
        for which in ("PATIENCE", "NETWORK_PATIENCE", "SCAN_PATIENCE", "HOST_PATIENCE"):
            stack.enter_context(patch(f"custom_components.dsmr_p1.flow.listen_step.{which}", patience))
        yield


@asynccontextmanager
async def sending(meter: SimulatedMeter, interval: float = 0.05) -> AsyncIterator[None]:
    """Let a meter send while somebody reads its port."""

    async def send() -> None:
        while True:
            if meter.port.is_plugged and meter.port.reader_present():
                meter.step()
            await asyncio.sleep(interval)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


type Step = dict[str, Any]
"""A step of a flow as the browser gets it, except that an entry that was made is the entry itself."""
CLIENT: Final[HassKey[TestClient[Any, Any]]] = HassKey("client_of_the_flow_driver")
_FLOWS: Final = "/api/config/config_entries/flow"
_OPTIONS: Final = "/api/config/config_entries/options/flow"


class RefusedError(Exception):
    """What was entered does not fit the form."""


async def over_rest(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> None:
    """Take the way of the browser from now on."""
    # What adds pages to the web server does so before it has a client.
    for component in ("config", "usb"):
        assert await async_setup_component(hass, component, {})
    hass.data[CLIENT] = await hass_client()


async def _ask(hass: HomeAssistant, method: str, path: str, content: Mapping[str, Any] | None = None) -> Step:
    response = await hass.data[CLIENT].request(method, path, json=content)
    step: Step = await response.json()
    if response.status == 400:
        raise RefusedError(step["errors"])
    assert response.status == 200, step
    if method == "DELETE":
        return step
    step["type"] = FlowResultType(step["type"])
    if step["type"] is FlowResultType.CREATE_ENTRY and step["handler"] == DOMAIN:
        step["result"] = hass.config_entries.async_get_entry(step["result"]["entry_id"])
        step["data"] = step["result"].data
    return step


def _as_shown(result: Any) -> Step:
    """Give a result of the flow manager as the browser would get it."""
    step = dict(result)
    if step.get("data_schema") is not None:
        step["data_schema"] = probatio.to_field_list(step["data_schema"], custom_serializer=cv.custom_serializer)
    return step


def _path(step: Mapping[str, Any]) -> str:
    return f"{_FLOWS if step['handler'] == DOMAIN else _OPTIONS}/{step['flow_id']}"


async def begin(hass: HomeAssistant, entry: ConfigEntry | None = None) -> Step:
    """Open the dialog that adds an entry, or the one that reconfigures it."""
    if CLIENT in hass.data:
        of_entry = {} if entry is None else {"entry_id": entry.entry_id}
        step = await _ask(hass, "POST", _FLOWS, {"handler": DOMAIN, **of_entry})
    elif entry is None:
        step = _as_shown(await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER}))
    else:
        context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry.entry_id)
        step = _as_shown(await hass.config_entries.flow.async_init(DOMAIN, context=context))
    check_texts(step)
    return step


async def begin_options(hass: HomeAssistant, entry: ConfigEntry) -> Step:
    """Open the options."""
    step = await _ask(hass, "POST", _OPTIONS, {"handler": entry.entry_id})
    check_texts(step, "options")
    return step


async def look(hass: HomeAssistant, step: Mapping[str, Any]) -> Step:
    """Ask for the state of a flow, as the browser does when it opens or comes back to the dialog."""
    if CLIENT in hass.data:
        return await _ask(hass, "GET", _path(step))
    return _as_shown(await hass.config_entries.flow.async_configure(step["flow_id"]))


async def answer(hass: HomeAssistant, step: Mapping[str, Any], user_input: Mapping[str, Any]) -> Step:
    """Fill in a form, and take the next step as it comes, also one that only shows progress."""
    if CLIENT in hass.data:
        return await _ask(hass, "POST", _path(step), user_input)
    return _as_shown(await hass.config_entries.flow.async_configure(step["flow_id"], dict(user_input)))


async def start(hass: HomeAssistant, user_input: dict[str, Any]) -> Step:
    """Open the dialog and fill in its first form."""
    result = await begin(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    return await enter(hass, result, user_input)


async def enter(hass: HomeAssistant, result: Mapping[str, Any], user_input: Mapping[str, Any]) -> Step:
    """Fill in a form, and wait until the listening that follows, if any, has ended."""
    return await listened(hass, await answer(hass, result, user_input))


async def listened(hass: HomeAssistant, result: Step) -> Step:
    """Wait while a flow listens, as the browser does: asking for the state of the flow again and again."""
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        check_texts(result)
        await asyncio.sleep(0.02)
        result = await look(hass, result)
    check_texts(result)
    return result


async def finish(hass: HomeAssistant, result: Mapping[str, Any]) -> Step:
    """Confirm what was heard, and wait until the entry is set up or changed."""
    assert result["step_id"] == "confirm", result
    result = await answer(hass, result, {})
    await hass.async_block_till_done()
    check_texts(result)
    return result


async def close(hass: HomeAssistant, result: Mapping[str, Any]) -> None:
    """Close the dialog."""
    if CLIENT in hass.data:
        await _ask(hass, "DELETE", _path(result))
    else:
        hass.config_entries.flow.async_abort(result["flow_id"])
    await hass.async_block_till_done()


def told(result: Mapping[str, Any]) -> Mapping[str, str]:
    """Give what a step tells in its texts."""
    placeholders: Mapping[str, str] | None = result["description_placeholders"]
    assert placeholders is not None
    return placeholders


def fields(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the fields of a form by name; of a section they are in its `schema`."""
    return {field["name"]: field for field in result["data_schema"]}


def choices(field: Mapping[str, Any]) -> list[Any]:
    """Give what can be chosen in a field."""
    found: list[Any] = field["selector"]["select"]["options"]
    return found


def suggested(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give what stands in a form; what stands in a section is a mapping of its own."""
    return {name: _suggested(field) for name, field in fields(result).items()}


def _suggested(field: Mapping[str, Any]) -> Any:
    if field.get("type") == "expandable":
        return {inner["name"]: _suggested(inner) for inner in field["schema"]}
    return (field.get("description") or {}).get("suggested_value")


def is_open(hass: HomeAssistant, result: Mapping[str, Any]) -> bool:
    try:
        hass.config_entries.flow.async_get(result["flow_id"])
    except UnknownFlow:
        return False
    return True


def _texts_of_section(texts: Mapping[str, Any], section: Mapping[str, Any]) -> list[str]:
    names = {inner["name"] for inner in section["schema"]}
    assert set(texts.get("data", {})) == set(texts.get("data_description", {})) == names
    return [texts["name"], texts["description"]]


def check_texts(result: Any, group: str = "config") -> None:
    """Check that every text a step shows exists, and that everything it tells of is told."""
    texts = TRANSLATIONS[group]
    told = set(result.get("description_placeholders") or {})
    match result["type"]:
        case FlowResultType.FORM:
            step = texts["step"][result["step_id"]]
            shown = [step["title"], step.get("description", "")]
            shown += [texts["error"][key] for key in (result["errors"] or {}).values()]
            for field in result["data_schema"]:
                name = field["name"]
                if name in step.get("sections", {}):
                    shown += _texts_of_section(step["sections"][name], field)
                    chosen = field["schema"]
                else:
                    assert step["data"][name]
                    assert step["data_description"][name]
                    chosen = [field]
                for select in (choice["selector"].get("select", {}) for choice in chosen):
                    if (key := select.get("translation_key")) is not None:
                        assert set(select["options"]) <= set(TRANSLATIONS["selector"][key]["options"])
        case FlowResultType.SHOW_PROGRESS:
            shown = [texts["progress"][result["progress_action"]]]
        case FlowResultType.ABORT if result.get("translation_domain") in (None, DOMAIN):
            shown = [texts["abort"][result["reason"]]]
        case FlowResultType.MENU:
            step = texts["step"][result["step_id"]]
            # A part that was deleted leaves its texts.
            assert set(result["menu_options"]) <= set(step["menu_options"])
            shown = [step["title"], step.get("description", "")]
        case _:
            shown = []
    for text in shown:
        assert set(_PLACEHOLDER.findall(text)) <= told, text
