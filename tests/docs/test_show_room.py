"""The houses that scripts/demo can show, and the container that shows them."""

import json
import os
from pathlib import Path
import re

import pytest

from demonstration.options import DEFAULT_HTTP_PORT, parse_options
from demonstration.show_room import HOUSES
from simulator import MODELS

ROOT = Path(__file__).resolve().parents[2]


def models(*arguments: str) -> list[str]:
    return [exhibit.model for exhibit in parse_options(arguments).exhibits]


def test_one_house_or_several_can_be_chosen() -> None:
    assert models() == ["dsmr5"]
    assert models("--house", "belgian") == ["emucs"]
    assert models("--house", "heat", "museum", "--house", "heat", "austrian") == ["warmtelink", "ace4000", "austria"]
    assert models("--model", "sweden") == ["sweden"]
    assert [exhibit.mbus for exhibit in parse_options(["--model", "dsmr5"]).exhibits] == ["gas,water"]


def test_a_check_without_a_choice_looks_at_every_house() -> None:
    assert parse_options(["--check"]).exhibits == tuple(HOUSES.values())
    assert models("--check", "--house", "heat") == ["warmtelink"]


def test_a_wrong_name_is_answered_with_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--house", "danish"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "danish" in said
    assert all(name in said for name in HOUSES)


def test_the_houses_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--list"])
    assert ended.value.code == 0
    listed = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert listed == [[name, exhibit.description] for name, exhibit in HOUSES.items()]
    described = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8").partition("## Options")[0]
    assert re.findall(r"^\| `(\w+)` \|", described, re.MULTILINE) == list(HOUSES)


def test_every_house_has_a_meter_that_can_be_simulated() -> None:
    assert {exhibit.model for exhibit in HOUSES.values()} <= MODELS.keys()
    assert len({exhibit.title for exhibit in HOUSES.values()}) == len(HOUSES)


def test_the_development_container_runs_the_demonstration() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["image"] == "python:3.14"
    assert container["forwardPorts"] == [DEFAULT_HTTP_PORT]
    assert set(container["portsAttributes"]) == {str(DEFAULT_HTTP_PORT)}
    assert container["customizations"]["vscode"]["extensions"]
    for command in (container["postCreateCommand"], container["postAttachCommand"]):
        assert os.access(ROOT / command.split()[0], os.X_OK), command
