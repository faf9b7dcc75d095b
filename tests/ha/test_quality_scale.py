"""The Integration Quality Scale: every rule is answered, and what is named as proof exists."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "dsmr_p1"
BRONZE = """
    action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage dependency-transparency
    docs-actions docs-conditions docs-high-level-description docs-installation-instructions docs-removal-instructions
    docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data test-before-configure
    test-before-setup unique-config-entry
"""
SILVER = """
    action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters
    entity-unavailable integration-owner log-when-unavailable parallel-updates reauthentication-flow test-coverage
"""
GOLD = """
    devices diagnostics discovery discovery-update-info docs-data-update docs-examples docs-known-limitations
    docs-supported-devices docs-supported-functions docs-troubleshooting docs-use-cases dynamic-devices entity-category
    entity-device-class entity-disabled-by-default entity-translations exception-translations icon-translations
    reconfiguration-flow repair-issues stale-devices
"""
PLATINUM = "async-dependency inject-websession strict-typing"
RULES = [*BRONZE.split(), *SILVER.split(), *GOLD.split(), *PLATINUM.split()]
ANSWERS: Any = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
# A file of this project, and a test or a heading in it.
PROOF = re.compile(
    r"\b((?:custom_components|docs|scripts|tests)/[\w./]*\w|README\.md|LICENSE|setup\.cfg)(?:::(\w+)|#([\w-]+))?"
)
OF_HOME_ASSISTANT = r"HomeAssistantError|ServiceValidationError|UpdateFailed|ConfigEntry\w+"
EXCEPTIONS = ("Error", "Failed", "NotReady")


def test_every_rule_is_answered() -> None:
    assert len(RULES) == 54
    assert set(ANSWERS) == set(RULES)
    for rule, answer in ANSWERS.items():
        assert answer["status"] in {"done", "exempt"}, rule
        assert answer["comment"], rule


@pytest.mark.parametrize("rule", RULES)
def test_the_proof_exists(rule: str) -> None:
    proofs = PROOF.findall(ANSWERS[rule]["comment"])
    assert proofs
    for name, function, heading in proofs:
        path = ROOT / name
        assert path.is_file(), name
        if function:
            assert re.search(rf"^(?:async )?def {function}\(", path.read_text(encoding="utf-8"), re.MULTILINE), function
        if heading:
            assert heading in set(anchors(path.read_text(encoding="utf-8"))), f"{name}#{heading}"


def anchors(text: str) -> Iterator[str]:
    """Give the anchors of the headings of a page."""
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def raised() -> Iterator[tuple[str, str]]:
    """Give the keys of the texts of all exceptions that Home Assistant shows, each with its module."""
    for path in INTEGRATION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if not node.func.id.endswith(EXCEPTIONS):
                continue
            for keyword in node.keywords:
                if keyword.arg == "translation_key":
                    keys = [part.value for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)]
                    yield from ((key, path.name) for key in keys if isinstance(key, str))


def test_every_exception_is_translated() -> None:
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text(encoding="utf-8"))["exceptions"]
    assert {key for key, _ in raised()} == set(texts)
    # And none is shown that is not: those of Home Assistant are never raised with a text of their own.
    for path in INTEGRATION.rglob("*.py"):
        assert not re.search(rf"\b(?:{OF_HOME_ASSISTANT})\(\s*f?\"", path.read_text(encoding="utf-8")), path.name
