"""What the tests of the flows share: a simulated meter that sends while a flow listens, and the way through a flow."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.listening import Patience
from simulator import Household, Port, SimulatedMeter, TelegramBuilder, find_model

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
QUICK = Patience(byte=1.2, telegram=2.5, another=1, tick=0.05)
TRANSLATIONS = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)
_PLACEHOLDER = re.compile(r"{(\w+)}")


def make_meter(port: Port, model: str = "dsmr5", *, seed: int = 1, mbus: str | None = None) -> SimulatedMeter:
    row = find_model(model)
    household = Household(seed=seed, start=START, region=row.region, phases=row.phases)
    return SimulatedMeter(TelegramBuilder.create(row, household, mbus), port)


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


async def start(hass: HomeAssistant, user_input: dict[str, Any]) -> ConfigFlowResult:
    """Open the dialog and fill in its first form."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    return await enter(hass, result, user_input)


async def enter(hass: HomeAssistant, result: ConfigFlowResult, user_input: dict[str, Any]) -> ConfigFlowResult:
    """Fill in a form, and wait until the listening that follows, if any, has ended."""
    return await listened(hass, await hass.config_entries.flow.async_configure(result["flow_id"], user_input))


async def listened(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Wait while a flow listens, as the browser does: asking for the state of the flow again and again."""
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        check_texts(result)
        await asyncio.sleep(0.02)
        result = await hass.config_entries.flow.async_configure(result["flow_id"])
    check_texts(result)
    return result


async def finish(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Confirm what was heard, and wait until the entry is set up."""
    assert result["step_id"] == "confirm", result
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    await hass.async_block_till_done()
    check_texts(result)
    return result


async def close(hass: HomeAssistant, result: ConfigFlowResult) -> None:
    """Close the dialog."""
    hass.config_entries.flow.async_abort(result["flow_id"])
    await hass.async_block_till_done()


def told(result: ConfigFlowResult) -> Mapping[str, str]:
    """Give what a step tells in its texts."""
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    return placeholders


def fields(result: ConfigFlowResult) -> dict[str, tuple[Any, Any]]:
    """Give the fields of a form by name."""
    schema = result["data_schema"]
    assert schema is not None
    return {str(marker.schema): (marker, value) for marker, value in schema.schema.items()}


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Give what stands in a form, its sections apart."""
    markers = {name: marker for name, (marker, _) in fields(result).items()}
    return {name: (marker.description or {}).get("suggested_value") for name, marker in markers.items()}


def is_open(hass: HomeAssistant, result: ConfigFlowResult) -> bool:
    try:
        hass.config_entries.flow.async_get(result["flow_id"])
    except UnknownFlow:
        return False
    return True


def check_texts(result: Any, group: str = "config") -> None:
    """Check that every text a step shows exists, and that everything it tells of is told."""
    texts = TRANSLATIONS[group]
    told = set(result.get("description_placeholders") or {})
    match result["type"]:
        case FlowResultType.FORM:
            step = texts["step"][result["step_id"]]
            shown = [step["title"], step.get("description", "")]
            shown += [texts["error"][key] for key in (result["errors"] or {}).values()]
            for marker, value in result["data_schema"].schema.items():
                name = str(marker.schema)
                if name in step.get("sections", {}):
                    fields = step["sections"][name]
                    keys = [str(field.schema) for field in value.schema.schema]
                    assert set(fields["data"]) == set(fields["data_description"]) == set(keys)
                else:
                    assert step["data"][name]
                    assert step["data_description"][name]
                key = getattr(value, "config", {}).get("translation_key")
                if key is not None:
                    assert set(value.config["options"]) <= set(TRANSLATIONS["selector"][key]["options"])
        case FlowResultType.SHOW_PROGRESS:
            shown = [texts["progress"][result["progress_action"]]]
        case FlowResultType.ABORT if result.get("translation_domain") in (None, DOMAIN):
            shown = [texts["abort"][result["reason"]]]
        case FlowResultType.MENU:
            step = texts["step"][result["step_id"]]
            assert set(result["menu_options"]) == set(step["menu_options"])
            shown = [step["title"], step.get("description", "")]
        case _:
            shown = []
    for text in shown:
        assert set(_PLACEHOLDER.findall(text)) <= told, text
