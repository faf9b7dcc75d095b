"""Taking over an entry of Home Assistant's own `dsmr`: put aside, planned, recorded, moved, disabled; and given back.

The record is written before the first change. A start that finds one finishes what it says, so that nothing is left
half done whatever happened in between.
"""

from collections.abc import Callable, Mapping
from typing import Final

import attr
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.entity import entity_sources
from homeassistant.util import dt as dt_util

from ..const import CONF_TAKE_OVER, DOMAIN, LOGGER
from ..p1 import present
from ..p1.meters.grouping import PORT_SLOT
from ..port.devices import device_in
from ..port.state import Port
from ..storage.store import KnownMeter
from .core_entries import CORE, async_is_set_up, async_set_up_again, async_unload_core
from .issues import async_offer_to_clear, async_tell_both, async_tell_left
from .keys import SWAPPED_TARIFF_WORDS, SWAPPED_VERSIONS, TARIFF_WORDS
from .moving import async_move_back, async_move_over, unique_id_of
from .plan import Shown, Target, has_come_to_fit, plan, targets, unit_to_keep
from .record import LeftEntity, MovedDevice, MovedEntity, Record, RecordStore

type UnitOf = Callable[[KnownMeter, str], str | None]
"""Returns the unit in which a channel of a meter is shown, unless its owner chose another."""
_FITS: Final = "fits"
"""The reason why an entity is still behind whose value has come to fit: it moves with the next start of our entry."""
_COMPARED: Final = 86_400.0
"""Seconds in which a value that did not fit is compared again: the plan allows what a register rises in a day.

Later another meter may pass by the value that the old entity showed last.
"""


