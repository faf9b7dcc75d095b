"""Line health: what the sensors about the line tell, when, and to whom."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.dsmr_p1.const import BRIDGE_SMARTY, CONF_ADDITIONAL_KEY, CONF_BRIDGE_TYPE, CONF_DECRYPTION_KEY
from custom_components.dsmr_p1.p1 import CHANNELS
from custom_components.dsmr_p1.watch.line_health import DESCRIPTIONS, LineHealthSensor
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.house import House, MakeHouse, eventually
from tests.ha.pace import wait_in_vain

ENGLISH = json.loads(
    (Path(__file__).parents[2] / "custom_components/dsmr_p1/translations/en.json").read_text(encoding="utf-8")
)
KEYS = {description.key for description in DESCRIPTIONS}


async def look(hass: HomeAssistant) -> None:
    """Let the minute pass after which the sensors look at the counts."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await hass.async_block_till_done()


def values(house: House) -> dict[str, str]:
    return {key: house.value("p1", key) for key in KEYS}


@pytest.fixture
async def now(hass: HomeAssistant) -> Any:
    """The clock of the loop, as the sensors see it, moved by hand from where the machine's stands."""
    with patch.object(LineHealthSensor, "_now", hass.loop.time()):
        yield LineHealthSensor


async def test_there_on_request_only(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.set_up()
    for key in KEYS:
        entity_id = house.entity_id("p1", key)
        assert entity_id is not None
        entity = er.async_get(hass).async_get(entity_id)
        assert entity is not None
        assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
        assert entity.entity_category is EntityCategory.DIAGNOSTIC
        assert entity.device_id == house.device_id("p1")
        assert hass.states.get(entity_id) is None


async def test_what_they_tell(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None, now: Any) -> None:
    house = await make_house()
    await house.set_up()
    before = values(house)
    assert before["tag_state"] == "not_encrypted"
    assert before["telegrams_per_minute"] == STATE_UNKNOWN
    now._now += 60
    await look(hass)
    for _ in range(5):
        await house.send()
    damaged = house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1)
    for _ in range(2):
        await house.send(damaged)
    now._now += 60
    await look(hass)
    after = values(house)
    assert after["telegrams_per_minute"] == "5"
    assert after["damaged_telegrams"] == "2"
    assert after["reconnects"] == "0"
    assert house.state("p1", "damaged_telegrams").attributes["state_class"] == "total_increasing"


async def test_the_clock_of_the_meter(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house()
    await house.set_up()
    assert house.value("p1", "clock_drift") == STATE_UNKNOWN
    told = house.builder.household.now
    # One telegram came late; the median does not care.
    for ahead in (90, 90, 90, -300):
        with patch(
            "custom_components.dsmr_p1.port.captures.dt_util.utcnow", return_value=told - timedelta(seconds=ahead)
        ):
            await house.send()
    await look(hass)
    assert house.value("p1", "clock_drift") == "90"
    await look(hass)
    assert house.value("p1", "clock_drift") == STATE_UNKNOWN


async def send_at_once(house: House, telegrams: list[bytes]) -> None:
    heard = house.coordinator.port.reader.heard
    count = heard.telegrams + len(telegrams)
    house.port.write(b"".join(telegrams))
    await eventually(lambda: heard.telegrams == count)


async def test_telegrams_that_come_late_and_at_once_say_nothing_of_the_clock(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None
) -> None:
    house = await make_house()
    await house.set_up()
    shown = set[str]()
    for _ in range(20):
        sent = []
        for _ in range(3):
            house.pass_time(100)
            sent.append(house.builder.telegram())
        now = house.builder.household.now - timedelta(seconds=90)
        with patch("custom_components.dsmr_p1.port.captures.dt_util.utcnow", return_value=now):
            await send_at_once(house, sent)
            await hass.async_block_till_done()
        await look(hass)
        shown.add(house.value("p1", "clock_drift"))
        # A pty may hand them on in two reads, and each has a newest telegram.
        if "90" in shown:
            break
    assert "90" in shown


async def test_a_meter_without_a_clock(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house("dsmr22")
    await house.set_up()
    await house.send()
    await look(hass)
    assert house.value("p1", "clock_drift") == STATE_UNKNOWN


async def test_while_the_meter_is_silent(
    hass: HomeAssistant, make_house: MakeHouse, all_enabled: None, now: Any
) -> None:
    house = await make_house()
    await house.set_up()
    now._now = hass.loop.time()
    await look(hass)
    now._now += 500
    await look(hass)
    await wait_in_vain(hass, 130)
    assert house.value("electricity", "emeter_actual_delivery") == STATE_UNAVAILABLE
    found = values(house)
    assert STATE_UNAVAILABLE not in found.values()
    assert int(found["longest_gap"]) >= 500
    assert found["telegrams_per_minute"] == "0"


async def test_before_the_first_telegram_after_a_restart(make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house()
    await house.set_up()
    await house.reload()
    found = values(house)
    assert found["longest_gap"] == found["tag_state"] == found["clock_drift"] == STATE_UNKNOWN
    assert found["damaged_telegrams"] == found["reconnects"] == "0"


async def test_a_port_that_is_lost(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house()
    await house.set_up()
    house.port.unplug()
    await eventually(lambda: house.coordinator.port.reader.heard.lost)
    await look(hass)
    assert house.value("p1", "reconnects") == "1"
    assert house.value("p1", "tag_state") == "not_encrypted"


@pytest.mark.parametrize(
    ("sent_with", "entered", "state"),
    [
        (None, None, "default_key"),
        (EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_AUTHENTICATION_KEY, "additional_key"),
        (EXAMPLE_AUTHENTICATION_KEY, None, "not_verified"),
    ],
)
async def test_the_tag(
    make_house: MakeHouse, all_enabled: None, sent_with: bytes | None, entered: bytes | None, state: str
) -> None:
    house = await make_house("smarty_lu")
    if sent_with is not None:
        house.builder.authentication_key = sent_with
    keys = {CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex()}
    if entered is not None:
        keys[CONF_ADDITIONAL_KEY] = entered.hex()
    house.configure(data={CONF_BRIDGE_TYPE: BRIDGE_SMARTY, **keys})
    await house.set_up()
    assert house.value("p1", "tag_state") == state


async def test_the_recorder_is_not_flooded(hass: HomeAssistant, make_house: MakeHouse, all_enabled: None) -> None:
    house = await make_house()
    await house.set_up()
    changes: list[str] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        changes.append(event.data["entity_id"])

    ids = [entity_id for key in KEYS if (entity_id := house.entity_id("p1", key)) is not None]
    unsubscribe = async_track_state_change_event(hass, ids, changed)
    for _ in range(10):
        await house.send()
    assert changes == []
    await look(hass)
    assert len(changes) == len(set(changes))
    unsubscribe()


def test_no_key_is_that_of_a_channel() -> None:
    assert not KEYS & set(CHANNELS)
    assert not KEYS & {row.name for row in CHANNELS.values()}


def test_every_text_is_there() -> None:
    for description in DESCRIPTIONS:
        text = ENGLISH["entity"]["sensor"][description.key]
        assert text["name"]
        assert list(text.get("state", {})) == (description.options or [])
