"""The life of an entry, with every use of what is going away in Home Assistant an error.

The tests run in the Home Assistant that the test tools are made for. Run by itself, this does the same in the newest:

    PYTHONPATH=.:scripts .dev/demo/bin/python -m tests.ha.newest

A port is set up with the dialog, renewed, reloaded, changed, asked for diagnostics and telegrams, and removed. Exits 1
and says why if anything in it is going away, or if Home Assistant warns of anything that has to do with it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import logging
from pathlib import Path
import sys
import tempfile
from typing import Any, Final, override
from unittest.mock import patch
import warnings

from homeassistant import auth, bootstrap, loader
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntries, ConfigEntryState
from homeassistant.const import CONF_PORT, __version__
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import frame
from homeassistant.setup import async_setup_component

from custom_components.dsmr_p1.const import BRIDGE_AUTO, CONF_BRIDGE_TYPE, CONF_RECEIVED_TIMEOUT, DOMAIN
from custom_components.dsmr_p1.diagnostics import async_get_config_entry_diagnostics
from custom_components.dsmr_p1.services import SERVICE_CAPTURE_TELEGRAMS
from simulator import PtyPort
from tests.ha.flow_driver import PATIENT, enter, finish, listening, make_meter, sending, start

ROOT: Final = Path(__file__).parents[2]
_OURS: Final = f"custom_components.{DOMAIN}"
_NOT_TESTED: Final = "has not been tested by Home Assistant"


class GoingAwayError(Exception):
    """Something is used that Home Assistant will not have for ever."""


class Complaints(logging.Handler):
    """Collects what Home Assistant warns of that has to do with this integration."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.name == "asyncio" and text.startswith("Executing "):
            # A step that took long on a busy machine: the debug mode of the loop, and no complaint of Home Assistant.
            return
        if (DOMAIN in text or record.name.startswith(_OURS)) and _NOT_TESTED not in text:
            self.found.append(f"{record.levelname} {record.name}: {text}")


@contextmanager
def nothing_going_away() -> Iterator[Complaints]:
    """Make an error of every use of what is going away, and collect the warnings, which must be none in the end."""
    report = frame._report_usage

    def refuse(hass: HomeAssistant, what: str, **details: Any) -> None:
        where = details["integration_frame"]
        # What is not reported of custom integrations is not going away for them.
        is_reported = details["custom_integration_behavior"] is not frame.ReportBehavior.IGNORE
        if is_reported and DOMAIN in (details["integration_domain"], None if where is None else where.integration):
            raise GoingAwayError(what)
        report(hass, what, **details)

    complaints = Complaints()
    root = logging.getLogger()
    root.addHandler(complaints)
    try:
        with warnings.catch_warnings(), patch.object(frame, "_report_usage", refuse):
            warnings.filterwarnings("error", category=DeprecationWarning, module=_OURS.replace(".", r"\."))
            warnings.filterwarnings("error", category=PendingDeprecationWarning, module=_OURS.replace(".", r"\."))
            yield complaints
    finally:
        root.removeHandler(complaints)


async def live(hass: HomeAssistant, folder: Path) -> None:
    """Let an entry live from its first dialog to its removal."""
    with PtyPort(link=folder / "ttyP1") as port, listening(PATIENT):
        meter = make_meter(port, mbus="gas,water")
        async with sending(meter):
            result = await finish(hass, await start(hass, {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_AUTO}))
            entry = result["result"]
            _check(entry.state is ConfigEntryState.LOADED, "not set up")
            response = await hass.services.async_call(
                DOMAIN, SERVICE_CAPTURE_TELEGRAMS, {"count": 2}, blocking=True, return_response=True
            )
            _check(response is not None and len(str(response["telegrams"])) > 1000, "nothing captured")
            found = await async_get_config_entry_diagnostics(hass, entry)
            _check(len(found["last_reading"]["meters"]) == 4, "not four meters")

            options: Any = await hass.config_entries.options.async_init(entry.entry_id)
            options = await hass.config_entries.options.async_configure(options["flow_id"], {"next_step_id": "general"})
            await hass.config_entries.options.async_configure(options["flow_id"], {CONF_RECEIVED_TIMEOUT: 60})
            await hass.async_block_till_done()
            _check(entry.runtime_data.port.received_timeout == 60, "options without effect")

            flow: Any = await hass.config_entries.flow.async_init(
                DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}
            )
            flow = await enter(hass, flow, {CONF_PORT: port.path, CONF_BRIDGE_TYPE: BRIDGE_AUTO})
            await finish(hass, flow)
            entry.async_start_reauth(hass)
            await hass.async_block_till_done()
            for progress in hass.config_entries.flow.async_progress_by_handler(DOMAIN):
                hass.config_entries.flow.async_abort(progress["flow_id"])

            _check(await hass.config_entries.async_reload(entry.entry_id), "not reloaded")
            await hass.async_block_till_done()
            await hass.config_entries.async_remove(entry.entry_id)
            await hass.async_block_till_done()
            _check(not hass.config_entries.async_entries(DOMAIN), "not removed")


def _check(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise AssertionError(otherwise)


async def _home(folder: Path) -> HomeAssistant:
    """Start as much of Home Assistant as an entry needs; no web server, nothing on the network."""
    (folder / "custom_components").mkdir()
    (folder / "custom_components" / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN)
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    _check(await async_setup_component(hass, "homeassistant", {}), "Home Assistant does not start")
    hass.set_state(CoreState.running)
    return hass


async def _main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        hass = await _home(Path(folder))
        try:
            with nothing_going_away() as complaints:
                await live(hass, Path(folder))
        finally:
            await hass.async_stop(force=True)
    for complaint in complaints.found:
        sys.stderr.write(f"{complaint}\n")
    sys.stdout.write(f"Home Assistant {__version__}: {len(complaints.found)} complaints\n")
    return 1 if complaints.found else 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(asyncio.run(_main()))
