"""The arithmetic of scripts/bench, what it prints, and its command line; what it measures is not looked at here."""

from argparse import Namespace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmark import streams
from benchmark.measures import BEFORE, CORE, LIBRARY, OURS, Measure, in_turn, latencies, ratio
from benchmark.options import PAGE, PARTS, parse_arguments
from benchmark.plot import draw, growth
from benchmark.report import BEGIN, END, as_json, table_of_measures, table_of_targets, write_page
from benchmark.targets import TARGETS, misses
from benchmark.trees import find_integration, find_trees, import_circles, imports_of, largest_folder, lines_of

MACHINE = {"Python": "3.14"}
SPEED = Measure("decoding.dsmr5", "DSMR 5", "µs", {OURS: [10, 20, 40], LIBRARY: [300, 400, 400]}, as_speed=True)
COST = Measure("home.total", "total", "ms", {OURS: [1.0, 3.0], CORE: [2.0, 2.0], BEFORE: [4.0, 4.0]})


def test_ratios_are_taken_within_rounds() -> None:
    found = ratio([2, 9, 40], [1, 3, 10])
    assert found is not None
    assert (found.median, found.low, found.high) == (3, 2.5, 3.5)


def test_ratio_of_unequal_rounds_uses_the_median() -> None:
    found = ratio([8], [1, 2, 9])
    assert found is not None
    assert (found.median, found.low, found.high) == (4, 4, 4)


@pytest.mark.parametrize(("over", "under"), [([], []), ([1], []), ([1, 2], [0, 0])])
def test_nothing_to_divide_by(over: list[float], under: list[float]) -> None:
    assert ratio(over, under) is None


def test_speed_is_times_faster_and_cost_is_a_share() -> None:
    speed, cost, before = SPEED.beside(LIBRARY), COST.beside(CORE), COST.beside(BEFORE)
    assert speed is not None
    assert speed.median == 20
    assert cost is not None
    assert cost.median == 1
    assert before is not None
    assert before.median == 0.5
    assert COST.peer == CORE
    assert SPEED.beside(CORE) is None
    assert SPEED.beside(None) is None


def test_everyone_has_a_turn_in_every_round() -> None:
    turns: list[str] = []

    def run(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    runs = {name: partial(run, name) for name in "ab"}
    assert {name: len(figures) for name, figures in in_turn(runs, 3).items()} == {"a": 3, "b": 3}
    assert all({*turns[start : start + 2]} == {"a", "b"} for start in (0, 2, 4))


def test_latency_counts_telegrams_that_show_something_new() -> None:
    sent = [(1.0, 0.5), (2.0, 0.5), (3.0, 0.7), (4.0, 0.9), (5.0, 0.4)]
    changes = [(0.2, 0.9), (0.5, 1.25), (0.7, 3.125), (0.4, 5.5)]
    assert latencies(sent, changes) == [0.25, 0.125, 0.5]


def test_targets_are_bounds_from_below_or_above() -> None:
    measures = {SPEED.key: SPEED, COST.key: COST}
    rows = {row[0]: row[1:] for row in table_of_targets(measures)[1:]}
    assert rows["DSMR 5 beside dsmr_parser, whole: times faster"] == ["20", "≥ 22", "no"]
    assert rows["lines of the integration"] == ["-", "≤ 7,800", "not measured"]
    assert len(rows) == len(TARGETS)
    assert misses(measures) == [
        "DSMR 5 beside dsmr_parser, whole: times faster",
        "eight entities, every telegram: all threads beside core",
    ]
    enough = Measure(SPEED.key, "DSMR 5", "µs", {OURS: [1], LIBRARY: [22]}, as_speed=True)
    assert misses({SPEED.key: enough}) == []


def test_table_has_the_other_checkout_where_there_is_one() -> None:
    assert table_of_measures({SPEED.key: SPEED})[1][2:] == ["20", "400 (dsmr_parser)", "20 (15 to 25) times faster"]
    assert table_of_measures({COST.key: COST})[1][2:] == [
        "2",
        "2 (dsmr)",
        "1 (0.75 to 1.25)",
        "4",
        "0.50 (0.38 to 0.62)",
    ]


def test_json_has_samples_ratios_and_targets() -> None:
    found = as_json({COST.key: COST}, MACHINE)
    assert found["measures"]["home.total"]["samples"][OURS] == [1, 3]
    assert found["measures"]["home.total"]["ratios"][CORE] == {"median": 1, "quartiles": [0.75, 1.25]}
    assert [target["met"] for target in found["targets"] if target["measure"] == COST.key] == [False]


def test_figures_of_a_page_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"head\n\n{BEGIN}\nstale\n{END}\n\ntail\n")
    write_page(page, {COST.key: COST}, MACHINE)
    text = page.read_text()
    assert text.startswith("head\n")
    assert text.endswith("\ntail\n")
    assert "stale" not in text
    assert "| total | ms | 2 |" in text
    page.write_text("no place")
    with pytest.raises(ValueError, match="no place"):
        write_page(page, {}, MACHINE)


