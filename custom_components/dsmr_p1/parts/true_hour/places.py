"""Where the hours of a meter are booked: a statistic keeps the place on the port at which its meter was booked first.

Meters are known by their devices, which follow them from place to place. A meter that takes the device of another one
goes on with its statistic, and so does one at the place of a meter that is gone.
"""

from datetime import UTC, datetime
from itertools import count
from typing import Final, NamedTuple

from ...port.devices import device_in
from ...port.state import Port
from ..part import store_of
from .settings import CONF_TRUE_HOUR

_ANOTHER: Final = datetime.min.replace(tzinfo=UTC)


class Place(NamedTuple):
    """The place that is in the id of a statistic, and since when it counts on; None if that is not known.

    `since` is the one of the settings when it began, by which it is known whether it was off in between.
    """

    name: str
    since: datetime | None


class Places:
    """The places of the meters of one port."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._store = store_of(port.hass, port.entry.entry_id, CONF_TRUE_HOUR)
        self._places: dict[str, Place] = {}

    async def async_load(self) -> None:
        """Go on with the places that are stored."""
        for device, (name, since) in (await self._store.async_load() or {}).items():
            self._places[device] = Place(name, datetime.fromisoformat(since))

    def device(self, slot: str) -> str:
        """Return the id of the device in a slot, which the meter keeps."""
        device = device_in(self._port.hass, self._port.entry.entry_id, slot)
        return slot if device is None else device.id

    def find(self, slot: str) -> Place:
        """Return the place of the meter in a slot; of one that was never booked, a free one."""
        if (place := self._places.get(self.device(slot))) is not None:
            return place
        present = {self.device(other) for other in self._port.meters}
        taken = {place.name for device, place in self._places.items() if device in present}
        names = (f"{slot}_{number}" if number > 1 else slot for number in count(1))
        name = next(name for name in names if name not in taken)
        is_of_another = any(place.name == name for place in self._places.values())
        return Place(name, _ANOTHER if is_of_another else None)

    async def async_keep(self, slot: str, place: Place) -> None:
        """Store the place of the meter in a slot; a meter that is gone has it no longer."""
        device = self.device(slot)
        if place.since is None or self._places.get(device) == place:
            return
        others = {other: known for other, known in self._places.items() if known.name != place.name}
        self._places = {**others, device: place}
        await self._store.async_save(
            {device: [name, since.isoformat()] for device, (name, since) in self._places.items() if since is not None}
        )
