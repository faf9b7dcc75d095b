"""The pages that are written from the catalog."""

from pathlib import Path
import shutil
import subprocess
import sys

import pytest

from custom_components.dsmr_p1.p1.catalog import CHANNELS, METER_TYPES

ROOT = Path(__file__).parent.parent.parent
GENERATED = ("docs/meters.md", "docs/channels.md", "tests/p1/public_ids.txt")


def tables(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/tables of a tree in the environment of the tests."""
    path = str(root / "scripts")
    command = [sys.executable, "-m", "tabulator", *arguments]
    return subprocess.run(command, cwd=root, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what the pages are written from, and of the pages."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("custom_components", "scripts/tabulator"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    (tmp_path / "scripts" / "p1").symlink_to((ROOT / "scripts" / "p1").readlink())
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_pages_are_what_the_catalog_says() -> None:
    checked = tables(ROOT, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_all_is_in_the_pages() -> None:
    meters = (ROOT / "docs/meters.md").read_text(encoding="utf-8")
    channels = (ROOT / "docs/channels.md").read_text(encoding="utf-8")
    for row in METER_TYPES:
        assert f"### `{row.id}`" in meters
        assert all(f"`{name}`" in meters for name in row.required | row.optional)
    assert all(f"| `{channel_id}`" in channels for channel_id in CHANNELS)


@pytest.mark.parametrize("name", GENERATED[:2])
def test_a_stale_page_is_found_and_written(tree: Path, name: str) -> None:
    page = tree / name
    current = page.read_text(encoding="utf-8")
    page.write_text(f"{current}\n", encoding="utf-8")
    checked = tables(tree, "--check")
    assert checked.returncode == 1
    assert checked.stderr == f"tables: {name} is not what the catalog says: run scripts/tables\n"
    written = tables(tree)
    assert (written.returncode, written.stdout) == (0, f"tables: {name} written\n")
    assert page.read_text(encoding="utf-8") == current
    assert tables(tree, "--check").returncode == 0


def test_a_page_that_is_missing_is_written(tree: Path) -> None:
    page = tree / GENERATED[0]
    current = page.read_text(encoding="utf-8")
    page.unlink()
    assert tables(tree).returncode == 0
    assert page.read_text(encoding="utf-8") == current


def test_a_public_id_that_is_new_is_added(tree: Path) -> None:
    ids = tree / GENERATED[2]
    current = ids.read_text(encoding="utf-8")
    ids.write_text(current.replace("channel frequency\n", "").replace("meter gas_emucs_v1_0\n", ""), encoding="utf-8")
    assert tables(tree, "--check").returncode == 1
    assert tables(tree).returncode == 0
    assert ids.read_text(encoding="utf-8") == current


def test_a_public_id_that_is_lost_is_an_error(tree: Path) -> None:
    ids = tree / GENERATED[2]
    ids.write_text(ids.read_text(encoding="utf-8") + "channel promised\n", encoding="utf-8")
    done = tables(tree)
    assert (done.returncode, done.stderr) == (1, "tables: public ids are lost: channel promised\n")