def test_the_page_has_a_place_for_figures() -> None:
    assert PAGE.read_text().count(BEGIN) == PAGE.read_text().count(END) == 1


def test_plot_is_svg_with_a_line_for_each_contestant() -> None:
    measures = {
        f"growth.share_{count}": Measure(f"growth.share_{count}", "", "%", {OURS: [count], CORE: [2 * count]})
        for count in (50, 1)
    }
    lines = growth(measures)
    assert lines == {OURS: [(1, 1), (50, 50)], CORE: [(1, 2), (50, 100)]}
    image = ET.fromstring(draw(lines, across="a < b", up="%"))  # noqa: S314 - our own
    drawn = [line.attrib["points"] for line in image.iter("{http://www.w3.org/2000/svg}polyline")]
    assert [points.split()[-1] for points in drawn] == ["584.0,180.0", "584.0,56.0"]


def test_circles_are_found(tmp_path: Path) -> None:
    (tmp_path / "low").mkdir()
    for name, text in {
        "__init__": "from .a import x",
        "a": "from . import b",
        "b": "from .low.c import y",
        "low/__init__": "",
        "low/c": "from ..a import x\nfrom . import d",
        "low/d": "import json",
    }.items():
        (tmp_path / f"{name}.py").write_text(text + "\n")
    imports = imports_of(tmp_path)
    assert imports["low.c"] == {"a", "low.d"}
    assert import_circles(imports) == [{"a", "b", "low.c"}]
    assert lines_of(tmp_path) == 7
    assert largest_folder(tmp_path) == 2


def test_checkouts_are_found_and_loaded_side_by_side(tmp_path: Path) -> None:
    tree = find_trees(None)[0]
    (tmp_path / "custom_components").symlink_to(tree.integration.parent)
    other = find_trees(tmp_path)[1]
    assert other.side == BEFORE
    assert tree.core("decoding.decoder").Decoder is tree.core().Decoder is not other.core().Decoder
    with pytest.raises(FileNotFoundError):
        find_integration(tmp_path / "nowhere")


def test_streams() -> None:
    telegrams = streams.household("dsmr5", 2)
    assert telegrams[0] != telegrams[1]
    assert b"".join(streams.in_pieces(telegrams, 64)) == b"".join(telegrams)
    other = streams.of_house(telegrams[0], 7)
    assert len(other) == len(telegrams[0])
    assert streams.power_of(other) == streams.power_of(telegrams[0])
    assert other != telegrams[0]
    changed = streams.every_number_changed(telegrams)
    assert len(changed[0]) == len(telegrams[0])
    lux = streams.luxembourg(2, stands=True)
    assert [len(telegram) for telegram in lux] == [streams.LUXEMBOURG_LENGTH] * 2
    assert lux[0] != lux[1]  # the frame counter
    with pytest.raises(ValueError, match="power"):
        streams.power_of(b"/X\r\n\r\n!\r\n")


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_arguments([]) == Namespace(
        only=None, against=None, rounds=15, json=None, plot=None, page=False, check=False
    )
    asked = parse_arguments(["--only", "home", "--only", "start", "--against", "x", "--json", "f", "--rounds", "3"])
    assert (asked.only, asked.against, asked.json, asked.rounds) == (["home", "start"], Path("x"), Path("f"), 3)
    assert {"home", "defaults", "growth"} < set(PARTS)
    for wrong in (["--only", "nothing"], ["--rounds", "0"]):
        with pytest.raises(SystemExit):
            parse_arguments(wrong)
    assert "at least 1" in capsys.readouterr().err