class TakeOver:
    """The take-over that an entry of ours began with; it does nothing where there was none."""

    def __init__(self, port: Port, unit_of: UnitOf) -> None:
        self._port = port
        self._unit_of = unit_of
        self._hass: HomeAssistant = port.hass
        self._entry: ConfigEntry = port.entry
        self._store = RecordStore(port.hass, port.entry.entry_id)
        self._record: Record | None = None
        self._core: ConfigEntry | None = None
        self._states: Mapping[str, State] = {}
        self._meters: Mapping[str, KnownMeter] | None = None
        self._is_reloading = False

    async def async_prepare(self) -> bool:
        """Put the old entry aside, and return whether a plan is to be made, for which a telegram is needed."""
        self._record = await self._store.async_load()
        if self._record is not None and self._record.is_done and not self._is_half_saved(self._record):
            return False
        core_id = self._entry.data.get(CONF_TAKE_OVER) if self._record is None else self._record.core
        self._core = self._hass.config_entries.async_get_entry(core_id or "")
        if self._core is None:
            return False
        self._states = {
            entity.id: state
            for entity in er.async_entries_for_config_entry(er.async_get(self._hass), self._core.entry_id)
            if (state := self._hass.states.get(entity.entity_id)) is not None
        }
        if await async_is_set_up(self._core):
            await async_unload_core(self._hass, self._core)
        return self._record is None

    def _is_half_saved(self, record: Record) -> bool:
        """Whether one of the registries was not written any more after all was done: each is saved a little later."""
        entities, devices = er.async_get(self._hass).entities, dr.async_get(self._hass)
        rows = (entities.get_entry(moved.registry_id) for moved in record.entities)
        meters = (devices.async_get(moved.device_id) for moved in record.devices)
        return any(row is not None and row.platform == CORE for row in rows) or any(
            isinstance(meter, dr.DeviceEntry) and meter.config_entry_id == record.core for meter in meters
        )

    async def async_put_back(self) -> None:
        """Start the old entry again where nothing is changed yet: nothing was heard."""
        if self._core is not None and self._record is None:
            await async_set_up_again(self._hass, self._core)

    async def async_carry_out(self) -> None:
        """Plan and record the take-over where that is not done, and do what the record says."""
        core = self._core
        # Its owner may have deleted it while a telegram was waited for.
        if core is not None and self._hass.config_entries.async_get_entry(core.entry_id) is not None:
            self._check_unloaded(core)
            self._record = self._record or self._make_record(core)
            await self._async_move(self._record, core)
        elif self._record is not None and (late := self._late_targets(self._record)):
            self._add_late(self._record, late)
            await self._async_move(self._record)
        self.follow()
        if self._record is not None:
            words = {moved.registry_id: moved.words for moved in self._record.entities if moved.words}
            self._port.tariff_words = words

    async def _async_move(self, record: Record, core: ConfigEntry | None = None) -> None:
        """Do what a record says, which is stored before the first change; disable the old entry, if one is given."""
        record.is_done = False
        await self._store.async_save(record)
        async_move_over(self._hass, self._entry, record)
        # The devices are described as ours now.
        self._port.async_set_meters(self._port.meters)
        if core is not None:
            # The last step: an entry that is disabled takes its devices with it, and every helper on them.
            await self._hass.config_entries.async_set_disabled_by(core.entry_id, ConfigEntryDisabler.USER)
        record.is_done = True
        await self._store.async_save(record)
        async_tell_left(self._port, record)

    def _add_late(self, record: Record, late: list[Target]) -> None:
        ids = {target.entity.id for target in late}
        core = self._hass.config_entries.async_get_entry(record.core)
        record.entities += [self._moved_entity(target, core) for target in late]
        known = {device.device_id for device in record.devices}
        record.devices += [
            device
            for device in self._devices(late)
            if (there := device_in(self._hass, self._entry.entry_id, device.slot)) is None or there.id not in known
        ]
        record.left = [left for left in record.left if left.registry_id not in ids]

    def _late_targets(self, record: Record, shown: Shown | None = None) -> list[Target]:
        """Return where entities continue now that stayed behind: their meter or channel has come, or the value fits.

        Values are compared with what is shown, if that is given: a telegram is needed, which a start does not have.
        """
        core = self._hass.config_entries.async_get_entry(record.core)
        reasons = {"no_meter", _FITS} if shown is None else {"no_meter", _FITS, "other_value"}
        wanted = {left.registry_id: left for left in record.left if left.reason in reasons}
        if core is None or not wanted:
            return []
        moved = {entity.registry_id for entity in record.entities}
        ours = er.async_entries_for_config_entry(er.async_get(self._hass), self._entry.entry_id)
        taken = {entity.unique_id for entity in ours if entity.id in moved}
        late = []
        for target in targets(self._hass, core, self._port.meters):
            left, place = wanted.get(target.entity.id), unique_id_of(self._entry, target.slot, target.channel)
            if left is None or target.reason is not None or place in taken:
                continue
            if left.reason == "other_value":
                has_come = shown is not None and has_come_to_fit(target, shown)
            else:
                # Where the meter has come nothing is left to compare; one known only as the one of its kind stays.
                has_come = left.reason == _FITS or not target.is_guess
            if has_come:
                taken.add(place)
                late.append(target._replace(entity=attr.evolve(target.entity, device_id=left.device_id)))
        return late

    @callback
    def follow(self) -> None:
        """Set the entry up again where an entity that was left can continue now: only unloaded ones can move.

        Where nothing was taken over, tell the owner of an entry that reads the same meter.
        """
        has_changed, self._meters = self._meters is not self._port.meters, self._port.meters
        record = self._record
        if record is None:
            if has_changed:
                async_tell_both(self._port)
            return
        shown = None
        if _is_compared(record):
            shown = self._shown({left.registry_id: _last_state(left) for left in record.left})
        if (has_changed or shown) and not self._is_reloading and (late := self._late_targets(record, shown)):
            self._is_reloading = True
            come = {target.entity.id for target in late}
            for left in record.left:
                left.reason = _FITS if left.registry_id in come else left.reason
            self._entry.async_create_task(self._hass, self._async_reload(record), f"{DOMAIN} late take-over")

    async def _async_reload(self, record: Record) -> None:
        await self._store.async_save(record)
        self._hass.config_entries.async_schedule_reload(self._entry.entry_id)

    def _check_unloaded(self, core: ConfigEntry) -> None:
        """Raise ConfigEntryNotReady where entities outlived their entry: loaded ones move after a restart only."""
        loaded = entity_sources(self._hass)
        entities = er.async_entries_for_config_entry(er.async_get(self._hass), core.entry_id)
        if any(entity.entity_id in loaded for entity in entities):
            raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="still_loaded")

    def _make_record(self, core: ConfigEntry) -> Record:
        planned = plan(self._hass, core, self._port.meters, self._shown(self._states))
        going = [target for target in planned if target.reason is None]
        return Record(
            core=core.entry_id,
            was_enabled=core.disabled_by is None,
            entities=[self._moved_entity(target, core) for target in going],
            devices=list(self._devices(going)),
            left=[_left_entity(target, self._states.get(target.entity.id)) for target in planned if target.reason],
            planned_at=dt_util.utcnow().timestamp(),
        )

    def _moved_entity(self, target: Target, core: ConfigEntry | None) -> MovedEntity:
        """Return what is recorded of an entity that continues; in some countries the words for tariffs are swapped."""
        entity, slot, channel, is_tariff, *_ = target
        swapped = core is not None and core.data.get("dsmr_version") in SWAPPED_VERSIONS
        return MovedEntity(
            registry_id=entity.id,
            old_unique_id=entity.unique_id,
            slot=slot,
            channel=channel,
            device_id=entity.device_id,
            unit=unit_to_keep(entity, self._unit_of(self._port.meters[slot], channel)),
            words=(SWAPPED_TARIFF_WORDS if swapped else TARIFF_WORDS) if is_tariff else {},
        )

    def _shown(self, before: Mapping[str, State]) -> Shown:
        """Return both sides, ours as the meters send it, so that what is held back from being shown has a value."""
        sent = () if self._port.sent is None else self._port.sent.meters
        known = self._port.meters.items()
        units = {(slot, channel): self._unit_of(meter, channel) for slot, meter in known for channel in meter.channels}
        return Shown(before, {meter.profile.slot: present(meter) for meter in sent}, units)

    def _devices(self, going: list[Target]) -> list[MovedDevice]:
        """Return the devices that continue: one a slot, each once; the port's device is ours."""
        slots: dict[str, str] = {}
        for target in going:
            device_id = target.entity.device_id
            if device_id is not None and target.slot != PORT_SLOT and target.slot not in slots.values():
                slots.setdefault(device_id, target.slot)
        found = ((dr.async_get(self._hass).async_get(device_id), slot) for device_id, slot in slots.items())
        return [
            MovedDevice(
                device_id=device.id,
                slot=slot,
                identifiers=[list(identifier) for identifier in device.identifiers],
                name=device.name,
                manufacturer=device.manufacturer,
                model=device.model,
                serial_number=device.serial_number,
            )
            for device, slot in found
            if isinstance(device, dr.DeviceEntry)
        ]


