"""Checkouts of this project: their protocol core as a package of its own, and the shape of their code.

Two checkouts are compared in one process: the core imports nothing by its full name, so that it can be had twice.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
import importlib
import importlib.util
from pathlib import Path
import sys
from types import ModuleType
from typing import Final

from .measures import BEFORE, OURS, Measure

ROOT: Final = Path(__file__).parents[2]
INTEGRATION: Final = Path("custom_components/dsmr_p1")


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout: the side it is on, and where the integration lies."""

    side: str
    integration: Path

    def core(self, module: str = "") -> ModuleType:
        """Return the protocol core of this checkout, or one of its modules."""
        package = _load_core(f"p1_{self.side}", self.integration / "p1")
        return importlib.import_module(f"{package.__name__}.{module}") if module else package


@cache
def _load_core(name: str, folder: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if specification is None or specification.loader is None:
        raise ImportError(f"there is no package in {folder}")
    package = importlib.util.module_from_spec(specification)
    sys.modules[name] = package
    specification.loader.exec_module(package)
    return package


def find_trees(against: Path | None) -> list[Tree]:
    """Return this checkout, and the other one where there is one. Raises FileNotFoundError if it is none."""
    trees = [Tree(OURS, ROOT / INTEGRATION)]
    if against is not None:
        trees.append(Tree(BEFORE, find_integration(against)))
    return trees


def find_integration(folder: Path) -> Path:
    """Return where the integration lies in a checkout, in its `custom_components`, or in the folder itself."""
    for place in (folder / INTEGRATION, folder / INTEGRATION.name, folder):
        if (place / "manifest.json").is_file() and (place / "p1").is_dir():
            return place.resolve()
    raise FileNotFoundError(f"there is no {INTEGRATION} in {folder}")


def measure_shape(trees: list[Tree]) -> Iterator[Measure]:
    """Yield what can be counted in the code itself."""
    shapes = {tree.side: tree.integration for tree in trees}
    circles = {side: import_circles(imports_of(folder)) for side, folder in shapes.items()}

    def count(key: str, title: str, unit: str, counts: Mapping[str, int]) -> Measure:
        return Measure(f"shape.{key}", title, unit, {side: [float(number)] for side, number in counts.items()})

    yield count("lines", "lines of the integration", "lines", {side: lines_of(path) for side, path in shapes.items()})
    yield count("circles", "import circles", "circles", {side: len(found) for side, found in circles.items()})
    yield count(
        "circle_modules",
        "modules in import circles",
        "modules",
        {side: sum(map(len, f)) for side, f in circles.items()},
    )
    yield count(
        "largest_folder",
        "modules in the largest folder",
        "files",
        {side: largest_folder(p) for side, p in shapes.items()},
    )


def lines_of(folder: Path) -> int:
    """Return the number of lines of all Python files."""
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.py"))


def largest_folder(folder: Path) -> int:
    """Return the number of Python files in the glue's largest folder; the core has an order of its own."""
    core = folder / "p1"
    folders = {path.parent for path in folder.rglob("*.py") if not path.is_relative_to(core)}
    return max(len([path for path in place.glob("*.py") if path.name != "__init__.py"]) for place in folders)


def imports_of(folder: Path) -> dict[str, set[str]]:
    """Return which modules of a package import which, as dotted names below it; types-only imports count too."""
    modules = {_name(path, folder): path for path in folder.rglob("*.py")}
    return {name: _targets(path, folder, modules.keys()) - {name} for name, path in modules.items()}


def _name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(path: Path, folder: Path, modules: Collection[str]) -> set[str]:
    package = path.parent.relative_to(folder).parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - node.level + 1]
            base = (*above, *(node.module.split(".") if node.module else ()))
            # A module is imported from its folder, or a name from a module.
            places = (".".join((*base, alias.name)) for alias in node.names)
            found |= {place if place in modules else ".".join(base) for place in places}
    return found & set(modules)


def import_circles(imports: Mapping[str, set[str]]) -> list[set[str]]:
    """Return the groups of modules that import each other, directly or by way of others."""
    reach = {name: _reachable(name, imports) for name in imports}
    circles: list[set[str]] = []
    for name in imports:
        circle = {other for other in reach[name] if name in reach[other]}
        if name in reach[name] and circle not in circles:
            circles.append(circle)
    return circles


def _reachable(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for target in imports[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
