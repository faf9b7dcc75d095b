"""The manifest: which cables are announced by Home Assistant, and which must never be."""

from typing import Any, cast

from homeassistant.components.usb import USBDevice
from homeassistant.components.usb.utils import usb_device_matches_matcher
from homeassistant.core import HomeAssistant
from homeassistant.loader import USBMatcher, async_get_integration
import pytest

from custom_components.dsmr_p1.const import DOMAIN


def device(description: str | None, serial_number: str | None, vid: str = "0403") -> USBDevice:
    return USBDevice(
        device="/dev/ttyUSB0",
        vid=vid,
        pid="6001",
        serial_number=serial_number,
        manufacturer="FTDI",
        description=description,
    )


@pytest.mark.parametrize(
    ("found", "is_announced"),
    [
        (device("P1 Converter Cable", "P1XZ6U1M"), True),
        (device("FT232R USB UART", "P1XZ6U1M"), False),
        (device("FT232R USB UART", "A50285BI"), False),
        (device("P1 Converter Cable", None), False),
        (device(None, None), False),
        (device("Sonoff Zigbee 3.0 USB Dongle Plus", "0001", vid="10C4"), False),
    ],
)
async def test_only_a_cable_that_says_so_is_announced(
    hass: HomeAssistant, found: USBDevice, is_announced: bool
) -> None:
    integration = await async_get_integration(hass, DOMAIN)
    matchers = [cast("USBMatcher", {"domain": DOMAIN, **matcher}) for matcher in integration.usb or []]
    assert any(usb_device_matches_matcher(found, matcher) for matcher in matchers) is is_announced


async def test_no_cable_is_announced_by_its_chip_alone(hass: HomeAssistant) -> None:
    integration = await async_get_integration(hass, DOMAIN)
    for matcher in integration.usb or []:
        assert {"description", "serial_number"} <= set(matcher)


@pytest.mark.parametrize(
    ("service", "properties", "is_announced"),
    [
        ("_hwenergy._tcp.local.", {"product_type": "HWE-P1", "api_enabled": "1"}, True),
        ("_hwenergy._tcp.local.", {"product_type": "HWE-P1", "api_enabled": "0"}, False),
        ("_hwenergy._tcp.local.", {"product_type": "HWE-SKT", "api_enabled": "1"}, False),
        ("_hwenergy._tcp.local.", {}, False),
        ("_homewizard._tcp.local.", {"product_type": "HWE-P1", "api_version": "2.0.0"}, True),
        ("_homewizard._tcp.local.", {"product_type": "HWE-BAT", "api_version": "2.0.0"}, False),
    ],
)
async def test_only_a_p1_meter_of_homewizard_is_announced(
    hass: HomeAssistant, service: str, properties: dict[str, str], is_announced: bool
) -> None:
    """The matcher of Home Assistant compares data in lower case."""
    integration = await async_get_integration(hass, DOMAIN)
    matchers = cast("list[dict[str, Any]]", integration.manifest["zeroconf"])
    found: list[dict[str, str]] = [matcher["properties"] for matcher in matchers if matcher["type"] == service]
    assert found
    announced = {name: value.lower() for name, value in properties.items()}
    assert any(matcher.items() <= announced.items() for matcher in found) is is_announced
    assert all(value == value.lower() for matcher in found for value in matcher.values())