def _is_compared(record: Record) -> bool:
    has_other = any(left.reason == "other_value" for left in record.left)
    return has_other and dt_util.utcnow().timestamp() - record.planned_at < _COMPARED


def _left_entity(target: Target, state: State | None) -> LeftEntity:
    value, unit = (state.state, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)) if state is not None else (None, None)
    entity, reason = target.entity, target.reason or ""
    return LeftEntity(registry_id=entity.id, device_id=entity.device_id, reason=reason, value=value, unit=unit)


def _last_state(left: LeftEntity) -> State:
    return State("sensor.left", left.value or STATE_UNKNOWN, {ATTR_UNIT_OF_MEASUREMENT: left.unit})


async def async_give_back(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Give everything back that an entry of ours, which is being removed, has taken over."""
    store = RecordStore(hass, entry.entry_id)
    record = await store.async_load()
    if record is None:
        return
    await async_offer_to_clear(hass, entry, record)
    core = hass.config_entries.async_get_entry(record.core)
    if core is None:
        LOGGER.warning("The DSMR entry that was taken over is gone: there is nothing to give its entities back to")
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"nothing_to_give_back_{record.core}",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="nothing_to_give_back",
        )
    else:
        if await async_is_set_up(core):
            await async_unload_core(hass, core)
        async_move_back(hass, record)
        if record.was_enabled or core.disabled_by is None:
            # A task of its own, which begins after ours has let go of the port.
            hass.async_create_task(_async_enable(hass, core), "DSMR entry: enabled again", eager_start=False)
    await store.async_remove()


async def _async_enable(hass: HomeAssistant, core: ConfigEntry) -> None:
    await hass.config_entries.async_set_disabled_by(core.entry_id, None)
    await async_set_up_again(hass, core)
