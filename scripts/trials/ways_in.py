"""Other ways in, in a real Home Assistant: beside HomeWizard's own integration, and with what other programs have kept.

A simulated HomeWizard P1 Meter is read by both integrations at once. Then `scripts/import-history` continues a register
backwards, and in the end ours takes the entity id, and with it the statistics, of one of HomeWizard's sensors.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
import json
import os
from pathlib import Path
import sys
from typing import Any, Final

from demonstration.client import ENTRIES, FLOWS, Client, new_home
from demonstration.config_flow import add_entry, entry_of
from demonstration.errors import DemonstrationError
from demonstration.houses import House
from demonstration.patience import until
from simulator import HomeWizardPort, Household, TelegramBuilder, find_model, serving

from .belongings import UNKNOWN, states
from .comparing import TOLERANCE, broken_sums, gaps
from .counting import Row, rows_of, rows_until_now

OLD: Final = "homewizard"
SAME: Final = {
    "sensor.p1_meter_energy_import_tariff_1": "sensor.electricity_meter_tariff_1_import_low",
    "sensor.p1_meter_energy_import_tariff_2": "sensor.electricity_meter_tariff_2_import_normal",
}
"""Sensors of HomeWizard's integration, and ours of the same registers."""
TOGETHER: Final = 60.0
"""Seconds in which both must have values all the time."""
APART: Final = 0.02
"""kWh by which the two may differ: one asks every second, the other every five."""
VALUES_LIMIT: Final = 90.0
HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
TOKEN: Final = "HOME_ASSISTANT_TOKEN"  # noqa: S105 - the name of a variable


