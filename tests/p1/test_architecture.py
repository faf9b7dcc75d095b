"""Who may import whom, and who may know what."""

import ast
from collections.abc import Iterator
from pathlib import Path
import re
import subprocess
import sys
import tokenize

import pytest

from custom_components.dsmr_p1 import p1

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "dsmr_p1"
CORE = INTEGRATION / "p1"
CORE_MODULES = sorted(CORE.rglob("*.py"))
GLUE_MODULES = sorted(path for path in INTEGRATION.rglob("*.py") if CORE not in path.parents)

# Lowest first: a module imports only what stands above it here.
LAYERS = (
    {"errors"},
    {"crc", "obis", "units", "clock", "serial_settings", "watchdog"},
    {"countries", "times"},
    {"values"},
    {"catalog"},
    {"checksums", "envelope", "frames"},
    {"framing", "decryption", "memory", "anonymise"},
    {"replay"},
    {"telegram", "derived"},
    {"lines", "grouping", "sight"},
    {"parser", "detection", "hold"},
    {"plan", "unsealed", "register", "limits", "layout"},
    {"interpreter"},
    {"presentation", "decoder", "guarded"},
    {"heard", "masking", "guard"},
    {"reader"},
    {"__init__"},
)
# What a module imports from outside, apart from the standard library's parts without input and output.
OUTSIDE = {
    "errors": {"socket"},  # for the type of an error only
    "reader": {"asyncio", "serialx"},
    "decryption": {"cryptography"},
}
PURE = {
    "binascii", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "errno", "functools",
    "hashlib",
    "itertools", "operator", "random", "re", "statistics", "string", "struct", "types", "typing",
}  # fmt: skip


def name_of(path: Path) -> str:
    return "catalog" if path.parent.name == "catalog" else path.stem


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give the level and the first name of what a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((0, name.name.partition(".")[0]) for name in names)
            case ast.ImportFrom(module=None, names=names, level=level):
                yield from ((level, name.name) for name in names)
            case ast.ImportFrom(module=str(module), level=level):
                yield level, module.partition(".")[0]


@pytest.mark.parametrize("block", ["homeassistant", "custom_components", "voluptuous", "probatio"])
def test_the_core_imports_nothing_of_home_assistant(block: str) -> None:
    """A fresh interpreter, in which the folder is a package of its own and the import is an error."""
    program = f"""
import sys
sys.modules[{block!r}] = None
sys.path.insert(0, {str(INTEGRATION)!r})
import p1, p1.reader
octets = open({str(Path(__file__).parents[1] / "telegrams" / "iskra_am550_dsmr50_3phase.telegram")!r}, "rb").read()
[reading] = p1.Decoder().feed(octets)
print(*(meter.profile.type_id for meter in reading.meters))
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("homeassistant", "custom_components")))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [
        "device_v5",
        "electricity_v5_0",
        "m3_v5_0",
        *([block] if block in result.stdout else []),
    ]


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_only_the_reader_does_input_and_output_and_only_decryption_has_ciphers(path: Path) -> None:
    outside = {name for level, name in imports(path) if level == 0} - PURE
    assert outside <= OUTSIDE.get(name_of(path), set())


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_import_goes_upward(path: Path) -> None:
    order = {name: number for number, names in enumerate(LAYERS) for name in names}
    own = order[name_of(path)]
    in_catalog = path.parent.name == "catalog"
    for level, name in imports(path):
        if level == 0:
            continue
        assert level == (2 if in_catalog and name in order else 1), f"{path.name} imports {name} from too far"
        if in_catalog and level == 1:
            assert name in {"makers", "meters", "model", "objects", "uncatalogued", "versions"}
        else:
            assert order[name] < own, f"{path.name} imports {name}, which stands above it"


def test_every_module_of_the_core_has_its_layer() -> None:
    assert {name_of(path) for path in CORE_MODULES} == set().union(*LAYERS)


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Give the string literals of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # A string that is a statement of its own is documentation.
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "path",
    [path for path in (*CORE_MODULES, *GLUE_MODULES) if name_of(path) != "catalog"],
    ids=lambda path: str(path.relative_to(INTEGRATION)),
)
def test_only_the_catalog_knows_references(path: Path) -> None:
    # Three numbers between dots; four are the address of a machine.
    reference = re.compile(r"\d-[\dn]:|(?<![\w.])\d{1,3}\.\d{1,2}\.\d{1,3}(?!\.?\w)")
    found = [(line, text) for line, text in strings(path) if reference.search(text)]
    assert not found


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_every_module_begins_with_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_complaint_is_silenced(path: Path) -> None:
    with tokenize.open(path) as file:
        comments = [token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    assert not [comment for comment in comments if "type: ignore" in comment or "pragma: no cover" in comment]


def test_the_public_names_exist() -> None:
    assert sorted(set(p1.__all__)) == sorted(p1.__all__)
    assert not [name for name in p1.__all__ if not hasattr(p1, name)]


# "Return ...", "Whether ...", "Raised when ...": a docstring begins as those of Home Assistant do.
UNUSUAL = re.compile(
    r"(Give(?! everything back)|Tell(?! the owner)|Say|Take note|Note|Let(?! the recorder)|Belong to|Learn|Carry out)\b"
)


@pytest.mark.parametrize("path", [*CORE_MODULES, *GLUE_MODULES], ids=lambda path: str(path.relative_to(INTEGRATION)))
def test_docstrings_begin_in_the_words_of_home_assistant(path: Path) -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, documented)
    ]
    assert not [docstring.partition("\n")[0] for docstring in docstrings if UNUSUAL.match(docstring)]
