"""Secrets: no key, no identifier and nothing of an address that is private is told where others may read it.

That is: in the log, in diagnostics, in what an action gives, in titles of entries and dialogs, in the names of devices
and entities, and in repairs. The dialog that sets a port up tells the identifiers to the owner, who compares them with
the meter; and they are entities and serial numbers, for the same reason.
"""

import asyncio
from collections.abc import Iterable, Iterator
import json
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.dsmr_p1.const import (
    BRIDGE_AUTO,
    BRIDGE_DSMR,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    DOMAIN,
)
from custom_components.dsmr_p1.diagnostics import async_get_config_entry_diagnostics
from custom_components.dsmr_p1.repairs import async_create_fix_flow
from custom_components.dsmr_p1.services import SERVICE_CAPTURE_TELEGRAMS
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY, PtyPort, SimulatedMeter
from tests.ha.flow_driver import PATIENT, close, enter, finish, listening, make_meter, sending, start
from tests.ha.house import MakeHouse, eventually

OURS = "custom_components.dsmr_p1"
KEY = EXAMPLE_DECRYPTION_KEY.hex().upper()
SECOND_KEY = EXAMPLE_AUTHENTICATION_KEY.hex().upper()
WRONG_KEY = "F0E1D2C3B4A5968778695A4B3C2D1E0F"
KEYS = (KEY, SECOND_KEY, WRONG_KEY)
ADDRESS = "socket://me:hunter2@meter.local/?key=geheim-und-lang"
ADDRESS_SECRETS = ("hunter2", "geheim-und-lang")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with (
        listening(PATIENT),
        patch("custom_components.dsmr_p1.coordinator.FIRST_TELEGRAM_LIMIT", 2),
    ):
        yield


@pytest.fixture
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    # What has no secrets of ours, and says a great deal.
    for name in ("serialx", "asyncio", "homeassistant.core"):
        caplog.set_level(logging.INFO, name)
    # Last: each call sets the level of what is kept too.
    caplog.set_level(logging.DEBUG)


def forms(secret: str) -> Iterable[str]:
    """Give the forms in which a secret may stand somewhere, all in lower case."""
    yield secret.lower()
    yield secret.encode().hex()
    if secret in KEYS:
        yield repr(bytes.fromhex(secret)).lower()


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    lower = text.lower()
    return [form for secret in secrets for form in forms(secret) if form in lower]


