"""The rehearsal: docs/adding-a-meter.md is followed word by word, in a copy of the project.

What it shows: a new meter type touches one row and one capture. All else that changes is written by programs.
"""

from hashlib import sha256
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/adding-a-meter.md").read_text(encoding="utf-8")
TABLE = "custom_components/dsmr_p1/p1/catalog/meters.py"
END_OF_TABLE = "\n)\n# fmt: on"


def examples(language: str) -> list[str]:
    """Return the examples of the page that are in a language."""
    fences: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for found, text in fences if found == language]


def run(tree: Path, *command: str, fails: bool = False) -> str:
    """Run a Python program of a tree, and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tree,
        env={"PYTHONPATH": str(tree / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bool(done.returncode) is fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def contents(tree: Path) -> dict[str, str]:
    """Return what is in the files of a tree, by path."""
    return {
        str(path.relative_to(tree)): sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project."""
    tree = tmp_path_factory.mktemp("project")
    for name in ("custom_components", "docs", "scripts", "tests"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tree)
    return tree


# It starts six programs, among them pytest with Home Assistant.
@pytest.mark.timeout(600)
def test_a_meter_type_is_one_row_and_one_capture(tree: Path) -> None:
    before = contents(tree)
    [name] = re.findall(r"`(\w+\.telegram)`", PAGE)
    capture = f"tests/telegrams/{name}"

    [telegram], [row], [untyped, typed] = examples("telegram"), examples("python"), examples("")

    # The capture: the meter works, and has no type.
    (tree / capture).write_bytes(telegram.encode().replace(b"\n", b"\r\n"))
    told = run(tree, "inspector", capture)
    assert [line for line in untyped.splitlines() if line not in told.splitlines()] == []
    assert "unknown" not in told

    # The row.
    table = tree / TABLE
    rows = table.read_text(encoding="utf-8")
    assert rows.count(END_OF_TABLE) == 1
    table.write_text(rows.replace(END_OF_TABLE, f"\n{row.rstrip()}{END_OF_TABLE}"), encoding="utf-8")

    # What follows by itself.
    assert "docs/meters.md is not what the catalog says" in run(tree, "tabulator", "--check", fails=True)
    run(tree, "tabulator")
    run(tree, "tabulator", "--check")
    told = run(tree, "inspector", capture)
    assert [line for line in typed.splitlines() if line not in told.splitlines()] == []
    assert "Example HX1" in (tree / "docs/meters.md").read_text(encoding="utf-8")

    # Every test that looks at the catalog or at captures agrees.
    tests = ("tests/p1/test_catalog.py", "tests/p1/test_detection.py", "tests/ha/test_sensor.py")
    wanted = "catalog or example_hx1"
    run(tree, "pytest", "-q", "-p", "no:cacheprovider", "--snapshot-update", "-k", wanted, *tests)

    after = contents(tree)
    assert {path for path in before | after if before.get(path) != after.get(path)} == {
        capture,
        TABLE,
        "docs/meters.md",
        "tests/p1/public_ids.txt",
        "tests/ha/snapshots/test_sensor.ambr",
    }
