"""What somebody on the line can do: nothing that is sent makes an entity wrong, or anything grow without bounds."""

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.dsmr_p1.const import (
    BRIDGE_SMARTY,
    CONF_ADDITIONAL_KEY,
    CONF_BRIDGE_TYPE,
    CONF_DECRYPTION_KEY,
    CONF_REFRESH,
    DOMAIN,
    LOGGER,
)
from custom_components.dsmr_p1.port.state import COUNTER_INTERVAL
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse
from tests.ha.replacing import TOTAL

EVERY_TELEGRAM = {CONF_REFRESH: {"p1": 0, "electricity": 0, "mbus_1": 0}}


async def encrypted(make_house: MakeHouse, model: str = "smarty_lu") -> House:
    house = await make_house(model)
    keys = {CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()}
    if model == "austria":
        keys[CONF_ADDITIONAL_KEY] = EXAMPLE_AUTHENTICATION_KEY.hex()
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys}, options=EVERY_TELEGRAM)
    await house.set_up()
    return house


async def pass_time(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == LOGGER.name]


def forged(house: House) -> bytes:
    """Return the next telegram of the meter in plain text, as anybody can send it, with a total of 999,999 kWh."""
    plain = house.builder.plain()
    _, found, rest = plain.partition(b"1-0:1.8.0(")
    assert found
    return house.builder.finish(plain.replace(rest[:6], b"999999")[: plain.rindex(b"!") + 1])


async def test_a_forged_plain_telegram_shows_nothing(make_house: MakeHouse) -> None:
    house = await encrypted(make_house)
    before = house.value(*TOTAL)
    for _ in range(2):
        await house.send(forged(house))
        assert house.value(*TOTAL) == before
    # A restart makes no difference.
    await house.reload(forged(house))
    assert not house.coordinator.last_update_success
    await house.send()
    assert float(house.value(*TOTAL)) < 900_000


@pytest.mark.parametrize("model", ["smarty_lu", "austria"])
async def test_a_recorded_telegram_shows_nothing(
    make_house: MakeHouse, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = await encrypted(make_house, model)
    recorded = [house.builder.telegram() for _ in range(3)]
    for telegram in recorded:
        await house.send(telegram)
    house.pass_time(36_000)
    await house.send()
    before = house.value(*TOTAL)
    for telegram in recorded:
        await house.send(telegram)
        assert house.value(*TOTAL) == before
    await house.reload(recorded[2])
    assert not house.coordinator.last_update_success
    assert house.coordinator.port.reader.heard.rejected == {"authentication": 1}
    await house.send()
    assert float(house.value(*TOTAL)) >= float(before)
    assert not [line for line in lines(caplog) if house.builder.system_title.hex() in line]


async def test_frame_counters_are_written_once_an_hour(
    hass: HomeAssistant, make_house: MakeHouse, hass_storage: dict[str, Any]
) -> None:
    house = await encrypted(make_house)
    title = house.builder.system_title.hex()
    key = f"{DOMAIN}.{house.entry.entry_id}"
    await pass_time(hass, 31)

    def stored() -> int:
        counters: dict[str, int] = hass_storage[key]["data"]["memory"]["frame_counters"]
        return counters[title]

    first = stored()
    for _ in range(20):
        await house.send()
    await pass_time(hass, 60)
    assert stored() == first
    await pass_time(hass, COUNTER_INTERVAL + 1)
    assert stored() == house.builder.frame_counter
    await house.send()
    assert stored() < house.builder.frame_counter
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    assert stored() == house.builder.frame_counter


async def test_a_meter_that_was_reset_is_believed_and_said(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await encrypted(make_house)
    for _ in range(20):
        house.builder.telegram()
    await house.send()
    monkeypatch.setattr("custom_components.dsmr_p1.p1.replay.PROVING_SECONDS", 0.0)
    house.builder.frame_counter = 0
    for _ in range(9):
        await house.send()
    heard = house.coordinator.port.reader.heard
    assert heard.rejected == {"authentication": 9}
    await house.send()
    await house.send()
    assert heard.rejected == {"authentication": 9}
    assert heard.counter_restarts == 1
    [line] = [line for line in lines(caplog) if "frame counter" in line]
    assert house.builder.system_title.hex() not in line