def logged(caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Give what we have logged at any level, and what Home Assistant has that everybody sees."""
    formatter = logging.Formatter("%(name)s %(message)s")
    for record in caplog.records:
        if record.name.startswith(OURS) or record.levelno >= logging.INFO:
            yield formatter.format(record)


def check_log(caplog: pytest.LogCaptureFixture, secrets: Iterable[str]) -> None:
    lines = list(logged(caplog))
    assert any(record.name.startswith(OURS) and record.levelno == logging.DEBUG for record in caplog.records)
    for line in lines:
        assert not leaks(line, secrets), line


def shown(hass: HomeAssistant) -> Iterator[str]:
    """Give the titles, names and repairs that Home Assistant shows on its pages."""
    for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN):
        yield json.dumps(flow["context"].get("title_placeholders", {}))
    for entry in hass.config_entries.async_entries(DOMAIN):
        yield entry.title
        yield entry.reason or ""
        yield json.dumps(dict(entry.error_reason_translation_placeholders or {}))
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
            yield f"{device.name} {device.model} {device.identifiers}"
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
            yield f"{entity.entity_id} {entity.original_name} {entity.unique_id}"
    for issue in ir.async_get(hass).issues.values():
        if issue.domain == DOMAIN:
            yield f"{issue.issue_id} {issue.translation_placeholders} {issue.learn_more_url}"


def check_shown(hass: HomeAssistant, secrets: Iterable[str]) -> None:
    for text in shown(hass):
        assert not leaks(text, secrets), text


async def check_fixes(hass: HomeAssistant, secrets: Iterable[str]) -> None:
    """Open every repair, and read what its dialog tells."""
    for issue in list(ir.async_get(hass).issues.values()):
        if issue.domain != DOMAIN or not issue.is_fixable:
            continue
        flow: Any = await async_create_fix_flow(hass, issue.issue_id, issue.data)
        flow.hass, flow.handler, flow.issue_id, flow.data = hass, DOMAIN, issue.issue_id, issue.data
        result: Any = await flow.async_step_init(None)
        told = dict(result.get("description_placeholders") or {})
        if str(issue.data and issue.data["condition"]) in ("meter_changed", "meter_beside_dead"):
            # The owner, and nobody else, is told which two meters it is about; never a key or a password.
            told = {name: value for name, value in told.items() if name not in ("old_meter", "new_meter")}
        assert not leaks(json.dumps(told), secrets)


async def check_given(hass: HomeAssistant, entry: Any, meter: SimulatedMeter, secrets: Iterable[str]) -> None:
    """Download the diagnostics, and capture telegrams; in those that are as they came there may be identifiers."""
    found = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    assert not leaks(found, secrets)
    async with sending(meter):
        for anonymised in (True, False):
            response = await hass.services.async_call(
                DOMAIN,
                SERVICE_CAPTURE_TELEGRAMS,
                {"count": 2, "anonymised": anonymised},
                blocking=True,
                return_response=True,
            )
            assert not leaks(json.dumps(response), secrets if anonymised else KEYS)


async def test_a_port_through_its_life(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture, everything_is_logged: None
) -> None:
    with PtyPort(link=tmp_path / "ttyP1") as port:
        meter = make_meter(port, "smarty_lu", mbus="gas,water")
        source: Any = meter.source
        private = [*KEYS, source.identifier, *(slot.identifier for slot in source.slots)]
        async with sending(meter):
            result = await start(hass, {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_AUTO})
            assert result["step_id"] == "keys"
            result = await enter(hass, result, {CONF_DECRYPTION_KEY: WRONG_KEY})
            assert result["errors"] == {CONF_DECRYPTION_KEY: "wrong_key"}
            check_shown(hass, private)
            result = await enter(hass, result, {CONF_DECRYPTION_KEY: KEY})
            check_shown(hass, private)
            await finish(hass, result)
        [entry] = hass.config_entries.async_entries(DOMAIN)
        assert entry.state is ConfigEntryState.LOADED
        check_shown(hass, private)
        await check_given(hass, entry, meter, private)

        # The cable is pulled out and put in again.
        port.unplug()
        await eventually(lambda: entry.runtime_data.port.reader.heard.lost)
        check_shown(hass, private)
        port.replug()
        await eventually(lambda: entry.runtime_data.port.reader.heard.opened > 1)

        # The key changes.
        source.decryption_key = bytes.fromhex(WRONG_KEY)
        with patch("custom_components.dsmr_p1.coordinator.KEY_PATIENCE", 0):
            async with sending(meter):
                await eventually(lambda: any(entry.async_get_active_flows(hass, {SOURCE_REAUTH})))
        check_shown(hass, private)
        found = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
        assert not leaks(found, private)
        source.decryption_key = EXAMPLE_DECRYPTION_KEY

        # Another meter is put in its place.
        source.identifier = "SAG9999000000042"
        private.append(source.identifier)
        async with sending(meter):
            before = entry.runtime_data.port.reader.heard.telegrams
            await eventually(lambda: entry.runtime_data.port.reader.heard.telegrams > before + 4)
        await hass.async_block_till_done()
        assert any(issue.domain == DOMAIN for issue in ir.async_get(hass).issues.values())
        check_shown(hass, private)
        await check_fixes(hass, private)
        await check_given(hass, entry, meter, private)

        # The wrong keys are entered at its next start.
        hass.config_entries.async_update_entry(
            entry, data={**entry.data, CONF_DECRYPTION_KEY: WRONG_KEY, CONF_ADDITIONAL_KEY: SECOND_KEY}
        )
        async with sending(meter):
            await hass.config_entries.async_reload(entry.entry_id)
            await asyncio.sleep(0.5)
        check_shown(hass, private)
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
    check_log(caplog, private)


def fail(_: object) -> None:
    raise ValueError("oops")


async def test_a_plain_port_that_is_damaged(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture, everything_is_logged: None
) -> None:
    house = await make_house("emucs", "gas,water")
    private = [house.builder.identifier, *(slot.identifier for slot in house.builder.slots)]
    await house.set_up()
    telegram = house.builder.telegram()
    for place in range(0, len(telegram), 60):
        await house.send(telegram[:place] + telegram[place + 40 :] + house.builder.telegram())
    # Something that cannot be handled is logged with its traceback.
    unsubscribe = house.coordinator.port.subscribe(fail)
    await house.send()
    unsubscribe()
    found = json.dumps(await async_get_config_entry_diagnostics(hass, house.entry))
    assert not leaks(found, private)
    check_shown(hass, private)
    check_log(caplog, private)
    caplog.clear()


async def test_the_secrets_of_an_address(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, everything_is_logged: None
) -> None:
    result = await start(hass, {CONF_PORT: ADDRESS, CONF_BRIDGE_TYPE: BRIDGE_AUTO})
    assert result["errors"]["base"] == "cannot_open"
    assert not leaks(json.dumps(dict(result["description_placeholders"] or {})), ADDRESS_SECRETS)
    check_shown(hass, ADDRESS_SECRETS)
    await close(hass, result)
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_PORT: ADDRESS, CONF_BRIDGE_TYPE: BRIDGE_DSMR})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    check_shown(hass, ADDRESS_SECRETS)
    found = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    assert not leaks(found, ADDRESS_SECRETS)
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
    )
    # The field has the address, for the owner to change.
    assert flow["type"] is FlowResultType.FORM
    assert not leaks(json.dumps(dict(flow["description_placeholders"] or {})), ADDRESS_SECRETS)
    check_shown(hass, ADDRESS_SECRETS)
    await close(hass, flow)
    check_log(caplog, ADDRESS_SECRETS)


def test_a_leak_would_be_found() -> None:
    assert leaks(f"the key is {KEY.lower()}", KEYS)
    assert leaks(repr(EXAMPLE_DECRYPTION_KEY), KEYS)
    assert leaks(b"E0047".hex(), ["E0047"])
    assert not leaks("nothing", KEYS)
