"""What an owner sees: the integration, its meters, the energy dashboard, and setting up another meter."""

import json
import re

import pytest

from demonstration.frontend import Frontend

from .conftest import ROOT, NetworkMeter

FORM = "step-flow-form"
DIALOG = "dialog-data-entry-flow"
PORT = "ha-selector-serial_port"
TEXTS = json.loads((ROOT / "custom_components/dsmr_p1/translations/en.json").read_text())["config"]
WRONG_KEY = "00" * 16
ELECTRICITY = ("Tariff 1 import", "Power import", "Net power")


def text_of(translation: str) -> re.Pattern[str]:
    """A text as it is shown, up to what is filled in."""
    return re.compile(re.escape(translation.partition("{")[0].split("`")[0].strip()))


def open_address_field(frontend: Frontend) -> None:
    """Open the port field of the first form as a text field: the last choice is to enter an address."""
    choice = f"{PORT} ha-picker-combo-box ha-list-item-option >> nth=-1"
    frontend.click_through(f"{PORT} ha-picker-field", choice, to=f"{PORT} input")


def start_flow(frontend: Frontend, url: str) -> None:
    frontend.open("/config/integrations/dashboard/add?domain=dsmr_p1")
    frontend.press("OK", within="dialog-box")
    frontend.see(TEXTS["step"]["user"]["title"])
    open_address_field(frontend)
    frontend.fill_selector(PORT, url)
    frontend.press("Submit", within=DIALOG)


def finish_flow(frontend: Frontend, name: str) -> None:
    frontend.see(TEXTS["step"]["confirm"]["title"])
    frontend.see(re.compile("M-Bus channel 1"), within=FORM)
    frontend.screenshot(f"{name}_confirm")
    frontend.press("Submit", within=DIALOG)
    frontend.see_element("step-flow-create-entry")
    frontend.screenshot(f"{name}_created")
    frontend.press("Skip and finish", within=DIALOG)


@pytest.mark.parametrize(("name", "width", "height"), [("show-room", 1280, 900), ("show-room_phone", 390, 844)])
def test_a_visitor_sees_the_house_first(frontend: Frontend, name: str, width: int, height: int) -> None:
    with frontend.sized(width, height):
        frontend.open("/")
        frontend.see("Dutch house")
        frontend.see(re.compile(r"\d\sW"), within="hui-gauge-card")
        frontend.see_chart("hui-statistics-graph-card")
        for entity in ("Energy import", "Energy export", "Active tariff", "Reading"):
            frontend.see(entity, within="hui-tile-card")
        frontend.screenshot(name)


def test_integration_page(frontend: Frontend) -> None:
    frontend.open("/config/integrations/integration/dsmr_p1")
    for name in ("P1 port", "Electricity meter", "Gas meter", "Water meter"):
        frontend.see(name)
    frontend.screenshot("integration")


@pytest.mark.parametrize(
    ("name", "entities", "value"),
    [
        ("Electricity meter", ELECTRICITY, r"[\d,]+\.\d{3}\skWh"),
        ("Gas meter", ("Reading",), r"[\d,]+\.\d{3}\sm³"),
        ("Water meter", ("Reading",), r"[\d,]+\.\d{3}\sm³"),
        ("P1 port", (), None),
    ],
)
def test_device_page(frontend: Frontend, name: str, entities: tuple[str, ...], value: str | None) -> None:
    frontend.open("/config/integrations/integration/dsmr_p1")
    frontend.click(name)
    frontend.see_element("ha-config-device-page")
    for entity in entities:
        frontend.see(entity, within="ha-device-entities-card")
    if value:
        frontend.see(re.compile(value), within="ha-device-entities-card")
        frontend.see_element("ha-device-entities-card state-badge svg")
    if "Net power" in entities:
        # Part of the picture: the tariff and the events were new a moment ago.
        frontend.see_element("ha-logbook .entry")
    frontend.screenshot(f"device_{name.lower().replace(' ', '_')}")


def test_energy_dashboard(frontend: Frontend) -> None:
    frontend.open("/energy")
    # The day before is complete whatever the time is.
    frontend.press("Previous", within="ha-panel-energy")
    frontend.see(re.compile(r"\d\skWh"), within="hui-energy-distribution-card")
    frontend.see(re.compile(r"\d\sm³"), within="hui-energy-distribution-card")
    frontend.see_chart("hui-energy-usage-graph-card")
    frontend.screenshot("energy")
    frontend.open("/energy/gas")
    frontend.see_chart("hui-energy-gas-graph-card")
    frontend.screenshot("energy_gas")


def test_set_up_over_the_network(tidy: Frontend, belgian_meter: NetworkMeter) -> None:
    start_flow(tidy, belgian_meter.url)
    finish_flow(tidy, "belgium")


def test_set_up_of_an_encrypted_meter(tidy: Frontend, encrypted_meter: NetworkMeter) -> None:
    start_flow(tidy, encrypted_meter.url)
    tidy.see(TEXTS["step"]["keys"]["title"])
    tidy.screenshot("luxembourg_keys")
    tidy.fill("step-flow-form input[name=decryption_key]", WRONG_KEY)
    tidy.press("Submit", within=DIALOG)
    tidy.see(text_of(TEXTS["error"]["wrong_key"]), within=FORM)
    tidy.screenshot("luxembourg_wrong_key")
    tidy.fill("step-flow-form input[name=decryption_key]", encrypted_meter.decryption_key)
    tidy.press("Submit", within=DIALOG)
    finish_flow(tidy, "luxembourg")


def test_port_without_a_meter(frontend: Frontend) -> None:
    start_flow(frontend, "/dev/serial/by-id/nothing")
    frontend.see(text_of(TEXTS["error"]["cannot_open"]), within=FORM)
    frontend.screenshot("cannot_open")
