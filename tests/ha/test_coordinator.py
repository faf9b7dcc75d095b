"""The coordinator: availability, the pace of updates, keys, and what is never said."""

import asyncio
from decimal import Decimal
import logging

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import CONF_PORT, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_METER_TYPE,
    CONF_RECEIVED_TIMEOUT,
    CONF_REFRESH,
)
from simulator import EXAMPLE_DECRYPTION_KEY, crc16
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import Clock, wait_in_vain
from tests.p1.captures import channels

POWER = ("electricity", "emeter_actual_delivery")
LOGGER = "custom_components.dsmr_p1"


@pytest.fixture(autouse=True)
def _by_hand(clock: Clock) -> None:
    """Let the pace of updates go by the clock that the tests move."""


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what an owner reads in the log, the names of ports apart."""
    return [
        record.message.partition(":" if ":" in record.message else " is ")[2].strip()
        for record in caplog.records
        if record.name == LOGGER and record.levelno >= logging.INFO
    ]


async def test_silence_makes_unavailable_once_and_a_telegram_available(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    await house.set_up()
    await wait_in_vain(hass, 115)
    assert house.value(*POWER) != STATE_UNAVAILABLE
    await wait_in_vain(hass, 125)
    assert house.value(*POWER) == STATE_UNAVAILABLE
    await wait_in_vain(hass, 300)
    assert told(caplog) == ["no telegram for 120 seconds"]
    house.pass_time(60)
    await house.send()
    assert house.value(*POWER) != STATE_UNAVAILABLE
    assert told(caplog) == ["no telegram for 120 seconds", "telegrams come again"]
    await house.send()
    assert len(told(caplog)) == 2


async def test_bytes_that_are_no_telegram_are_silence(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 30})
    await house.set_up()
    telegram = house.builder.telegram()
    await house.send(telegram.replace(b"1.7.0(", b"1.7.0(9", 1))
    assert house.coordinator.port.reader.heard.rejected
    await wait_in_vain(hass, 35)
    assert house.value(*POWER) == STATE_UNAVAILABLE


async def test_the_time_begins_anew_with_each_telegram(make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options={CONF_RECEIVED_TIMEOUT: 1})
    await house.set_up()
    for _ in range(4):
        await asyncio.sleep(0.4)
        await house.send()
        assert house.value(*POWER) != STATE_UNAVAILABLE
    await eventually(lambda: house.value(*POWER) == STATE_UNAVAILABLE)


async def test_a_port_that_goes_and_comes_back(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    await house.set_up()
    house.port.unplug()
    await eventually(lambda: house.coordinator.port.reader.heard.failed)
    assert house.value(*POWER) != STATE_UNAVAILABLE
    await wait_in_vain(hass)
    assert house.value(*POWER) == STATE_UNAVAILABLE
    house.port.replug()
    await eventually(lambda: house.is_listening)
    await house.send()
    assert house.value(*POWER) != STATE_UNAVAILABLE
    assert len(told(caplog)) == 2


async def test_a_port_that_is_back_at_the_next_try_was_never_gone(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    await house.set_up()
    house.port.unplug()
    house.port.replug()
    heard = house.coordinator.port.reader.heard
    await eventually(lambda: heard.opened == 2)
    assert house.value(*POWER) != STATE_UNAVAILABLE
    await house.send()
    assert told(caplog) == []


async def test_a_port_that_drops_again_and_again_was_never_gone(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    await house.set_up()
    written: list[str] = []

    def note(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            written.append(state.state)

    hass.bus.async_listen("state_changed", note)
    heard = house.coordinator.port.reader.heard
    for is_gone in (False, True, False):
        lost, failed = heard.lost, heard.failed
        house.port.unplug()
        await eventually(lambda lost=lost: heard.lost > lost)  # type: ignore[misc]
        if is_gone:
            await eventually(lambda failed=failed: heard.failed > failed)  # type: ignore[misc]
        house.port.replug()
        await eventually(lambda: house.is_listening)
        await house.send()
        await house.send()
    assert heard.lost == 3
    assert heard.failed
    assert STATE_UNAVAILABLE not in written
    assert told(caplog) == []


async def test_of_telegrams_at_once_the_newest_is_shown(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house()
    await house.set_up()
    first = house.value("electricity", "energy_import_total")
    clock.now += 60
    telegrams, heard = [], house.coordinator.port.reader.heard
    # As many as a pty takes.
    for _ in range(3):
        house.pass_time(60)
        telegrams.append(house.builder.telegram())
    before = heard.telegrams
    house.port.write(b"".join(telegrams))
    await eventually(lambda: heard.telegrams == before + 3)
    await hass.async_block_till_done()
    # The system may pass them on in two parts, of each of which the newest is shown.
    values = [Decimal(str(channels(telegram)["energy_import_total"].value)) for telegram in telegrams]
    assert Decimal(house.value("electricity", "energy_import_total")) in values
    assert Decimal(first) < values[0] < values[1] < values[2]
    clock.now += 60
    await house.send(telegrams[-1])
    assert Decimal(house.value("electricity", "energy_import_total")) == values[-1]


async def test_an_absent_port_is_told_once(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    await house.set_up()
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    house.port.unplug()
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await eventually(lambda: house.coordinator.port.reader.heard.failed >= 2)
    assert len(told(caplog)) == 1
    assert house.value(*POWER) == STATE_UNAVAILABLE


async def test_updates_at_the_pace_of_the_meter_type(make_house: MakeHouse, clock: Clock) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    first = house.value(*POWER)
    for second in range(1, 10):
        clock.now += 1
        house.pass_time(300)
        await house.send()
        assert house.value(*POWER) == first, second
    clock.now += 1
    house.pass_time(300)
    telegram = house.builder.telegram()
    await house.send(telegram)
    shown = house.value(*POWER)
    assert shown != first
    assert f"1-0:1.7.0({int(shown) / 1000:06.3f}*kW)".encode() in telegram


async def test_a_telegram_a_little_early_is_the_one_that_is_due(make_house: MakeHouse, clock: Clock) -> None:
    house = await make_house("dsmr42")
    await house.set_up()
    for _ in range(3):
        before = house.value(*POWER)
        clock.now += 9.8
        house.pass_time(1200)
        await house.send()
        assert house.value(*POWER) != before


async def test_updates_of_meters_on_the_bus_once_a_minute(make_house: MakeHouse, clock: Clock) -> None:
    house = await make_house("dsmr5", "water")
    await house.set_up()
    first = house.value("mbus_1", "m3meter_value")
    clock.now += 50
    house.pass_time(7200)
    await house.send()
    assert house.value("mbus_1", "m3meter_value") == first
    clock.now += 10
    await house.send()
    assert house.value("mbus_1", "m3meter_value") != first


async def test_the_owner_chooses_the_pace(make_house: MakeHouse, clock: Clock) -> None:
    house = await make_house("dsmr5", "gas")
    house.configure(options={CONF_REFRESH: {"electricity": 0, "mbus_1": 7}})
    await house.set_up()
    for _ in range(3):
        before = house.value(*POWER)
        house.pass_time(300)
        await house.send()
        assert house.value(*POWER) != before
    meters = house.coordinator.port.meters
    display, slots = house.coordinator.port.display, ("p1", "electricity", "mbus_1")
    assert [display.refresh_of(meters[slot]) for slot in slots] == [10, 0, 7]
    assert [display.totals_refresh_of(meters[slot]) for slot in slots] == [60, 0, 7]


@pytest.mark.parametrize(
    ("model", "mbus", "slot", "seconds"),
    [
        ("dsmr22", "gas", "gas", 60),
        ("dsmr42", "gas", "mbus_1", 60),
        ("emucs", "gas,water", "p1", 10),
        ("emucs", "gas,water", "electricity", 10),
        ("emucs", "gas,water", "mbus_1", 60),
        ("sweden", "", "electricity", 10),
    ],
)
async def test_the_pace_that_nobody_chose(
    make_house: MakeHouse, model: str, mbus: str, slot: str, seconds: float
) -> None:
    house = await make_house(model, mbus)
    await house.set_up()
    meter = house.coordinator.port.meters[slot]
    assert house.coordinator.port.display.refresh_of(meter) == seconds
    assert house.coordinator.port.display.totals_refresh_of(meter) == 60


async def test_availability_keeps_no_pace(hass: HomeAssistant, make_house: MakeHouse, clock: Clock) -> None:
    house = await make_house("dsmr5", "gas")
    await house.set_up()
    before = house.value("mbus_1", "m3meter_value")
    await wait_in_vain(hass, 125)
    house.pass_time(86400)
    clock.now += 1
    await house.send()
    assert house.value("mbus_1", "m3meter_value") not in (before, STATE_UNAVAILABLE)


async def test_the_owner_chooses_the_type(make_house: MakeHouse) -> None:
    house = await make_house("dsmr5", "gas,water")
    chosen = {"mbus_1": "m3_v4", "mbus_2": "gas_v3_0", "electricity": "m3_v4", "p1": "nonsense"}
    house.configure(options={CONF_METER_TYPE: chosen})
    await house.set_up()
    meters = house.coordinator.port.meters
    assert meters["mbus_1"].type_id == "m3_v5_0"
    device = house.device("mbus_1")
    assert device is not None
    assert device.model == "DSMR 4"
    assert meters["electricity"].chosen_type_id is None
    assert meters["p1"].chosen_type_id is None
    assert house.state("mbus_2", "m3meter_value").attributes["device_class"] == "gas"


async def test_a_key_that_is_no_longer_right_is_asked_for_once(
    hass: HomeAssistant, make_house: MakeHouse, clock: Clock
) -> None:
    house = await make_house("smarty_lu")
    house.configure(
        data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()},
    )
    await house.set_up()

    def asked() -> list[str]:
        return [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()]

    house.builder.decryption_key = bytes(16)
    for _ in range(2):
        await house.send()
    assert asked() == []
    house.builder.decryption_key = EXAMPLE_DECRYPTION_KEY
    await house.send()
    house.builder.decryption_key = bytes(16)
    for _ in range(2):
        await house.send()
    assert asked() == []
    clock.now += 59
    await house.send()
    assert asked() == []
    clock.now += 1
    for _ in range(3):
        await house.send()
    assert asked() == [SOURCE_REAUTH]
    # The old key is right again, and nobody is asked any more.
    house.builder.decryption_key = EXAMPLE_DECRYPTION_KEY
    await house.send()
    assert asked() == []
    assert not ir.async_get(hass).issues
    house.builder.decryption_key = bytes(16)
    for _ in range(3):
        await house.send()
    assert asked() == []
    clock.now += 60
    await house.send()
    assert asked() == [SOURCE_REAUTH]


async def test_a_wrong_checksum_is_no_wrong_key(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    telegram = house.builder.telegram()
    for _ in range(5):
        await house.send(telegram.replace(b"1.7.0(", b"1.7.0(9", 1))
    assert not hass.config_entries.flow.async_progress()


async def test_being_asked_for_an_update(hass: HomeAssistant, make_house: MakeHouse) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    house = await make_house()
    await house.set_up()

    async def ask() -> None:
        await hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": house.entity_id(*POWER)}, blocking=True
        )
        await wait_in_vain(hass, 20)

    await ask()
    assert house.value(*POWER) != STATE_UNAVAILABLE
    await wait_in_vain(hass, 130)
    await ask()
    assert house.value(*POWER) == STATE_UNAVAILABLE


def fail(_: object) -> None:
    raise ValueError


async def test_a_telegram_that_cannot_be_handled_does_not_end_the_reader(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    house = await make_house()
    await house.set_up()
    unsubscribe = house.coordinator.port.subscribe(fail)
    for _ in range(3):
        await house.send()
    unsubscribe()
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    before = house.value(*POWER)
    clock.now += 10
    house.pass_time(300)
    await house.send()
    assert house.value(*POWER) != before
    caplog.clear()


SECRETS = ("hunter2", "geheim-und-lang")


async def test_a_url_keeps_its_secrets(
    hass: HomeAssistant, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = await make_house()
    # Without a port number it cannot be opened, and the error repeats the address.
    house.configure(data={CONF_PORT: f"socket://me:{SECRETS[0]}@meter.local/?key={SECRETS[1]}"})
    house.entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(house.entry.entry_id)
    await hass.async_block_till_done()
    told_to_the_owner = house.entry.error_reason_translation_placeholders
    assert told_to_the_owner is not None
    assert told_to_the_owner["port"] == "socket://meter.local/"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith((LOGGER, "homeassistant"))]
    for secret in SECRETS:
        assert secret not in str(told_to_the_owner)
        assert not [message for message in ours if secret in message]


async def test_keys_and_identifiers_are_in_no_log(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    house: House = await make_house("smarty_lu", "gas")
    key = EXAMPLE_DECRYPTION_KEY.hex()
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, CONF_DECRYPTION_KEY: key})
    await house.set_up()
    house.builder.decryption_key = bytes(16)
    await house.send()
    private = {key, house.builder.identifier, house.builder.slots[0].identifier}
    text = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(LOGGER))
    assert text
    for secret in private:
        assert secret.lower() not in text.lower()


async def test_a_register_that_came_once_before_a_restart_is_no_tariff(make_house: MakeHouse) -> None:
    total = ("electricity", "energy_import_total")
    house = await make_house()
    odd = house.builder.body().replace(b"1-0:2.8.1(", b"1-0:1.8.3(050000.000*kWh)\r\n1-0:2.8.1(")
    await house.set_up(house.builder.finish(odd), house.builder.telegram())
    await house.reload(house.builder.telegram())
    for _ in range(3):
        await house.send()
    low, normal = (float(house.value("electricity", f"emeter_delivery_tariff{number}")) for number in (1, 2))
    assert float(house.value(*total)) == pytest.approx(low + normal)


async def test_a_total_is_not_made_of_fewer_tariffs_after_a_restart(make_house: MakeHouse) -> None:
    total = ("electricity", "energy_import_total")
    house = await make_house()
    await house.set_up()
    assert house.value(*total) != STATE_UNKNOWN
    lines = house.builder.telegram().splitlines(keepends=True)
    body = b"".join(line for line in lines[:-1] if not line.startswith(b"1-0:1.8.2(")) + b"!"
    await house.reload(body + f"{crc16(body):04X}\r\n".encode())
    assert house.value(*total) == STATE_UNKNOWN
    assert house.value("electricity", "emeter_delivery_tariff1") != STATE_UNKNOWN
    await house.send()
    assert house.value(*total) != STATE_UNKNOWN
