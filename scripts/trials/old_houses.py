"""Houses whose meter is read by Home Assistant's own `dsmr`: their meters on the network, and the flows of an owner."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from demonstration.client import FLOWS, Client
from demonstration.config_flow import entry_of, listen
from demonstration.errors import DemonstrationError
from demonstration.home import DOMAIN
from demonstration.houses import simulated_meter
from simulator import MODELS

CORE: Final = "dsmr"


@dataclass(frozen=True, slots=True)
class OldHouse:
    """A meter model, what hangs on its M-Bus, and the version that is chosen for it in `dsmr`."""

    model: str
    version: str
    mbus: str | None = None

    @property
    def period(self) -> float:
        """Return the seconds between two telegrams."""
        return MODELS[self.model].period


HOUSES: Final = {
    "dsmr5": OldHouse("dsmr5", "5", "gas,water"),
    "belgium": OldHouse("emucs", "5B", "gas,water"),
    "dsmr2": OldHouse("dsmr30", "2.2", "gas"),
    "luxembourg": OldHouse("smarty_lu", "MSn"),
    "austria": OldHouse("austria", "SAGEMCOM_T210_D_R"),
    "sweden": OldHouse("sweden", "5S"),
}
"""As in the tests of the take-over; DSMR 3 meters are read by version 2.2."""


@dataclass(frozen=True, slots=True)
class NetworkPort:
    """Where the meter of a house is read, and its key."""

    url: str
    key: str | None


@asynccontextmanager
async def open_ports(names: Iterable[str], folder: Path) -> AsyncIterator[dict[str, NetworkPort]]:
    """Start the meters of houses, each on a TCP port, and stop them in the end."""
    ports: dict[str, NetworkPort] = {}
    since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    async with AsyncExitStack() as stack:
        for seed, name in enumerate(names, start=1):
            house = HOUSES[name]
            arguments = ["--tcp", "0", "--solar", "--seed", str(seed), "--since", since.isoformat()]
            meter = simulated_meter(folder / f"{name}.log", *arguments, model=house.model, mbus=house.mbus)
            said = await stack.enter_async_context(meter)
            ports[name] = NetworkPort(said["port"], said.get("decryption key"))
        yield ports


async def add_core_entry(client: Client, house: OldHouse, port: NetworkPort) -> str:
    """Set `dsmr` up for a house, and return the id of its entry."""
    step = await client.request("POST", FLOWS, {"handler": CORE})
    path = f"{FLOWS}/{step['flow_id']}"
    step = await client.request("POST", path, {"port": port.url, "dsmr_version": house.version})
    if step.get("step_id") == "encryption_key":
        step = await client.request("POST", path, {"encryption_key": port.key})
    return entry_of(step, f"{CORE} for {house.model}")


async def take_over(client: Client, core_id: str) -> str:
    """Take an entry of `dsmr` over through the dialog, as it comes, and return the id of ours."""
    step = await client.request("POST", FLOWS, {"handler": DOMAIN})
    path = f"{FLOWS}/{step['flow_id']}"
    if step["type"] != "menu":
        raise DemonstrationError(f"the take-over is not offered: {step}")
    step = await listen(client, path, await client.request("POST", path, {"next_step_id": "take_over"}))
    if step.get("step_id") == "core_entry":
        step = await listen(client, path, await client.request("POST", path, {"entry": core_id}))
    if step.get("step_id") != "confirm":
        raise DemonstrationError(f"the take-over stops at {step}")
    return entry_of(await client.request("POST", path, {"take_over": True}), DOMAIN)
