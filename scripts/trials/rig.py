"""A port in a bare Home Assistant, without a line: whoever tries a part hands it the telegrams."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
import tempfile
from types import MappingProxyType
from typing import Any

from homeassistant import loader
from homeassistant.config_entries import SOURCE_USER, ConfigEntries, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from custom_components.dsmr_p1.const import DOMAIN
from custom_components.dsmr_p1.coordinator import P1Coordinator
from custom_components.dsmr_p1.p1 import Reading
from custom_components.dsmr_p1.port.state import Port
from custom_components.dsmr_p1.storage.store import KnownMeter


@asynccontextmanager
async def port_in_home(options: Mapping[str, Any]) -> AsyncIterator[P1Coordinator]:
    """Set up a port with the options of its entry, and a recorder for true hours; all of it ends afterwards."""
    with tempfile.TemporaryDirectory(prefix="p1-") as folder:
        hass = HomeAssistant(folder)
        hass.config_entries = ConfigEntries(hass, {})
        await hass.config_entries.async_initialize()
        dr.async_setup(hass)
        for registry in (dr, er, ir):
            await registry.async_load(hass)
        if "true_hour" in options:
            loader.async_setup(hass)
            async_initialize_recorder(hass)
            await async_setup_component(hass, "recorder", {"recorder": {"db_url": f"sqlite:///{folder}/recorder.db"}})
        entry: ConfigEntry[P1Coordinator] = ConfigEntry(
            data={"port": "/dev/null", "bridge_type": "dsmr"},
            discovery_keys=MappingProxyType({}),
            domain=DOMAIN,
            minor_version=1,
            options=options,
            source=SOURCE_USER,
            subentries_data=None,
            title="P1",
            unique_id=None,
            version=1,
        )
        coordinator = P1Coordinator(await Port.async_load(hass, entry))
        try:
            yield coordinator
        finally:
            await entry._async_process_on_unload(hass)  # noqa: SLF001 - nobody else ends what ends with an entry
            await hass.async_stop(force=True)


def hand_over(coordinator: P1Coordinator, reading: Reading) -> None:
    """Hand a telegram to those who listen to the port, as the coordinator does."""
    coordinator.port.reading = coordinator.port.sent = reading
    coordinator.port.captures.add(reading)


def know_meters(coordinator: P1Coordinator, reading: Reading) -> None:
    """Let the port know the meters of a telegram, without devices for them."""
    coordinator.port.record.meters = {
        profile.slot: KnownMeter(
            slot=profile.slot,
            role=profile.role,
            kind=profile.kind,
            type_id=profile.type_id,
            mbus_channel=profile.mbus_channel,
            channels={channel_id: row.unit for channel_id, row in profile.channel_types.items()},
        )
        for profile in (meter.profile for meter in reading.meters)
    }
