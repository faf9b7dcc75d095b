"""Where a port stands: the names of its tariffs and the times of its meter, in every house."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from homeassistant.const import CONF_COUNTRY
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from tests.ha.house import House, MakeHouse
from tests.p1.captures import telegram
from tests.p1.test_countries import DUTCH

REGISTERS = (
    "1-0:1.8.1(000100.000*kWh)",
    "1-0:1.8.2(000200.000*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(00.500*kW)",
    "1-0:2.7.0(00.000*kW)",
)
LGF = "LGF5E360"
MT212 = "SAG5\\2MT212 SMR5.5"


def e360(local: str) -> bytes:
    """Return a telegram of an L+G E360 at a local time, which hangs in many countries with the same first line."""
    return telegram(f"0-0:1.0.0({local})", *REGISTERS, identification=LGF)


def name_of(house: House, channel_id: str) -> str | None:
    entity = er.async_get(house.hass).async_get(str(house.entity_id("electricity", channel_id)))
    assert entity is not None
    return entity.original_name


async def stand_in(hass: HomeAssistant, zone: str, country: str | None) -> None:
    """Let Home Assistant stand elsewhere."""
    await hass.config.async_set_time_zone(zone)
    hass.config.country = country


@pytest.mark.usefixtures("all_enabled")
@pytest.mark.parametrize(
    ("zone", "sent", "instant"),
    [
        ("Europe/Helsinki", "240711084500S", "2024-07-11T05:45:00+00:00"),
        ("Europe/Stockholm", "240711084500W", "2024-07-11T07:45:00+00:00"),
        ("Europe/Brussels", "240711084500S", "2024-07-11T06:45:00+00:00"),
        ("Europe/Amsterdam", "240111084500W", "2024-01-11T07:45:00+00:00"),
    ],
)
async def test_one_first_line_in_four_countries(
    hass: HomeAssistant, make_house: MakeHouse, zone: str, sent: str, instant: str
) -> None:
    await stand_in(hass, zone, None)
    house = await make_house()
    await house.set_up(e360(sent))
    assert house.value("p1", "p1_timestamp") == instant


@pytest.mark.usefixtures("all_enabled")
@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York"])
async def test_the_clock_has_the_last_word(hass: HomeAssistant, make_house: MakeHouse, zone: str) -> None:
    """Home Assistant has a wrong time zone, the system the right time; the meter hangs in Finland."""
    await stand_in(hass, zone, None)
    house = await make_house()
    house.configure(options={"refresh": {"p1": 0}})

    def now() -> tuple[datetime, bytes]:
        instant = datetime.now(UTC).replace(microsecond=0)
        local = instant.astimezone(ZoneInfo("Europe/Helsinki"))
        return instant, e360(f"{local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'}")

    wrong, octets = now()
    await house.set_up(octets)
    assert house.value("p1", "p1_timestamp") != wrong.isoformat()
    for _ in range(2):
        await house.send(now()[1])
    right, octets = now()
    await house.send(octets)
    assert house.value("p1", "p1_timestamp") == right.isoformat()

    # It is known from the first telegram on after a restart.
    right, octets = now()
    await house.reload(octets)
    assert house.value("p1", "p1_timestamp") == right.isoformat()


@pytest.mark.usefixtures("all_enabled")
async def test_a_clock_that_is_wrong_is_left_alone(hass: HomeAssistant, make_house: MakeHouse) -> None:
    house = await make_house()
    house.configure(options={"refresh": {"p1": 0}})
    ahead = (datetime.now(UTC) + timedelta(minutes=35)).replace(microsecond=0)
    local = ahead.astimezone(ZoneInfo("Europe/Amsterdam"))
    octets = e360(f"{local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'}")
    await house.set_up(octets)
    for _ in range(4):
        await house.send(octets)
    assert house.value("p1", "p1_timestamp") == ahead.isoformat()


@pytest.mark.parametrize(
    ("zone", "country", "options", "names"),
    [
        # What is proven counts wherever Home Assistant stands.
        ("Europe/Brussels", "BE", {}, {MT212: "low", "FLU5\\253700601_A": "normal"}),
        ("America/New_York", "US", {}, {MT212: "low", "FLU5\\253700601_A": "normal"}),
        # Else the owner's word, else where Home Assistant stands, else its time zone.
        ("Europe/Amsterdam", "NL", {}, {LGF: "low"}),
        ("Europe/Brussels", "BE", {}, {LGF: "normal"}),
        ("Europe/Brussels", None, {}, {LGF: "normal"}),
        ("Europe/Amsterdam", "NL", {CONF_COUNTRY: "BE"}, {LGF: "normal", MT212: "low"}),
        # No names where they are not sure.
        ("Europe/Stockholm", "SE", {}, {LGF: None}),
        ("Europe/Amsterdam", "DE", {}, {LGF: None}),
        ("Europe/Copenhagen", None, {}, {LGF: None}),
    ],
)
async def test_the_name_of_tariff_one(
    hass: HomeAssistant,
    make_house: MakeHouse,
    zone: str,
    country: str | None,
    options: dict[str, Any],
    names: dict[str, str | None],
) -> None:
    await stand_in(hass, zone, country)
    for identification, rate in names.items():
        house = await make_house()
        house.configure(options=options)
        await house.set_up(telegram(*REGISTERS, identification=identification))
        name = "Tariff 1 import" if rate is None else f"Tariff 1 import ({rate})"
        assert name_of(house, "emeter_delivery_tariff1") == name, identification


async def test_a_wrong_country_of_before_is_put_right(
    hass: HomeAssistant, hass_storage: dict[str, Any], make_house: MakeHouse
) -> None:
    """A Liander MT212 was taken for a Hungarian meter: its tariffs had each other's names."""
    house = await make_house()
    octets = telegram(DUTCH, *REGISTERS, identification=MT212)
    await house.set_up(octets)
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    stored = hass_storage[f"dsmr_p1.{house.entry.entry_id}"]["data"]
    del stored["time_zone"]
    for meter in stored["meters"]:
        meter["low_tariff"] = 2
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    await hass.async_block_till_done()
    before = {entity.entity_id: (entity.id, entity.unique_id) for entity in house.entities().values()}
    assert name_of(house, "emeter_delivery_tariff1") == "Tariff 1 import (normal)"

    await house.send(octets)
    assert name_of(house, "emeter_delivery_tariff1") == "Tariff 1 import (low)"
    assert house.state("electricity", "emeter_delivery_tariff1").attributes["friendly_name"].endswith("(low)")
    assert house.value("electricity", "emeter_delivery_tariff1") == "100.000"
    assert {entity.entity_id: (entity.id, entity.unique_id) for entity in house.entities().values()} == before
