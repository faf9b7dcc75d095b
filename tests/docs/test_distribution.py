"""What HACS, hassfest and a release ask of the files, as far as it can be checked without a network."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
import shutil
import subprocess
import sys
from zipfile import ZipFile

from homeassistant.const import Platform
from homeassistant.util.yaml import load_yaml_dict
import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components" / "dsmr_p1"
# The keys of a manifest of a custom integration, as hassfest's schema has them.
MANIFEST_KEYS = """
    domain name integration_type config_flow mqtt zeroconf ssdp bluetooth homekit dhcp usb documentation requirements
    dependencies after_dependencies codeowners loggers disabled iot_class single_config_entry version issue_tracker
    import_executor quality_scale
"""
# The components that every integration may import, as far as one would.
ALWAYS_THERE = {*(platform.value for platform in Platform), "frontend", "homeassistant", "websocket_api"}
COMPONENTS = "homeassistant.components"
# hacs.xyz/docs/publish/start
HACS_KEYS = """
    name content_in_root zip_release filename hide_default_branch country homeassistant hacs persistent_directory
"""
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


def test_the_manifest_says_nothing_that_hassfest_does_not_know() -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_bytes())
    assert set(manifest) <= set(MANIFEST_KEYS.split())
    assert manifest["domain"] == INTEGRATION.name
    assert manifest["iot_class"] == "local_push"
    assert manifest["integration_type"] in {"device", "hub", "service"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert [owner for owner in manifest["codeowners"] if not owner.startswith("@")] == []
    for key in ("dependencies", "after_dependencies"):
        assert manifest[key] == sorted(manifest[key])
    for matcher in manifest["usb"]:
        assert matcher["vid"] == matcher["vid"].upper()
        assert matcher["description"] == matcher["description"].lower()
        assert matcher["serial_number"] == matcher["serial_number"].lower()


def components_in(code: str) -> Iterator[str]:
    """Give the components of Home Assistant that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == COMPONENTS:
            yield from (alias.name for alias in node.names)
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (module.split(".")[2] for module in modules if module.startswith(f"{COMPONENTS}."))


def test_the_manifest_names_what_is_imported_of_home_assistant() -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_bytes())
    imported = {
        component
        for path in INTEGRATION.rglob("*.py")
        for component in components_in(path.read_text(encoding="utf-8"))
        # The platform of another component may import it.
        if not (INTEGRATION / f"{component}.py").exists()
    }
    assert {"network", "recorder", "usb"} <= imported
    assert imported - ALWAYS_THERE <= {*manifest["dependencies"], *manifest["after_dependencies"]}


def test_the_version_of_the_manifest_can_be_released(tree: Path) -> None:
    shutil.copy(ROOT / "CHANGELOG.md", tree)
    version = json.loads((INTEGRATION / "manifest.json").read_bytes())["version"]
    packed = release(tree, f"v{version}")
    assert (packed.returncode, packed.stderr) == (0, "")


def test_what_hacs_asks_of_a_repository_is_there() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_bytes())
    assert set(hacs) <= set(HACS_KEYS.split())
    assert re.fullmatch(r"\d{4}\.\d+\.\d+", hacs["homeassistant"])
    assert [path.name for path in (ROOT / "custom_components").iterdir() if (path / "manifest.json").is_file()] == [
        INTEGRATION.name
    ]
    assert (INTEGRATION / "brand" / "icon.png").read_bytes().startswith(b"\x89PNG")
    assert "![" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "LICENSE").is_file()


def test_every_action_has_texts_an_icon_and_fields_that_are_named() -> None:
    services = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_bytes())["services"]
    icons = json.loads((INTEGRATION / "icons.json").read_bytes())["services"]
    assert set(services) == set(texts) == set(icons)
    for name, service in services.items():
        fields = (service or {}).get("fields", {})
        assert set(fields) == set(texts[name].get("fields", {})), name
        assert icons[name]["service"].startswith("mdi:"), name


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_keep_no_credentials(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert [action for action in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert "\npermissions:" in text
    assert "\nconcurrency:" in text
