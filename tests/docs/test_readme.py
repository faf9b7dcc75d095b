"""The pages that are written by hand: links lead somewhere, commands exist, and nothing that users meet is left out."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util import slugify
from homeassistant.util.yaml import parse_yaml
import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])
INTEGRATION = ROOT / "custom_components/dsmr_p1"
TEXTS: dict[str, Any] = json.loads((INTEGRATION / "translations/en.json").read_text())
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
TROUBLESHOOTING = (ROOT / "docs/troubleshooting.md").read_text()
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
ENTITY = re.compile(r"\bsensor\.(?:p1_port|[a-z]+_meter)_\w+")
COMMAND = re.compile(r"(?<![\w/])scripts/[a-z][\w-]*")
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def name_of(page: Path) -> str:
    """Return the path of a page, as the id of its test."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def keys(texts: Any, *path: str) -> list[str]:
    """Return the keys at a path of the texts; none where there is no such path."""
    for step in path:
        texts = texts.get(step, {})
    return sorted(texts)


def all_keys(texts: Any, name: str) -> Iterator[str]:
    """Give the keys of every mapping with this name, wherever it is."""
    if isinstance(texts, dict):
        for key, value in texts.items():
            if key == name and isinstance(value, dict):
                yield from value
            yield from all_keys(value, name)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(CODE.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_ways_through_the_options_exist(page: Path) -> None:
    choices = set(TEXTS["options"]["step"]["init"]["menu_options"].values())
    named = (" ".join(way.split()) for way in re.findall(r"→\s+Configure\s+→\s+([^→*]+)", page.read_text()))
    assert [way for way in named if way not in choices] == []


def test_every_section_of_the_dashboard_has_a_picture() -> None:
    page, script = ((ROOT / path).read_text() for path in ("docs/dashboard.md", "scripts/pictures"))
    dashboard: Any = parse_yaml((ROOT / "docs/dashboard.yaml").read_text())
    pictures = re.findall(r"\(images/(\w+)\.png\)", page)
    assert len(pictures) == len(dashboard["views"][0]["sections"])
    assert [name for name in pictures if f"]={name}\n" not in script] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    assert [command for command in COMMAND.findall(page.read_text()) if not (ROOT / command).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_entities_exist(page: Path) -> None:
    sensors = TEXTS["entity"]["sensor"].values()
    names = {slugify(sensor["name"].replace("{index}", "0index0")).replace("0index0", r"\w+") for sensor in sensors}
    devices = {slugify(device["name"].replace("{channel}", "")) for device in TEXTS["device"].values()}
    pattern = re.compile(rf"sensor\.(?:{'|'.join(sorted(devices))})_(?:{'|'.join(sorted(names))}|monthly_peak_)")
    assert [entity for entity in ENTITY.findall(page.read_text()) if not pattern.fullmatch(entity)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_yaml_can_be_read(page: Path) -> None:
    for text in YAML.findall(page.read_text()):
        assert parse_yaml(text)


@pytest.mark.parametrize("key", sorted({*all_keys(TEXTS, "error"), *all_keys(TEXTS["config"], "abort")}))
def test_every_message_of_a_flow_is_explained(key: str) -> None:
    assert f"`{key}`" in TROUBLESHOOTING


@pytest.mark.parametrize("key", keys(TEXTS, "issues"))
def test_every_repair_is_explained(key: str) -> None:
    assert f"`{key}`" in TROUBLESHOOTING


@pytest.mark.parametrize(
    "field", sorted(set(all_keys(TEXTS["config"], "data")) | set(all_keys(TEXTS["options"], "data")))
)
def test_every_field_is_explained(field: str) -> None:
    assert f"`{field}`" in CONFIGURATION


@pytest.mark.parametrize("action", keys(TEXTS, "services"))
def test_every_action_is_explained(action: str) -> None:
    fields = keys(TEXTS, "services", action, "fields")
    assert [name for name in (f"dsmr_p1.{action}", *fields) if f"`{name}`" not in TROUBLESHOOTING] == []
    assert f"`dsmr_p1.{action}`" in (ROOT / "docs/using.md").read_text()
