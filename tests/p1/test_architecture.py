"""Who may import whom, and who may know what."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
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

# Lowest first: a room imports only from rooms that stand above it here. A room is a folder, or a module beside them.
ROOMS = (
    {"errors", "memory", "serial_settings", "watchdog"},
    {"cosem"},
    {"catalog"},
    {"wire"},
    {"telegrams"},
    {"meters"},
    {"decoding"},
    {"registers"},
    {"anonymise"},
    {"heard", "masking"},
    {"reader"},
    {"__init__"},
)
FLOOR = {room: number for number, rooms in enumerate(ROOMS) for room in rooms}
MOST_FILES = 10
LONGEST = 350
# What a module imports from outside, apart from the standard library's parts without input and output.
OUTSIDE = {
    "errors": {"socket"},  # for the type of an error only
    "reader": {"asyncio", "serialx"},
    "wire.decryption": {"cryptography"},
}
PURE = {
    "binascii", "collections", "contextlib", "dataclasses", "datetime", "decimal", "enum", "errno", "functools",
    "hashlib",
    "itertools", "operator", "random", "re", "statistics", "string", "struct", "types", "typing",
}  # fmt: skip


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


def room_of(name: str) -> str:
    return name.partition(".")[0]


def outside(path: Path) -> Iterator[str]:
    """Yield the packages from outside that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def imports(path: Path, text: str) -> Iterator[str]:
    """Yield the modules of the core that one imports."""
    folder = list(path.relative_to(CORE).parent.parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level <= len(folder) + 1, f"{path.name} imports from outside"
            above = folder[: len(folder) - node.level + 1]
            for name in node.names:
                found = [*above, *([] if node.module is None else node.module.split("."))]
                is_module = (CORE / Path(*found, name.name)).with_suffix(".py").exists() or not found
                yield ".".join([*found, name.name] if is_module else found)


def upward(path: Path, text: str) -> list[str]:
    """Return the rooms that a module imports and that stand no lower; of its own folder it may import anything."""
    own = room_of(name_of(path))
    rooms = {room_of(found) for found in imports(path, text)} - ({own} if path.parent != CORE else set())
    return sorted(room for room in rooms if FLOOR[room] >= FLOOR[own])


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
    assert set(outside(path)) - PURE <= OUTSIDE.get(name_of(path), set())


@pytest.mark.parametrize("path", CORE_MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_import_goes_upward(path: Path) -> None:
    assert not upward(path, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cosem/values.py", "from ..catalog import Quantity"),
        ("wire/framing.py", "from .. import meters"),
        ("meters/detection.py", "def late() -> None:\n    from ..decoding.plan import Plan"),
        ("decoding/decoder.py", "from ..registers.guard import Guard"),
        ("errors.py", "from .cosem.obis import Obis"),
    ],
)
def test_an_arrow_up_is_seen(name: str, text: str) -> None:
    assert upward(CORE / name, text)


def test_no_room_has_a_circle() -> None:
    graph = {name_of(path): set(imports(path, path.read_text(encoding="utf-8"))) for path in CORE_MODULES}
    TopologicalSorter(graph).prepare()


def test_every_room_of_the_core_has_its_floor() -> None:
    assert {room_of(name_of(path)) for path in CORE_MODULES} == FLOOR.keys()


@pytest.mark.parametrize("path", CORE_MODULES, ids=name_of)
def test_every_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_every_folder_is_seen_at_one_look() -> None:
    for folder in {path.parent for path in CORE_MODULES}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder.name


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
    [path for path in (*CORE_MODULES, *GLUE_MODULES) if path.parent.name != "catalog"],
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
