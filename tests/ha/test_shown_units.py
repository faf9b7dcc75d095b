"""The units and decimals of sensors: power in W for new entities, and decimals as the meter sends them."""

from homeassistant.const import CONF_UNIT_OF_MEASUREMENT
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.dsmr_p1.const import CONF_REFRESH
from tests.ha.house import House, MakeHouse

POWER = ("electricity", "emeter_actual_delivery")
NET = ("electricity", "power_net")
CURRENT = ("electricity", "emeter_instant_current_l1")


def unit(house: House, channel: tuple[str, str]) -> str | None:
    found: str | None = house.state(*channel).attributes.get("unit_of_measurement")
    return found


def decimals(house: House, channel: tuple[str, str]) -> int | None:
    """Give the decimals that the frontend displays unless the owner chose another number."""
    entity = er.async_get(house.hass).async_get(house.entity_id(*channel) or "")
    assert entity is not None
    found: int | None = entity.options["sensor"].get("suggested_display_precision")
    return found


def with_line(house: House, reference: str, value: str) -> bytes:
    """Give the next telegram with another value of an object."""
    lines = house.builder.body().split(b"\r\n")
    start = f"{reference}(".encode()
    assert any(line.startswith(start) for line in lines), reference
    changed = [start + value.encode() + b")" if line.startswith(start) else line for line in lines]
    return house.builder.envelop(house.builder.finish(b"\r\n".join(changed)))


@pytest.fixture
async def house(make_house: MakeHouse, all_enabled: None) -> House:
    house = await make_house("dsmr5", "gas")
    house.configure(options={CONF_REFRESH: {"electricity": 0}})
    return house


async def test_power_is_in_watts_and_demand_in_kilowatts(make_house: MakeHouse) -> None:
    house = await make_house("emucs", "gas")
    await house.set_up()
    assert (unit(house, POWER), unit(house, NET), decimals(house, POWER)) == ("W", "W", 0)
    assert house.value(*POWER).isdigit()
    for channel in ("emeter_actual_demand", "emeter_maximum_demand_current_month"):
        assert (unit(house, ("electricity", channel)), decimals(house, ("electricity", channel))) == ("kW", 3)


async def test_watts_are_exact(house: House) -> None:
    await house.set_up()
    # In floats, 0.043 kW are 42.99999999999999 W.
    await house.send(with_line(house, "1-0:1.7.0", "00.043*kW"))
    assert house.value(*POWER) == "43"


async def test_an_entity_of_before_keeps_its_unit(house: House) -> None:
    house.entry.add_to_hass(house.hass)
    registry = er.async_get(house.hass)
    registry.async_get_or_create(
        "sensor", "dsmr_p1", house.unique_id(*POWER), config_entry=house.entry, unit_of_measurement="kW"
    )
    await house.set_up()
    assert (unit(house, POWER), unit(house, NET)) == ("kW", "W")
    await house.send(with_line(house, "1-0:1.7.0", "00.043*kW"))
    assert (house.value(*POWER), decimals(house, POWER)) == ("0.043", 3)
    await house.reload(house.builder.telegram())
    assert (unit(house, POWER), decimals(house, POWER)) == ("kW", 3)


async def test_the_unit_that_the_owner_chose_stays(house: House) -> None:
    await house.set_up()
    entity_id = house.entity_id(*POWER)
    assert entity_id is not None
    er.async_get(house.hass).async_update_entity_options(entity_id, "sensor", {CONF_UNIT_OF_MEASUREMENT: "kW"})
    await house.hass.async_block_till_done()
    assert (unit(house, POWER), decimals(house, POWER)) == ("kW", 3)
    await house.reload(with_line(house, "1-0:1.7.0", "00.043*kW"))
    assert (unit(house, POWER), house.value(*POWER), decimals(house, POWER)) == ("kW", "0.043", 3)


@pytest.mark.parametrize(("model", "expected"), [("dsmr5", 0), ("emucs", 2)])
async def test_decimals_are_those_that_the_meter_sends(
    make_house: MakeHouse, all_enabled: None, model: str, expected: int
) -> None:
    house = await make_house(model)
    await house.set_up()
    assert decimals(house, CURRENT) == expected
    assert decimals(house, ("electricity", "energy_import_total")) == 3


async def test_decimals_that_vary(house: House) -> None:
    await house.set_up()
    updates = 0

    def count(_: object) -> None:
        nonlocal updates
        updates += 1

    house.hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, count)
    for sent in ("001.25*A", "003*A", "002.5*A", "004*A"):
        await house.send(with_line(house, "1-0:31.7.0", sent))
    assert (decimals(house, CURRENT), updates) == (2, 1)


async def test_decimals_survive_a_restart(house: House) -> None:
    await house.set_up()
    assert decimals(house, CURRENT) == 0
    await house.reload()
    assert decimals(house, CURRENT) == 0


async def test_decimals_of_an_earlier_version_are_corrected(house: House) -> None:
    house.entry.add_to_hass(house.hass)
    registry = er.async_get(house.hass)
    entity = registry.async_get_or_create(
        "sensor", "dsmr_p1", house.unique_id(*CURRENT), config_entry=house.entry, unit_of_measurement="A"
    )
    registry.async_update_entity_options(entity.entity_id, "sensor", {"suggested_display_precision": 2})
    await house.set_up()
    assert decimals(house, CURRENT) == 0
