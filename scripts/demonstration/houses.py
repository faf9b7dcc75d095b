"""Houses with a meter: what is on the P1 port, and what is known of the past."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
    async with AsyncExitStack() as stack:
        if options.telegrams:
            captures = [part for path in options.telegrams for part in ("--telegram", str(path))]
            meter = simulated_meter(folder / "meter.log", "--link", str(folder / "meter"), *captures)
            said = await stack.enter_async_context(meter)
            yield [House(said["port"], options.decryption_key, options.additional_key)]
            return
        houses: list[House] = []
        for seed, exhibit in enumerate(options.exhibits, start=1):
            name = "meter" if len(options.exhibits) < 2 else f"meter{seed}"
            where = ["--homewizard", "0"] if exhibit.has_homewizard else ["--link", str(folder / name)]
            arguments = ["--seed", str(seed), "--since", since.isoformat(), "--solar"]
            if MODELS[exhibit.model].authentication_key is not None:
                arguments += key_arguments
            meter = simulated_meter(folder / f"{name}.log", *where, *arguments, model=exhibit.model, mbus=exhibit.mbus)
            said = await stack.enter_async_context(meter)
            keys_of_meter = said.get("decryption key"), said.get("additional key")
            houses.append(House(said["port"], *keys_of_meter, exhibit, seed, since, choose_http_port(None)))
        yield houses


@asynccontextmanager
async def simulated_meter(
    log: Path, *arguments: str, model: str = "", mbus: str | None = None
) -> AsyncIterator[dict[str, str]]:
    """Start a simulated meter, and stop it in the end; yield what it says about its port and its keys."""
    command = [sys.executable, "-m", "simulator", *arguments]
    command += [part for name, text in (("--model", model), ("--mbus", mbus)) if text for part in (name, text)]
    # What it says last.
    last = "additional key" if model and MODELS[model].authentication_key is not None else "port"

    def said() -> str:
        return log.read_text().strip()

    async def is_open() -> bool:
        if child.returncode is not None:
            raise DemonstrationError(f"the simulated meter does not start: {said()}")
        return last in dict(ANNOUNCED.findall(said()))

    with log.open("wb") as output:
        child = await start_child(command, output=output)
    try:
        if not await until(is_open, START_LIMIT, 0.05):
            raise DemonstrationError("the simulated meter does not open its port")
        yield dict(ANNOUNCED.findall(said()))
    finally:
        await stop_child(child)