class WaysIn:
    """One run of the trial."""

    def __init__(self, python: Path | None) -> None:
        self._python = python
        self._failures: list[str] = []
        self._start = datetime.now(UTC)

    async def run(self) -> int:
        """Set both up, import, rename, tell; return 1 where something is wrong."""
        async with AsyncExitStack() as stack:
            device = stack.enter_context(serving(stack.enter_context(HomeWizardPort())))
            sending = asyncio.create_task(_send(device))
            stack.callback(sending.cancel)
            home, client = await stack.enter_async_context(new_home(python=self._python))
            async with client.running():
                async with client.websocket() as websocket:
                    print(f"Home Assistant {(await websocket.command('get_config'))['version']}", flush=True)
                old_id = await _add_old(client, device)
                await add_entry(client, House(device.path))
                await self._be_together(client)
                await self._import(client, home.folder)
                await self._rename(client, old_id)
            self._failures += [f"in the log: {entry}" for entry in home.complaints()]
        for failure in self._failures:
            print(f"WRONG: {failure}")
        print("Something is wrong" if self._failures else "Nothing is wrong")
        return 1 if self._failures else 0

    async def _be_together(self, client: Client) -> None:
        """See that both have values all the time, and the same."""
        used = [*SAME, *SAME.values()]
        lacking: list[str] = []

        async def all_show() -> bool:
            shown = await states(websocket)
            lacking[:] = [one for one in used if one not in shown or shown[one]["state"] in UNKNOWN]
            return not lacking

        async with client.websocket() as websocket:
            if not await until(all_show, VALUES_LIMIT):
                raise DemonstrationError(f"{', '.join(lacking)} have no values")
        start = datetime.now(UTC)
        await asyncio.sleep(TOGETHER)
        async with client.websocket() as websocket:
            shown = await states(websocket)
        lost = await gaps(client, used, start, datetime.now(UTC))
        self._failures += [f"{one} had no value for {seconds:.1f} s" for one, seconds in lost.items() if seconds]
        for old, ours in SAME.items():
            if abs(float(shown[old]["state"]) - float(shown[ours]["state"])) > APART:
                self._failures.append(f"{old} is {shown[old]['state']}, {ours} {shown[ours]['state']}")
        print(f"both integrations had values for {TOGETHER:.0f} s, and the same ones", flush=True)

    async def _import(self, client: Client, folder: Path) -> None:
        """Continue a register backwards by a file of openHAB, and that by an older one of DSMR-reader."""
        one = next(iter(SAME.values()))
        first = self._start.replace(minute=0, second=0, microsecond=0) - 3 * HOUR
        async with client.websocket() as websocket:
            register = float((await states(websocket))[one]["state"])
            # As if it had been read for three hours: a first hour of its own would have to be waited for.
            rows = [{"start": (first + n * HOUR).isoformat(), "state": register, "sum": 0.0} for n in range(3)]
            about: dict[str, Any] = {"statistic_id": one, "source": "recorder", "name": None, "has_sum": True}
            about |= {"unit_of_measurement": "kWh", "unit_class": "energy", "mean_type": 0}
            await websocket.command("recorder/import_statistics", metadata=about, stats=rows)
        await rows_until_now(client, [one], self._start - WEEK)
        openhab, reader = folder / "openhab.json", folder / "days.csv"
        readings = [(first - 4 * HOUR + n * HOUR / 2, register - 8 + n) for n in range(8)]
        points = [{"time": int(at.timestamp() * 1000), "state": f"{reading:.3f}"} for at, reading in readings]
        openhab.write_text(json.dumps({"name": "Energy", "datapoints": str(len(points)), "data": points}))
        # As DSMR-reader writes its days in Dutch.
        day = f"{first - timedelta(days=2):%d-%m-%Y}"
        reader.write_text(f"Dag,Stroom 1,Stroom 2,Stroom 1 Retour,Stroom 2 Retour,Gas\n{day},2.5,1,0,0,0.5\n")
        before = await self._hours(client, one)
        await _import_history(client, openhab, one, "--dry-run")
        if await self._hours(client, one) != before:
            self._failures.append("a dry run has written something")
        await _import_history(client, openhab, one)
        await _import_history(client, reader, one, "--column", "electricity1")
        wanted = [2.5, 1.0, 2.0, 2.0, 2.0]
        for again in (False, True):
            if again:
                await _import_history(client, openhab, one)
            found = [row["change"] for row in await self._hours(client, one)][: len(wanted)]
            if any(abs(is_ - was) > TOLERANCE for is_, was in zip(found, wanted, strict=True)):
                self._failures.append(f"the hours of what was imported show {found} instead of {wanted}")
        await self._check_sums(client, one)
        print("import-history: a dry run, openHAB, DSMR-reader, and again; the sums go on", flush=True)

    async def _rename(self, client: Client, old_id: str) -> None:
        """Let ours continue a sensor of HomeWizard's integration, whose entry is deleted."""
        old, ours = list(SAME.items())[1]
        await client.request("DELETE", f"{ENTRIES}/{old_id}")
        async with client.websocket() as websocket:
            await websocket.command("config/entity_registry/update", entity_id=ours, new_entity_id=old)
        await self._check_sums(client, old)
        print("ours continues the statistics of an old sensor", flush=True)

    async def _check_sums(self, client: Client, one: str) -> None:
        rows = await rows_until_now(client, [one], self._start - WEEK)
        async with client.websocket() as websocket:
            invalid = await websocket.command("recorder/validate_statistics")
        self._failures += broken_sums(one, rows[one])
        self._failures += [str(invalid[one])] if one in invalid else []

    async def _hours(self, client: Client, one: str) -> list[Row]:
        return (await rows_of(client, [one], self._start - WEEK, "hour")).get(one, [])


async def _send(device: HomeWizardPort) -> None:
    """Have the device read a meter that sends every second."""
    model = find_model("dsmr5")
    now = datetime.now(UTC).replace(microsecond=0)
    household = Household(seed=1, start=now - timedelta(days=1), region=model.region, phases=model.phases)
    builder = TelegramBuilder.create(model, household, "gas,water")
    while True:
        household.advance_to(datetime.now(UTC).replace(microsecond=0))
        device.write(builder.telegram())
        await asyncio.sleep(model.period)


async def _add_old(client: Client, device: HomeWizardPort) -> str:
    """Set HomeWizard's integration up, and return the id of its entry."""
    host, number = device.address
    step = await client.request("POST", FLOWS, {"handler": OLD})
    step = await client.request("POST", f"{FLOWS}/{step['flow_id']}", {"ip_address": f"{host}:{number}"})
    return entry_of(step, OLD)


async def _import_history(client: Client, file: Path, one: str, *options: str) -> None:
    """Run the command as an owner does."""
    command = [sys.executable, "-m", "historian", str(file), "--statistic", one, "--url", client.url, *options]
    child = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, TOKEN: client.token}, stdout=sys.stdout, stderr=sys.stdout
    )
    if await child.wait():
        raise DemonstrationError(f"import-history fails with {file.name}")
