"""The known meters of a port: learned from telegrams, moved to other slots, replaced, forgotten."""

from collections.abc import Mapping

from homeassistant.core import callback

from ..const import CONF_METER_TYPE, CONF_REFRESH, LOGGER
from ..p1 import Country, Meter, MeterProfile, Reading, Role, meter_type, present
from ..p1.catalog import MAKERS
from ..port.display import TOTALS, Values
from ..port.state import Port
from ..storage.store import KnownMeter
from ..sums.corrections import Corrections
from .beside import Siblings
from .bounds import Newcomers, bounded
from .continuity import async_move, settle
from .questions import tidy_every_hour
from .replacement import Replacements


class KnownMeters:
    """Updates the known meters of one port in `port.meters`."""

    def __init__(self, port: Port) -> None:
        self.corrections = Corrections(port)
        # The meters as the last telegrams report them.
        self._seen: dict[str, KnownMeter] = {}
        self._replacements = Replacements(port, self.corrections, self._seen)
        self._siblings = Siblings(port)
        self._port = port
        self._profiles: list[MeterProfile] = []
        self._system_title: bytes | None = None
        self._presented: dict[str, tuple[Meter, Values]] = {}
        self._newcomers = Newcomers()

    @callback
    def async_start(self) -> None:
        """Resume open questions and pending corrections of statistics."""
        self.corrections.async_start()
        tidy_every_hour(self._port)
        self._replacements.async_start()
        self._siblings.async_start()

    def follow(self, reading: Reading) -> None:
        """Update the known meters from a telegram."""
        # The same objects, as a rule; a list compares these before it looks into them.
        profiles = [meter.profile for meter in reading.meters]
        if self._newcomers or profiles != self._profiles or self._system_title != reading.system_title:
            self._profiles = profiles
            self._learn(reading)
        self._replacements.follow(reading)
        self._siblings.follow(reading)

    def values(self, slot: str, meter: Meter | None) -> Values:
        """Return the values of a telegram for the entities of a meter; none if the meter is not in the telegram.

        Totals that are not due keep their shown values.
        """
        if meter is None:
            return {}
        presented = present(meter, self._presented.get(slot))
        self._presented[slot] = meter, presented
        shown = self._replacements.shown(slot, presented)
        display = self._port.display
        if slot in display.due_totals:
            # A new mapping shows that these values are due, also where all of them are the same.
            return {**shown} if shown is display.values.get(slot) else shown
        before = display.values.get(slot, {})
        held = {i: before[i] for i, value in shown.items() if value.channel.quantity in TOTALS and i in before}
        return {**shown, **held}

    def is_reported(self, slot: str) -> bool:
        """Whether the last telegram has a meter in this slot; assumed without a telegram."""
        reading = self._port.reading
        return reading is None or slot in {meter.profile.slot for meter in reading.meters if meter.profile.registered}

    @callback
    def async_forget(self, slot: str) -> None:
        """Remove a meter that the owner has removed from the known ones."""
        self._profiles = []
        self._presented.pop(slot, None)
        self._seen.pop(slot, None)
        self._replacements.async_forget(slot)
        self._siblings.async_forget(slot)
        self._port.async_set_meters({known: meter for known, meter in self._port.meters.items() if known != slot})
        self._port.save()
        self._port.display.publish()

    def question_of(self, slot: str) -> Replacements | Siblings | None:
        """Return what asks the owner about the meter in a slot; None if there is no question."""
        return next((asking for asking in (self._replacements, self._siblings) if asking.is_open(slot)), None)

    def _learn(self, reading: Reading) -> None:
        port = self._port
        self._system_title = reading.system_title
        self._replacements.rename(reading)
        heard = known_meters(reading, port.entry.options.get(CONF_METER_TYPE, {}), port.assumed_country)
        seen = self._siblings.without_retired(heard)
        meters, moves = settle(port.meters, seen)
        certain = self._newcomers.certain(port.meters, seen, moves, has_crc=reading.telegram.has_crc)
        if certain != seen:
            seen = certain
            meters, moves = settle(port.meters, seen)
        self._replacements.compare(port.meters, seen, meters, moves)
        self._siblings.compare(port.meters, seen, moves)
        # New and missing values are shown at once.
        for slot in {*seen, *self._seen}:
            if seen.get(slot) != self._seen.get(slot):
                port.display.expire(slot)
        self._seen.clear()
        self._seen.update(seen)
        if moves:
            LOGGER.debug(
                "P1 port %s: meters moved %s, channels %s", port.name, dict(moves.slots), list(moves.channels.values())
            )
            async_move(port.hass, port.entry.entry_id, moves)
            self._move_options(moves.slots)
            port.display.move(moves.slots)
        within = bounded(meters, port.meters, moves)
        port.is_full = within != meters
        if within != port.meters:
            port.async_set_meters(within)

    def _move_options(self, slots: Mapping[str, str]) -> None:
        entry = self._port.entry
        options = dict(entry.options)
        for name in (CONF_REFRESH, CONF_METER_TYPE):
            if name in options:
                options[name] = {slots.get(slot, slot): chosen for slot, chosen in options[name].items()}
        if options != entry.options:
            self._port.hass.config_entries.async_update_entry(entry, options=options)


def known_meters(reading: Reading, chosen_types: Mapping[str, str], assumed: Country | None) -> dict[str, KnownMeter]:
    """Return the constant data of the meters in a telegram by slot; `chosen_types` are those that the owner chose."""
    meters = {meter.profile.slot: meter for meter in reading.meters if meter.profile.registered}
    return {slot: known_meter(meter, reading, chosen_types.get(slot), assumed) for slot, meter in meters.items()}


def known_meter(meter: Meter, reading: Reading, chosen_type: str | None, assumed: Country | None) -> KnownMeter:
    """Return the constant data of a meter in a telegram.

    The type that the owner chose takes precedence over the detected one, a proven country over the assumed one.
    """
    maker = MAKERS.get(reading.telegram.identification[:3].upper())
    profile = meter.profile
    title = reading.system_title if profile.role is Role.MAIN else None
    row = None if chosen_type is None else meter_type(chosen_type)
    if row is None or row.role is not profile.role:
        row = chosen_type = None
    country = profile.country or assumed
    return KnownMeter(
        slot=profile.slot,
        role=profile.role,
        kind=profile.kind if row is None or profile.kind in row.kinds else min(row.kinds),
        type_id=profile.type_id,
        chosen_type_id=chosen_type,
        mbus_channel=profile.mbus_channel,
        equipment_identifier=profile.equipment_identifier,
        system_title=None if title is None else title.hex(),
        low_tariff=None if country is None else country.low_tariff,
        manufacturer=None if profile.role is Role.MBUS else maker,
        channels={channel_id: value.unit for channel_id, value in present(meter).items()},
    )
