"""The texts of every language: complete, and by the rules that Home Assistant checks the English ones by."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TRANSLATIONS = ROOT / "custom_components/dsmr_p1/translations"
SOURCE = "en"
LANGUAGES = {"de", "en", "fr", "lb", "nl"}
FOUND = sorted(path.stem for path in TRANSLATIONS.glob("*.json"))
FOREIGN = [language for language in FOUND if language != SOURCE]

KEY = re.compile(r"(?!.+[_-]{2})(?![_-])[a-z0-9_-]+(?<![_-])", re.ASCII)
HTML = re.compile(r"<[a-z/!][^>]*>", re.IGNORECASE)
ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
QUOTED_PLACEHOLDER = re.compile(r"'[{}]")  # The frontend takes what follows literally, also without a closing quote
REFERENCE = re.compile(r"\[%.*%\]")

LONG = 20
"""More characters than this, and a text is hardly the same in two languages."""
SHARE_OF_ENGLISH = 0.15
ROW = 38
"""The characters that a row of the list of repairs shows on a phone, and so does a choice in their dialogs."""
HEADING = 32
"""The characters of the heading of such a dialog on a phone: a second line would cover what stands below it."""

OTHERWISE: dict[str, re.Pattern[str]] = {
    "nl": re.compile(r"\buw?\b", re.IGNORECASE),
    "fr": re.compile(r"\b(tu|toi|ton|ta|tes)\b", re.IGNORECASE),
    "lb": re.compile(r"\b(du|dech|däin\w*|deng\w*)\b", re.IGNORECASE),
}
"""How an owner is not addressed: each language has one form."""

type Texts = dict[str, str]


def load(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads(
        (TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=without_duplicates
    )
    return texts


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
    return dict(pairs)


def walk(node: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Go through everything, groups before what is in them."""
    for key, value in node.items():
        yield (*path, key), value
        if isinstance(value, dict):
            yield from walk(value, *path, key)


