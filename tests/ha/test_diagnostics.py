"""Diagnostics: enough to help a stranger, and nothing private."""

import json
from typing import Any

from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY
from custom_components.dsmr_p1.diagnostics import masked_telegram
from simulator import EXAMPLE_AUTHENTICATION_KEY, EXAMPLE_DECRYPTION_KEY
from tests.ha.house import MakeHouse
from tests.p1.captures import CAPTURES, DSMR30, keys_of, load, read, telegram


async def test_what_a_stranger_needs(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house("dsmr5", "gas,water:unregistered")
    await house.set_up()
    await house.send(house.builder.telegram().replace(b"1.7.0(", b"1.7.0(9", 1))
    found: Any = await get_diagnostics_for_config_entry(hass, hass_client, house.entry)
    assert found["is_available"] is True
    assert found["settings"] == "115200 8N1"
    assert found["heard"]["telegrams"] == 1
    assert found["heard"]["rejected"] == {"crc": 1}
    assert [meter["slot"] for meter in found["known_meters"]] == ["p1", "electricity", "mbus_1"]
    assert found["known_meters"][1]["refresh"] == 10
    reading = found["last_reading"]
    assert reading["identification"] == "ISK5\\2SIM-1050"
    assert [meter["registered"] for meter in reading["meters"]] == [True, True, True, False]
    assert reading["meters"][1]["channels"]["emeter_delivery_tariff1"]["obis"] == "1-0:1.8.1"
    assert reading["meters"][1]["channels"]["power_net"]["obis"] is None
    assert any(line.startswith("1-0:1.8.1(001513.312*kWh)") for line in reading["telegram"])


@pytest.mark.parametrize("model", ["dsmr5", "dsmr22", "emucs", "smarty_lu"])
async def test_nothing_private(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator, model: str
) -> None:
    house = await make_house(model)
    house.builder.text = b"Dear Mrs Jansen"
    if model == "smarty_lu":
        keys = {
            CONF_DECRYPTION_KEY: EXAMPLE_DECRYPTION_KEY.hex(),
            CONF_ADDITIONAL_KEY: EXAMPLE_AUTHENTICATION_KEY.hex(),
        }
        house.configure(data=keys)
        house.builder.authentication_key = EXAMPLE_AUTHENTICATION_KEY
    await house.set_up()
    found = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, house.entry)).lower()
    private = [house.builder.identifier, *(slot.identifier for slot in house.builder.slots), "Dear Mrs Jansen"]
    for text in private:
        assert text.lower() not in found
        assert text.encode().hex().lower() not in found
    for key in (EXAMPLE_DECRYPTION_KEY, EXAMPLE_AUTHENTICATION_KEY):
        assert key.hex() not in found


async def test_a_port_that_is_not_there(
    hass: HomeAssistant, make_house: MakeHouse, hass_client: ClientSessionGenerator
) -> None:
    house = await make_house()
    await house.set_up()
    await hass.config_entries.async_unload(house.entry.entry_id)
    hass.config_entries.async_update_entry(
        house.entry, data={**house.entry.data, CONF_PORT: "socket://me:hunter2@meter.local"}
    )
    assert await hass.config_entries.async_setup(house.entry.entry_id)
    found: Any = await get_diagnostics_for_config_entry(hass, hass_client, house.entry)
    assert found["last_reading"] is None
    assert found["port"] == "socket://meter.local"
    assert found["settings"] == "those of the far end"
    assert "hunter2" not in json.dumps(found)


@pytest.mark.parametrize("capture", CAPTURES)
def test_no_identifier_is_left_in_a_capture(capture: str) -> None:
    reading = read(load(capture), keys_of(capture))
    text = "\n".join(masked_telegram(reading))
    for meter in reading.meters:
        identifier = meter.profile.equipment_identifier
        if identifier is not None:
            assert identifier not in text
            assert identifier.encode().hex().upper() not in text.upper()
    assert text.startswith("/")


def test_lines_keep_their_form() -> None:
    text = "\n".join(masked_telegram(read(load(DSMR30))))
    assert "(m3)" in text
    reading = read(
        telegram(
            "1-0:1.8.1*255(000100.000*kWh)",
            "1-0:1.8.2(000200.000*kWh)",
            "0-0:96.1.1(4530303236303030303234313533363135)",
            "1-0:99.1.2(AB-12345678)",
            "1-0:99.1.3(00012.5*m)",
            "0-0:96.13.0(453030323630303030323431353336313541)",
            "nonsense 4711",
        )
    )
    lines = masked_telegram(reading)
    assert "1-0:1.8.1*255(000100.000*kWh)" in lines
    assert "0-0:96.1.1(0000000000000000000000000000000000)" in lines
    assert "1-0:99.1.2(XX-00000000)" in lines
    assert "1-0:99.1.3(00012.5*m)" in lines
    assert "XXXXXXXX 0000" in lines
