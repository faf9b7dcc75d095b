"""Books the readings of slow meters as statistics of their own, through the recorder's import.

The statistics themselves are the memory: their last row says up to where the register is booked, so that a restart, or
a crash at any time, neither loses nor repeats an hour. Only readings that may be shown are booked. Of another meter, or
a register that was corrected, hours are counted on from its first reading.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Final

from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_add_external_statistics, get_last_statistics
from homeassistant.core import callback
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.unit_conversion import EnergyConverter, VolumeConverter

from ...const import DOMAIN, LOGGER
from ...coordinator import P1Coordinator
from ...p1 import Meter, Reading, Role
from ...port.captures import Capture
from ...port.devices import device_name
from ...storage.store import KnownMeter
from .dialog import RECORDER
from .hours import Row, first_row, rows_after
from .places import Place, Places
from .registers import Booking, SlowRegister
from .settings import Settings, settings_of

_CONVERTERS: Final = (VolumeConverter, EnergyConverter)


class Booker:
    """Books the slow meters of one port."""

    def __init__(self, coordinator: P1Coordinator, settings: Settings, places: Places) -> None:
        self._coordinator = coordinator
        self._port = coordinator.port
        self._hass = coordinator.hass
        self._settings = settings
        self._places = places
        self._known: Mapping[str, KnownMeter] = {}
        self._registers: dict[str, SlowRegister] = {}
        self._devices: dict[str, str] = {}
        self._queue: deque[Booking] = deque()
        self._is_busy = False
        # The last rows that the recorder was given: it may not have written them yet.
        self._handed_over: dict[str, Row] = {}

    @callback
    def follow(self, capture: Capture) -> None:
        """Book the readings of a telegram that are new."""
        reading = self._port.reading
        if reading is None or not isinstance(capture.event, Reading):
            return
        if self._known is not self._port.meters:
            self._follow_moves()
        is_held = reading is not self._port.sent
        for meter in reading.meters:
            register = self._registers.get(meter.profile.slot)
            if register is None:
                continue
            if is_held:
                self._follow_held(meter, register)
            if register.meter is meter:
                continue
            booking = register.follow(meter)
            if booking is not None:
                self._queue.append(booking)
        if self._queue and not self._is_busy:
            self._is_busy = True
            self._port.entry.async_create_task(self._hass, self._async_work(), f"{DOMAIN} true hours")

    def _follow_moves(self) -> None:
        """Keep the register of each meter wherever the meter moves to."""
        self._known = self._port.meters
        before = {self._devices[slot]: register for slot, register in self._registers.items()}
        slots = [slot for slot, meter in self._known.items() if meter.role is Role.MBUS]
        self._devices = {slot: self._places.device(slot) for slot in slots}
        self._registers = {
            slot: before.get(device) or SlowRegister(self._port, slot) for slot, device in self._devices.items()
        }
        for slot, register in self._registers.items():
            register.slot = slot

    def _follow_held(self, meter: Meter, register: SlowRegister) -> None:
        slot, sent = meter.profile.slot, self._port.sent
        if sent is not None and register.channel_id in self._coordinator.keeper.guard.holding.get(slot, ()):
            register.note_held(next(other for other in sent.meters if other.profile.slot == slot))

    async def _async_work(self) -> None:
        try:
            while self._queue:
                await self._async_book(self._queue.popleft())
        finally:
            self._is_busy = False

    async def _async_book(self, booking: Booking) -> None:
        place = self._places.find(booking.slot)
        statistic_id = f"{DOMAIN}:{self._port.entry.entry_id.lower()}_{place.name}_{booking.kind}"
        last = await self._async_last(statistic_id)
        rows = self._rows(booking, place, last)
        if not rows:
            return
        await self._places.async_keep(booking.slot, Place(place.name, self._settings.since))
        texts = await async_get_translations(self._hass, self._hass.config.language, "selector", {DOMAIN})
        meter = device_name(self._hass, self._port.entry.entry_id, booking.slot)

        def name(key: str) -> str:
            return texts.get(f"component.{DOMAIN}.selector.true_hour.options.{key}", "{meter}").format(meter=meter)

        price = self._settings.prices.get(booking.kind)
        if price is not None:
            # First: what is known to be booked is booked with its cost, whenever a crash comes.
            cost_id = f"{statistic_id}_cost"
            costs = _costs(rows, 0.0 if last is None else last.sum, price, await self._async_last(cost_id))
            self._hand_over(cost_id, name("cost"), self._hass.config.currency, costs)
        self._hand_over(statistic_id, name("use"), booking.unit, rows)
        LOGGER.debug("P1 port %s: %d hours of %s are booked", self._port.name, len(rows), booking.slot)

    def _rows(self, booking: Booking, place: Place, last: Row | None) -> list[Row]:
        newest, since = booking.points[-1], self._settings.since
        # What was used while it was off is left out.
        if last is None or (last.end < since if place.since is None else place.since != since):
            if not booking.is_slow:
                return []
            first = first_row(booking.points[0], last)
            return [first, *rows_after(first, booking.points)]
        if booking.is_anew or (newest.time > last.end and newest.value < last.state):
            return [first_row(newest, last)]
        return rows_after(last, booking.points)

    async def _async_last(self, statistic_id: str) -> Row | None:
        """Return the last row of a statistic."""
        read = partial(get_last_statistics, self._hass, 1, statistic_id, convert_units=False, types={"state", "sum"})
        found = await get_instance(self._hass).async_add_executor_job(read)
        given = self._handed_over.get(statistic_id)
        if not found:
            return given
        [row] = found[statistic_id]
        start, state = datetime.fromtimestamp(row["start"], UTC), row.get("state")
        if given is not None and given.start > start:
            return given
        if given is not None and given.start == start:
            state = given.state
        # Without its register nothing can be counted on from a row that somebody else has written.
        return Row(start, inf if state is None else state, row.get("sum") or 0.0)

    def _hand_over(self, statistic_id: str, name: str, unit: str | None, rows: list[Row]) -> None:
        """Hand rows to the recorder, which replaces those that it has of the same hours."""
        if not rows:
            return
        unit_class = next((known.UNIT_CLASS for known in _CONVERTERS if unit in known.VALID_UNITS), None)
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=name,
            source=DOMAIN,
            statistic_id=statistic_id,
            unit_class=unit_class,
            unit_of_measurement=unit,
        )
        data = [StatisticData(start=row.start, state=row.state, sum=row.sum) for row in rows]
        async_add_external_statistics(self._hass, metadata, data)
        self._handed_over[statistic_id] = rows[-1]


def _costs(rows: list[Row], before: float, price: float, last: Row | None) -> list[Row]:
    """Return the hours of a cost, which count on from its last row."""
    total = 0.0 if last is None else last.sum
    costs: list[Row] = []
    for row in rows:
        if last is None or row.start > last.start:
            total = round(total + (row.sum - before) * price, 6)
            costs.append(Row(row.start, total, total))
        before = row.sum
    return costs


async def async_start_true_hour(coordinator: P1Coordinator) -> None:
    """Book the slow meters of a port, where that is wanted; it ends with the entry."""
    settings = settings_of(coordinator.config_entry.options)
    if settings is not None and RECORDER in coordinator.hass.config.components:
        places = Places(coordinator.port)
        await places.async_load()
        booker = Booker(coordinator, settings, places)
        coordinator.config_entry.async_on_unload(coordinator.port.subscribe(booker.follow))
