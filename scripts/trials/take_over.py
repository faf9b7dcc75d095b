"""A real Home Assistant whose `dsmr` is taken over, started anew, given back and taken over again, for several houses.

It goes the way of an owner, over HTTP and websocket: names, labels and hidden entities, an energy dashboard with costs,
automations and helpers are there before, and must be the same afterwards.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
import tempfile
import time
from typing import Final

from demonstration.client import ENTRIES, Client, Websocket, new_home
from demonstration.errors import DemonstrationError
from demonstration.home import CONFIGURATION, DOMAIN
from demonstration.patience import until

from .belongings import UNKNOWN, Belongings, settle, states, used_entities
from .comparing import (
    Costs,
    Snapshot,
    broken_costs,
    broken_meters,
    broken_sums,
    changes_after_return,
    changes_while_taken_over,
    costs_of,
    gaps,
    take_snapshot,
)
from .counting import FIVE_MINUTES, rows_of, rows_until_now
from .old_houses import CORE, HOUSES, NetworkPort, OldHouse, add_core_entry, open_ports, take_over

VALUES_LIMIT: Final = 90.0
"""Seconds in which all must have values again: `dsmr` shows the first 30 s after it was set up, at meters of ten."""
GAP_LIMIT: Final = 10.0
PERIODS: Final = 3
SLACK: Final = 2.0
EXPECTED: Final = ("statistics_left", "tag_")
"""Repairs that are right: statistics of our own entities, and the additional key, which `dsmr` does not have."""
BACK_LIMIT: Final = 45.0
FIRED_LIMIT: Final = 75.0
"""`dsmr` shows a value every 30 s."""
AUTOMATIONS: Final = "automation: !include automations.yaml\n"


@dataclass(slots=True)
class Case:
    """A house in this run."""

    house: OldHouse
    core_id: str
    owned: Belongings
    shown: list[str] = field(default_factory=list)
    own_id: str = ""
    left: int = 0
    gaps: dict[str, float] = field(default_factory=dict)
    costs: Costs = field(default_factory=dict)
    rows: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def gap_limit(self) -> float:
        """Return the seconds without values that nobody minds."""
        return max(GAP_LIMIT, PERIODS * self.house.period + SLACK)


class TakeOvers:
    """One run of the trial."""

    def __init__(self, names: Sequence[str], python: Path | None, *, is_quick: bool) -> None:
        self._names = names
        self._python = python
        self._is_quick = is_quick
        self._cases: dict[str, Case] = {}
        self._failures: list[str] = []
        self._start = datetime.now(UTC)
        self._stage = self._start
        """Since when an automation on a device must have been triggered: it is as its entity comes back."""
        self._began = time.monotonic()

    async def run(self) -> int:
        """Go there and back, compare, tell; return 1 where something is different."""
        async with AsyncExitStack() as stack:
            made = new_home(configuration=CONFIGURATION + AUTOMATIONS, python=self._python)
            home, client = await stack.enter_async_context(made)
            (home.folder / "automations.yaml").write_text("[]\n")
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p1-")))
            ports = await stack.enter_async_context(open_ports(self._names, logs))
            async with client.running():
                async with client.websocket() as websocket:
                    version = (await websocket.command("get_config"))["version"]
                self._say(f"Home Assistant {version}")
                await self._build(client, ports)
            async with client.running():
                before = await self._live(client)
                await self._come_over(client, before, "taken over")
                await self._wait_for_rows(client)
            async with client.running():
                await self._wait_for_all(client, "started anew")
                # What is used while Home Assistant is started anew is in no cost sensor, whoever reads the meter.
                await self._note_costs(client)
                await self._reload(client)
                await self._check_taken_over(client, before, "started anew")
                await self._go_back(client, before)
                await self._wait_for_rows(client)
                await self._come_over(client, before, "taken over again")
                await self._wait_for_rows(client, is_last=True)
                await self._check_sums(client)
                await self._check_repairs(client)
            self._failures += [f"in the log: {entry}" for entry in home.complaints()]
        return self._tell()

    async def _build(self, client: Client, ports: dict[str, NetworkPort]) -> None:
        """Set `dsmr` up in each house, and build on it."""
        ids = await asyncio.gather(*(add_core_entry(client, HOUSES[name], port) for name, port in ports.items()))
        self._say("dsmr reads: waiting for its values")
        async with client.websocket() as websocket:
            await self._wait_for_first_values(websocket, ids)
        sources = []
        for name, core_id in zip(ports, ids, strict=True):
            owned = await settle(client, name, core_id)
            self._cases[name] = Case(HOUSES[name], core_id, owned)
            sources += owned.sources
        async with client.websocket() as websocket:
            await websocket.command("energy/save_prefs", energy_sources=sources, device_consumption=[])
            await asyncio.sleep(PERIODS * max(case.house.period for case in self._cases.values()))
            shown = await states(websocket)
        for case in self._cases.values():
            case.shown = [one for one in case.owned.used.values() if shown[one]["state"] not in UNKNOWN]

    async def _live(self, client: Client) -> Snapshot:
        """Let the recorder write, now that all has been set up anew once, and return how it is."""
        await self._wait_for_all(client, "at first")
        await self._wait_for_rows(client, is_last=True)
        await self._note_costs(client)
        return await take_snapshot(client)

    async def _note_costs(self, client: Client) -> None:
        now = await take_snapshot(client)
        for name, case in self._cases.items():
            case.costs = costs_of(now, case.owned)
            missing = case.owned.priced.keys() - case.costs.keys()
            self._expect(name, "costs", [f"there are no costs of {register}" for register in sorted(missing)])

    async def _wait_for_all(self, client: Client, stage: str) -> None:
        for case in self._cases.values():
            await self._wait_for_values(client, case, stage)

    async def _wait_for_first_values(self, websocket: Websocket, ids: Sequence[str]) -> None:
        async def all_show() -> bool:
            shown = await states(websocket)
            rows = [row for core_id in ids for row in (await used_entities(websocket, core_id)).values()]
            found = {row["config_entry_id"] for row in rows}
            return found == set(ids) and all(
                row["entity_id"] in shown and shown[row["entity_id"]]["state"] != "unavailable" for row in rows
            )

        if not await until(all_show, VALUES_LIMIT):
            raise DemonstrationError("dsmr has no values")

    async def _come_over(self, client: Client, before: Snapshot, stage: str) -> None:
        self._stage = datetime.now(UTC)
        for case in self._cases.values():
            start = datetime.now(UTC)
            case.own_id = await take_over(client, case.core_id)
            await self._wait_for_values(client, case, stage)
            case.gaps[stage] = await self._longest_gap(client, case, start)
        self._say(stage)
        await self._check_taken_over(client, before, stage)
        for name, case in self._cases.items():
            if case.gaps[stage] > case.gap_limit:
                self._expect(name, stage, [f"without values for {case.gaps[stage]:.1f} s"])

    async def _check_taken_over(self, client: Client, before: Snapshot, stage: str) -> None:
        await self._wait_for_all(client, stage)
        now = await take_snapshot(client)
        used = {one: own for case in self._cases.values() for one, own in case.owned.used.items()}
        self._failures += [f"{stage}: {change}" for change in changes_while_taken_over(before, now, used)]
        await self._check_uses(client, before, now, stage)

    async def _reload(self, client: Client) -> None:
        """Set ours up again: on a slow machine it has values before utility meters and automations notice any."""
        self._stage = datetime.now(UTC)
        for case in self._cases.values():
            await client.request("POST", f"{ENTRIES}/{case.own_id}/reload")

    async def _go_back(self, client: Client, before: Snapshot) -> None:
        stage = "given back"
        self._stage = start = datetime.now(UTC)
        for case in self._cases.values():
            await client.request("DELETE", f"{ENTRIES}/{case.own_id}")
        for case in self._cases.values():
            await self._wait_for_values(client, case, stage)
            case.gaps[stage] = await self._longest_gap(client, case, start)
        self._say(stage)
        for name, case in self._cases.items():
            if case.gaps[stage] > BACK_LIMIT:
                self._expect(name, stage, [f"without values for {case.gaps[stage]:.1f} s"])
        now = await take_snapshot(client)
        self._failures += [f"{stage}: {change}" for change in changes_after_return(before, now)]
        await self._check_uses(client, before, now, stage)

    async def _check_uses(self, client: Client, before: Snapshot, now: Snapshot, stage: str) -> None:
        """See that costs, helpers, automations and the words of the tariff go on."""
        silent = await asyncio.gather(*(self._silent_automations(client, case) for case in self._cases.values()))
        for name, found in zip(self._cases, silent, strict=True):
            self._expect(name, stage, found)
        for name, case in self._cases.items():
            costs = costs_of(now, case.owned)
            self._expect(name, stage, broken_costs(case.costs, costs))
            self._expect(name, stage, broken_meters(before, now, case.owned, is_late=stage == "given back"))
            tariff = case.owned.tariff
            if tariff is not None and now.states[tariff]["state"] != before.states[tariff]["state"]:
                self._expect(name, stage, [f"{tariff} is {now.states[tariff]['state']}"])

    async def _silent_automations(self, client: Client, case: Case) -> list[str]:
        """Return the automations that are not triggered any more."""
        now = datetime.now(UTC)
        silent: list[str] = []

        async def all_fire() -> bool:
            shown = await states(websocket)
            silent[:] = [
                f"{one} is {state}, last triggered {last}"
                for one in case.owned.fire
                if (state := shown[one]["state"]) != "on"
                or (last := shown[one]["attributes"]["last_triggered"]) is None
                or datetime.fromisoformat(last) < (self._stage if one.startswith("automation.device") else now)
            ]
            return not silent

        async with client.websocket() as websocket:
            await until(all_fire, FIRED_LIMIT)
        return silent

    async def _wait_for_values(self, client: Client, case: Case, stage: str) -> None:
        lacking: list[str] = []

        async def all_show() -> bool:
            shown = await states(websocket)
            wanted = (*case.shown, *case.owned.helpers)
            lacking[:] = [one for one in wanted if one not in shown or shown[one]["state"] in UNKNOWN]
            return not lacking

        async with client.websocket() as websocket:
            if not await until(all_show, VALUES_LIMIT):
                raise DemonstrationError(f"{stage}: {', '.join(lacking)} have no values")

    async def _longest_gap(self, client: Client, case: Case, start: datetime) -> float:
        await asyncio.sleep(2)  # the recorder commits every second
        return max((await gaps(client, case.shown, start, datetime.now(UTC))).values())

    async def _wait_for_rows(self, client: Client, *, is_last: bool = False) -> None:
        if is_last or not self._is_quick:
            await rows_until_now(client, self._registers, self._start - FIVE_MINUTES)

    @property
    def _registers(self) -> list[str]:
        return [register for case in self._cases.values() for register in case.owned.registers]

    async def _check_sums(self, client: Client) -> None:
        """See that each sum rose by what its register did, over all that was done."""
        rows = await rows_of(client, self._registers, self._start - FIVE_MINUTES)
        async with client.websocket() as websocket:
            invalid = await websocket.command("recorder/validate_statistics")
        for name, case in self._cases.items():
            for register in case.owned.registers:
                case.rows += len(rows[register])
                self._expect(name, "sums", broken_sums(register, rows[register]))
            self._expect(name, "sums", [str(invalid[one]) for one in case.owned.used.values() if one in invalid])

    async def _check_repairs(self, client: Client) -> None:
        async with client.websocket() as websocket:
            issues = (await websocket.command("repairs/list_issues"))["issues"]
        for issue in issues:
            name = issue["issue_id"]
            if issue["domain"] in (DOMAIN, CORE) and not (name.startswith(EXPECTED) or name.endswith(EXPECTED)):
                self._failures.append(f"repair {issue['issue_id']}: {issue['translation_placeholders']}")

    def _expect(self, name: str, stage: str, failures: list[str]) -> None:
        self._cases[name].failures += [f"{name}, {stage}: {failure}" for failure in failures]

    def _say(self, text: str) -> None:
        print(f"{text} ({time.monotonic() - self._began:.0f} s)", flush=True)

    def _tell(self) -> int:
        failures = [*self._failures, *(failure for case in self._cases.values() for failure in case.failures)]
        for failure in failures:
            print(f"WRONG: {failure}")
        print("| House | Entities | Costs | Rows of sums | Gap, over | again | back |\n|---|---|---|---|---|---|---|")
        for name, case in self._cases.items():
            times = " | ".join(f"{seconds:.1f} s" for seconds in _in_order(case.gaps))
            print(f"| {name} | {len(case.owned.used)} | {len(case.costs)} | {case.rows} | {times} |")
        self._say(f"{len(failures)} differences")
        return 1 if failures else 0


def _in_order(found: dict[str, float]) -> Iterator[float]:
    for stage in ("taken over", "taken over again", "given back"):
        yield found.get(stage, 0)
