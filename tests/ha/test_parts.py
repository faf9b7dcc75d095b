"""The parts: each is offered, none is in the way of the others, and each can be deleted."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.dsmr_p1.parts import PARTS
from tests.ha.flow_driver import begin_options, over_rest
from tests.ha.house import MakeHouse

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "custom_components/dsmr_p1/parts"
FOLDERS = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
# What the tests below need, and no more: a copy takes a moment only.
NEEDED = (
    "custom_components",
    "scripts/simulator",
    "scripts/p1",
    "tests/conftest.py",
    "tests/ha",
    "tests/p1/captures.py",
    "setup.cfg",
)


async def test_every_part_is_offered(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, make_house: MakeHouse
) -> None:
    assert len(PARTS) == len(FOLDERS)
    await over_rest(hass, hass_client)
    house = await make_house()
    await house.set_up()
    result = await begin_options(hass, house.entry)
    assert result["menu_options"] == ["general", "meters", *(part.key for part in PARTS)]
    assert house.value("electricity", "power_net") not in ("unknown", "unavailable")


async def test_a_part_that_does_not_start_is_in_nobodys_way(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = await make_house()
    # No form has made these settings.
    house.configure(options={part.key: {"unknown": 1} for part in PARTS})
    await house.set_up()
    assert house.entry.state is ConfigEntryState.LOADED
    assert house.value("electricity", "power_net") not in ("unknown", "unavailable")
    for part in PARTS:
        assert f": {part.key} could not be started" in caplog.text


@pytest.mark.parametrize("deleted", FOLDERS)
def test_without_a_part_all_is_as_before(tmp_path: Path, deleted: str) -> None:
    for needed in NEEDED:
        source, copy = ROOT / needed, tmp_path / needed
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "snapshots"))
        else:
            shutil.copy(source, copy)
    shutil.rmtree(tmp_path / FOLDER.relative_to(ROOT) / deleted)
    asked = ["tests/ha/test_rooms.py", "tests/ha/test_parts.py", "-k", "offered or nobodys or upward"]
    command = [sys.executable, "-m", "pytest", "-q", "-c", "setup.cfg", "-p", "no:cacheprovider", *asked]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=110
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
    assert " passed" in ended.stdout
