"""What an owner sees of the parts: the sections of the example dashboard, and how a part is switched on."""

import re

import pytest

from demonstration.frontend import Frontend

from .conftest import texts

DIALOG = "dialog-data-entry-flow"
OPTIONS = texts("en")["options"]["step"]


@pytest.mark.parametrize(
    ("view", "heading", "values", "name"),
    [
        ("belgian-house", "The quarter of an hour", (r"\d\skW", "€"), "coach_capacity"),
        ("belgian-house", "What the main fuse leaves", (r"\d\sA",), "headroom"),
        ("luxembourg-house", "The reference power", (r"\d\skW", r"\d\skWh"), "coach_reference"),
        ("homewizard-house", "Gas by true hours", (), "true_hours"),
        ("homewizard-house", "The P1 port", ("Connected",), "port"),
    ],
)
def test_a_section_of_the_dashboard(
    show_room: Frontend, view: str, heading: str, values: tuple[str, ...], name: str
) -> None:
    section = f'hui-section:has-text("{heading}")'
    show_room.open(f"/smart-meter/{view}")
    show_room.see(heading)
    for value in values:
        show_room.see(re.compile(value), within=section)
    if not values:
        show_room.see_chart(f"{section} hui-statistics-graph-card")
    show_room.screenshot(f"part_{name}", of=section)


def test_the_page_of_a_house_behind_homewizard(show_room: Frontend) -> None:
    with show_room.sized(1280, 1060):
        show_room.open("/smart-meter/homewizard-house")
        show_room.see(re.compile(r"\d\sW"), within="hui-gauge-card")
        show_room.see_chart("hui-statistics-graph-card")
        show_room.screenshot("part_homewizard")


def test_the_relay_is_switched_on(frontend: Frontend) -> None:
    frontend.open("/config/integrations/integration/dsmr_p1")
    frontend.press("Configure", within="ha-config-entry-row")
    frontend.see(OPTIONS["init"]["title"], within=DIALOG)
    frontend.screenshot("part_options")
    frontend.click(OPTIONS["init"]["menu_options"]["relay"])
    frontend.see(OPTIONS["relay"]["title"], within=DIALOG)
    frontend.see(OPTIONS["relay"]["data"]["relay_port"], within=DIALOG)
    frontend.fill(f"{DIALOG} ha-selector-number input", "2001")
    frontend.screenshot("part_relay")
