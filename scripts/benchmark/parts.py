"""What each part of the integration costs with every telegram; an owner switches a part on beside the meters."""

from collections.abc import Iterator, Sequence
import json
import os
import subprocess

from .homes import home_python
from .measures import Measure
from .trees import ROOT, Tree


def measure_parts(trees: Sequence[Tree], *, rounds: int) -> Iterator[Measure]:
    """Yield the processor time for a telegram of each part that is switched on; a part that is off is not there."""
    found = {tree.side: _costs(tree, rounds) for tree in trees if (tree.integration / "parts").is_dir()}
    for key in dict.fromkeys(key for costs in found.values() for key in costs):
        samples = {side: costs[key] for side, costs in found.items() if key in costs}
        yield Measure(f"parts.{key}", f"part: {key}", "µs a telegram", samples)


def _costs(tree: Tree, rounds: int) -> dict[str, list[float]]:
    path = os.pathsep.join(map(str, (ROOT / "scripts", tree.integration.parents[1])))
    command = [str(home_python()), "-m", "trials.costs", str(rounds)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    costs: dict[str, list[float]] = json.loads(ended.stdout)
    return costs
