"""What HACS, hassfest and a release ask of the files, as far as it can be checked without a network."""

import json
from pathlib import Path
import re
import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components" / "dsmr_p1"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts that a release is made of, with a changelog of one version."""
    shutil.copytree(INTEGRATION, tmp_path / "custom_components" / "dsmr_p1")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "release", tmp_path / "scripts")
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [1.2.3] - 2026-01-31\n\n- Now.\n\n"
        "## [1.2.2] - 2026-01-01\n\n## [1.2.1] - 2025-12-01\n\n- Before.\n",
        encoding="utf-8",
    )
    return tmp_path


def release(tree: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tree / "scripts" / "release"), tag], capture_output=True, text=True, check=False
    )


def test_a_release_holds_the_integration_with_the_version_of_its_tag(tree: Path) -> None:
    assert release(tree, "v1.2.3").returncode == 0

    with ZipFile(tree / "dist" / "dsmr_p1.zip") as archive:
        names = archive.namelist()
        packed = json.loads(archive.read("manifest.json"))
    assert packed == json.loads((INTEGRATION / "manifest.json").read_bytes()) | {"version": "1.2.3"}
    assert list(packed) == list(json.loads((INTEGRATION / "manifest.json").read_bytes()))
    assert {"__init__.py", "p1/__init__.py", "translations/en.json"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    assert (tree / "dist" / "notes.md").read_text(encoding="utf-8") == "- Now.\n"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "v01.2.3", "v9.9.9", "v1.2.2", "v1x2.3"])
def test_no_release_without_a_proper_tag_and_something_said_of_it(tree: Path, tag: str) -> None:
    assert release(tree, tag).returncode != 0
    assert not (tree / "dist").exists()


def test_hacs_finds_the_zip_that_a_release_packs() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_bytes())
    assert hacs["zip_release"] is True
    assert f"dist/{hacs['filename']}" in (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


def test_the_manifest_is_in_the_order_of_hassfest() -> None:
    keys = list(json.loads((INTEGRATION / "manifest.json").read_bytes()))
    assert keys == ["domain", "name", *sorted(keys[2:])]
    assert {"domain", "name", "codeowners", "documentation", "issue_tracker", "version"} <= set(keys)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_keep_no_credentials(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert [action for action in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert "\npermissions:" in text
    assert "\nconcurrency:" in text
