"""Who may import whom in the integration around the core; `tests/p1/test_architecture.py` has the core's own layers."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "dsmr_p1"
MODULES = sorted(path for path in INTEGRATION.rglob("*.py") if INTEGRATION / "p1" not in path.parents)

# Lowest first: a room imports only from rooms that stand above it here. A room is a folder, or a module at the top.
ROOMS = (
    {"p1"},
    {"const"},
    {"homewizard", "storage"},
    {"port"},
    {"sums"},
    {"energy_dashboard", "events", "meters", "takeover", "watch"},
    {"guarding"},
    {"coordinator"},
    {"entity"},
    {"parts"},
    {"flow"},
    {"discovery"},
    {"binary_sensor", "config_flow", "diagnostics", "event", "repairs", "sensor", "services"},
    {"__init__"},
)
FLOOR = {room: float(number) for number, rooms in enumerate(ROOMS) for room in rooms}
FLOOR |= {f"parts.{path.parent.name}": FLOOR["parts"] + 0.5 for path in INTEGRATION.glob("parts/*/__init__.py")}
# Modules of tables: long, and nothing in them to follow.
TABLES: set[str] = set()
LONGEST = 350
LONGEST_OF = {"coordinator": 230}
MOST_FILES = 10
MOST_AT_THE_TOP = 10


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(INTEGRATION).with_suffix("").parts)


def room_of(name: str) -> str:
    """Return the room of a module; each folder in `parts` is a room of its own."""
    room, _, rest = name.partition(".")
    within = rest.partition(".")[0]
    is_part = room == "parts" and within and not (INTEGRATION / room / within).with_suffix(".py").exists()
    return f"{room}.{within}" if is_part else room


def imports(path: Path, text: str) -> Iterator[str]:
    """Give the modules of the integration that one imports, wherever in it that stands, for types only or not."""
    folder = list(path.relative_to(INTEGRATION).parent.parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            assert not [name.name for name in node.names if "dsmr_p1" in name.name]
        if not isinstance(node, ast.ImportFrom):
            continue
        assert node.level or "dsmr_p1" not in (node.module or ""), f"{path.name} imports {node.module} by its full name"
        if node.level:
            above = folder[: len(folder) - node.level + 1]
            assert node.level <= len(folder) + 1, f"{path.name} imports from outside"
            for name in node.names:
                found = [*above, *([] if node.module is None else node.module.split("."))]
                is_module = (INTEGRATION / Path(*found, name.name)).with_suffix(".py").exists()
                yield ".".join([*found, name.name] if is_module or not found else found)


def upward(path: Path, text: str) -> list[str]:
    """Give what a module imports that stands no lower: of its own folder it may import anything."""
    own = room_of(name_of(path))
    rooms = {room_of(found) for found in imports(path, text)} - ({own} if path.parent != INTEGRATION else set())
    # No part knows another, and nothing knows a part.
    return sorted(room for room in rooms if room.startswith("parts.") or FLOOR[room] >= FLOOR[own])


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_import_goes_upward(path: Path) -> None:
    assert not upward(path, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("watch/issues.py", "from ..coordinator import P1Coordinator"),
        ("watch/issues.py", "from .. import coordinator"),
        ("watch/issues.py", "from ..meters.known import KnownMeters"),
        ("port/state.py", "if TYPE_CHECKING:\n    from ..coordinator import P1Coordinator"),
        ("port/state.py", "def late() -> None:\n    from ..watch import issues"),
        ("coordinator.py", "from .sensor import P1Sensor"),
        ("sensor.py", "from .diagnostics import REPLAY"),
        ("flow/report.py", "from ..sensor import P1Sensor"),
        ("parts/relay/server.py", "from ..headroom import PART"),
        ("flow/options_flow.py", "from ..parts.relay import PART"),
    ],
)
def test_an_arrow_up_is_seen(name: str, text: str) -> None:
    assert upward(INTEGRATION / name, text)


def test_no_room_has_a_circle() -> None:
    graph = {name_of(path): set(imports(path, path.read_text(encoding="utf-8"))) for path in MODULES}
    TopologicalSorter(graph).prepare()


def test_every_room_has_its_floor() -> None:
    assert {room_of(name_of(path)) for path in MODULES} | {"p1"} == FLOOR.keys()


@pytest.mark.parametrize(
    "path", [path for path in MODULES if FLOOR[room_of(name_of(path))] < FLOOR["coordinator"]], ids=name_of
)
def test_nothing_below_the_coordinator_holds_it(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or ""
        assert "coordinator" not in str(name)
        assert name != "runtime_data"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_and_is_short(path: Path) -> None:
    text, name = path.read_text(encoding="utf-8"), name_of(path)
    assert ast.get_docstring(ast.parse(text))
    if name not in TABLES:
        assert len(text.splitlines()) <= LONGEST_OF.get(name, LONGEST)


def test_every_folder_is_seen_at_one_look() -> None:
    assert len(list(INTEGRATION.glob("*.py"))) <= MOST_AT_THE_TOP
    for folder in {path.parent for path in MODULES} - {INTEGRATION}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder.name