def flat(node: dict[str, Any]) -> Texts:
    return {".".join(path): value for path, value in walk(node) if not isinstance(value, dict)}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def groups(node: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every group that has a group of this name, and where it is."""
    if name in node:
        yield "top", node
    for path, value in walk(node):
        if isinstance(value, dict) and isinstance(value.get(name), dict):
            yield ".".join(path), value


def broken_rules(texts: dict[str, Any]) -> list[str]:
    """Tell what breaks the rules that hold for every language by itself."""
    return [
        *(f"{'.'.join(path)}: key" for path, _ in walk(texts) if not KEY.fullmatch(path[-1])),
        *(f"{'.'.join(path)}: empty group" for path, value in walk(texts) if value == {}),
        *(f"{name}: {fault}" for name, text in flat(texts).items() for fault in faults(name, text)),
        *faults_of_forms(texts),
        *faults_of_issues(texts),
        *faults_of_actions(texts),
    ]


def faults(name: str, text: Any) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield "no text"
        return
    for fault, pattern in (
        ("HTML", HTML),
        ("address", ADDRESS),
        ("quoted placeholder", QUOTED_PLACEHOLDER),
        ("reference", REFERENCE),
    ):
        if pattern.search(text):
            yield fault
    if text != text.strip():
        yield "blanks around"
    if "\u00ad" in text:
        yield "soft hyphen"
    try:
        inserted = placeholders(text)
    except ValueError:
        yield "braces"
        return
    if not all(placeholder.isidentifier() for placeholder in inserted):
        yield "placeholder name"
    if inserted and {"state", "state_attributes"} & set(name.split(".")):
        yield "placeholder in a state"


def faults_of_forms(texts: dict[str, Any]) -> Iterator[str]:
    for where, form in groups(texts, "data_description"):
        for field in form["data_description"].keys() - form.get("data", {}).keys():
            yield f"{where}: description of {field}, which is not asked for"


def faults_of_issues(texts: dict[str, Any]) -> Iterator[str]:
    for name, issue in texts.get("issues", {}).items():
        if "title" not in issue:
            yield f"issues.{name}: no title"
        if ("description" in issue) == ("fix_flow" in issue):
            yield f"issues.{name}: not one of description and fix_flow"


def faults_of_actions(texts: dict[str, Any]) -> Iterator[str]:
    for name, action in texts.get("services", {}).items():
        for part, spoken in [(name, action), *action.get("fields", {}).items()]:
            if not {"name", "description"} <= spoken.keys():
                yield f"services.{name}: {part} without name or description"


def test_the_languages() -> None:
    assert set(FOUND) == LANGUAGES


@pytest.mark.parametrize("language", FOUND)
def test_the_rules(language: str) -> None:
    assert broken_rules(load(language)) == []


@pytest.mark.parametrize("language", FOREIGN)
def test_complete_and_nothing_else(language: str) -> None:
    source, texts = flat(load(SOURCE)), flat(load(language))
    assert {"missing": sorted(source.keys() - texts.keys()), "extra": sorted(texts.keys() - source.keys())} == {
        "missing": [],
        "extra": [],
    }


@pytest.mark.parametrize("language", FOREIGN)
def test_the_same_placeholders(language: str) -> None:
    source, texts = flat(load(SOURCE)), flat(load(language))
    shared = source.keys() & texts.keys()
    assert {name: placeholders(texts[name]) for name in shared} == {name: placeholders(source[name]) for name in shared}


@pytest.mark.parametrize("language", FOREIGN)
def test_the_same_paragraphs(language: str) -> None:
    # Markdown makes lists and paragraphs of them
    source, texts = flat(load(SOURCE)), flat(load(language))
    assert [name for name in source.keys() & texts.keys() if shape(source[name]) != shape(texts[name])] == []


@pytest.mark.parametrize("language", FOUND)
def test_a_phone_shows_all_of_a_repair(language: str) -> None:
    texts = load(language)
    kinds = texts["selector"]["meter_kind"]["options"]
    shown = [
        issue["title"].replace("{meter}", kinds[kind])
        for key, issue in texts["issues"].items()
        for kind in (("gas", "water", "heating") if key == "meter_beside_dead" else ("electricity", "gas", "water"))
    ]
    shown += [text for name, text in flat(texts["issues"]).items() if ".menu_options." in name]
    assert [text for text in shown if len(text) > ROW] == []
    headings = [text for name, text in flat(texts["issues"]).items() if ".step." in name and name.endswith(".title")]
    assert headings
    assert [text for text in headings if len(text) > HEADING] == []


@pytest.mark.parametrize("language", OTHERWISE)
def test_an_owner_is_addressed_in_one_way(language: str) -> None:
    assert [name for name, text in flat(load(language)).items() if OTHERWISE[language].search(text)] == []


@pytest.mark.parametrize("language", FOUND)
def test_a_phone_shows_all_of_a_menu(language: str) -> None:
    texts = flat(load(language))
    choices = [text for name, text in texts.items() if ".menu_options." in name]
    assert choices
    assert [text for text in choices if len(text) > ROW] == []


def shape(text: str) -> list[bool | None]:
    """Tell of every line whether it is empty, an item of a list or a paragraph."""
    return [line.startswith("- ") if line else None for line in text.split("\n")]


@pytest.mark.parametrize("language", FOREIGN)
def test_not_merely_english(language: str) -> None:
    source, texts = flat(load(SOURCE)), flat(load(language))
    long = {name for name, text in source.items() if len(text) > LONG}
    copied = sorted(name for name in long if texts.get(name) == source[name])
    assert len(copied) < SHARE_OF_ENGLISH * len(long), copied


@pytest.mark.parametrize("language", FOREIGN)
def test_what_differs_in_english_is_told_apart(language: str) -> None:
    # The sensors of a device, the devices, the choices of a list
    source, texts = load(SOURCE), load(language)
    assert lumped(names(source["device"]), names(texts["device"])) == []
    for platform, entities in source["entity"].items():
        assert lumped(names(entities), names(texts["entity"][platform])) == []
    for selector, choices in source["selector"].items():
        assert lumped(choices["options"], texts["selector"][selector]["options"]) == []


def names(things: dict[str, Any]) -> Texts:
    return {key: thing["name"] for key, thing in things.items() if "name" in thing}


def lumped(source: Texts, texts: Texts) -> list[set[str]]:
    """Give the texts that are the same here and different in English."""
    by_text: dict[str, set[str]] = {}
    for key, text in texts.items():
        by_text.setdefault(text, set()).add(key)
    return [keys for keys in by_text.values() if len({source[key] for key in keys if key in source}) > 1]


@pytest.mark.parametrize("language", FOUND)
def test_the_files_are_written_alike(language: str) -> None:
    text = (TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8")
    assert text == json.dumps(load(language), indent=2, ensure_ascii=False) + "\n"
    assert [name for name in flat(load(language)) if name in flat(load(SOURCE))] == [
        name for name in flat(load(SOURCE)) if name in flat(load(language))
    ]


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ({"a": "right", "b": {"c": "right, {too}"}}, None),
        ({"a": {"state": {"0": "right"}}}, None),
        ({"a": "socket://host:port"}, None),
        ({"a": "5 < 6 and 7 > 6"}, None),
        ({"Port": "key"}, "Port: key"),
        ({"_a": "key"}, "_a: key"),
        ({"a-": "key"}, "a-: key"),
        ({"a__b": "key"}, "a__b: key"),
        ({"a": {}}, "a: empty group"),
        ({"a": ""}, "a: no text"),
        ({"a": 1}, "a: no text"),
        ({"a": "<b>bold</b>"}, "a: HTML"),
        ({"a": "line<br>"}, "a: HTML"),
        ({"a": "see https://example.org/page"}, "a: address"),
        ({"a": "see www.example.org"}, "a: address"),
        ({"a": "such as socket://192.168.1.2:23"}, "a: address"),
        ({"a": "the port '{port}'"}, "a: quoted placeholder"),
        ({"a": "l'{port}"}, "a: quoted placeholder"),
        ({"a": "[%key:common::action::close%]"}, "a: reference"),
        ({"a": " text"}, "a: blanks around"),
        ({"a": "text\n"}, "a: blanks around"),
        ({"a": "Schlüs\u00adsel"}, "a: soft hyphen"),
        ({"a": "text {port"}, "a: braces"),
        ({"a": "{two words}"}, "a: placeholder name"),
        ({"a": "{}"}, "a: placeholder name"),
        ({"a": {"state": {"0": "{port}"}}}, "a.state.0: placeholder in a state"),
        ({"state_attributes": {"a": {"name": "{port}"}}}, "state_attributes.a.name: placeholder in a state"),
        ({"a": {"data_description": {"b": "text"}}}, "a: description of b, which is not asked for"),
        ({"issues": {"a": {"description": "text"}}}, "issues.a: no title"),
        ({"issues": {"a": {"title": "text"}}}, "issues.a: not one of description and fix_flow"),
        ({"services": {"a": {"name": "text"}}}, "services.a: a without name or description"),
        (
            {"services": {"a": {"name": "text", "description": "text", "fields": {"b": {"name": "text"}}}}},
            "services.a: b without name or description",
        ),
    ],
)
def test_that_the_rules_are_checked(texts: dict[str, Any], fault: str | None) -> None:
    assert broken_rules(texts) == ([] if fault is None else [fault])


def test_that_a_lost_difference_is_found() -> None:
    assert lumped({"a": "one", "b": "two", "c": "one"}, {"a": "1", "b": "1", "c": "3"}) == [{"a", "b"}]
    assert lumped({"a": "one", "b": "one"}, {"a": "1", "b": "1"}) == []


def test_that_a_key_that_is_there_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="twice"):
        json.loads('{"a": "text", "a": "text"}', object_pairs_hook=without_duplicates)
