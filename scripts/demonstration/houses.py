"""Houses with a meter: what is on the P1 port, and what is known of the past."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
import sys
from typing import Any, Final

from simulator import MODELS, Household, SlotState, TelegramBuilder
from simulator.cli import SOLAR_PEAK

from .children import start_child, stop_child
from .errors import DemonstrationError
from .home import DOMAIN, ROOT, choose_http_port
from .options import Options
from .patience import until
from .show_room import Exhibit

ANNOUNCED: Final = re.compile(r"^(port|decryption key|additional key): (\S+)", re.MULTILINE)
START_LIMIT: Final = 30.0
PARTS: Final = ROOT / "custom_components" / DOMAIN / "parts"
POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class House:
    """A port, the keys it needs, and the simulated household behind it, if there is one."""

    port: str
    decryption_key: str | None = None
    additional_key: str | None = None
    exhibit: Exhibit | None = None
    seed: int = 1
    since: datetime | None = None

    relay_port: int = 0

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """Return the parts that are switched on, and what their forms are answered; none that was deleted."""
        wanted = self.exhibit.parts if self.exhibit else {}
        found = {key: dict(settings) for key, settings in wanted.items() if (PARTS / key).is_dir()}
        if "relay" in found:
            found["relay"]["relay_port"] = self.relay_port
        return found

    @property
    def has_reference_power(self) -> bool:
        """Whether its coach compares with a reference power, of which its meter knows nothing."""
        return "coach_reference" in self.parts.get("coach", {})

    @property
    def meters(self) -> int:
        """Return how many meters must be found at least."""
        if self.exhibit is None or self.since is None:
            return 1
        builder = self.builder()
        main = int(any("1-0:1.8" in line for line in builder.model.lines))
        return main + sum(slot.state is SlotState.REGISTERED for slot in builder.slots)

    def builder(self) -> TelegramBuilder:
        """Return the household and its meter as they were when the household began: the same as at the port."""
        if self.exhibit is None or self.since is None:
            raise ValueError("nothing is known of the past of this house")
        model = MODELS[self.exhibit.model]
        household = Household(
            seed=self.seed, start=self.since, region=model.region, phases=model.phases, solar_peak=SOLAR_PEAK
        )
        return TelegramBuilder.create(model, household, self.exhibit.mbus)


@asynccontextmanager
async def open_houses(options: Options, folder: Path) -> AsyncIterator[list[House]]:
    """Start the meters and stop them in the end; their ports are links in the folder."""
    if options.port is not None:
        yield [House(options.port, options.decryption_key, options.additional_key)]
        return
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since = now - timedelta(days=options.days)
    keys = {"--decryption-key": options.decryption_key, "--additional-key": options.additional_key}
    key_arguments = [part for name, key in keys.items() if key for part in (name, key)]
    children: list[asyncio.subprocess.Process] = []
    houses: list[House] = []

    async def start(
        name: str, arguments: list[str], last: str = "port", *, has_homewizard: bool = False
    ) -> dict[str, str]:
        log = folder / f"{name}.log"
        where = ["--homewizard", "0"] if has_homewizard else ["--link", str(folder / name)]
        with log.open("wb") as output:
            child = await start_child([sys.executable, "-m", "simulator", *where, *arguments], output=output)
        children.append(child)
        return await _announced(child, log, last)

    try:
        if options.telegrams:
            await start("meter", [part for path in options.telegrams for part in ("--telegram", str(path))])
            houses.append(House(str(folder / "meter"), options.decryption_key, options.additional_key))
        else:
            for seed, exhibit in enumerate(options.exhibits, start=1):
                arguments = ["--model", exhibit.model, "--seed", str(seed), "--since", since.isoformat(), "--solar"]
                if exhibit.mbus:
                    arguments += ["--mbus", exhibit.mbus]
                is_encrypted = MODELS[exhibit.model].authentication_key is not None
                if is_encrypted:
                    arguments += key_arguments
                name = "meter" if len(options.exhibits) < 2 else f"meter{seed}"
                last = "additional key" if is_encrypted else "port"
                said = await start(name, arguments, last, has_homewizard=exhibit.has_homewizard)
                keys_of_meter = said.get("decryption key"), said.get("additional key")
                houses.append(House(said["port"], *keys_of_meter, exhibit, seed, since, choose_http_port(None)))
        yield houses
    finally:
        for child in children:
            await stop_child(child)


async def _announced(child: asyncio.subprocess.Process, log: Path, last: str) -> dict[str, str]:
    """Wait until the simulator has opened its port and said everything about itself, and return that."""

    async def is_open() -> bool:
        if child.returncode is not None:
            raise DemonstrationError(f"the simulated meter does not start: {_said(log)}")
        return last in dict(ANNOUNCED.findall(_said(log)))

    async with asyncio.timeout(START_LIMIT):
        await until(is_open, POLL)
    return dict(ANNOUNCED.findall(_said(log)))


def _said(log: Path) -> str:
    return log.read_text().strip()
