"""What the tests of the integration share."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

import custom_components.dsmr_p1  # noqa: F401 - first, before the package of the same name in the test tools is
from simulator import Model, PtyPort
from tests.ha.flow_driver import PATIENT, QUICK, listening
from tests.ha.house import House, MakeHouse, house_on, make_builder
from tests.ha.pace import Clock
from tests.ha.replacing import Calendar


@pytest.fixture(autouse=True)
def _custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find the integration; a recorder, where there is one, must come first."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
async def _place(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant stand where the simulated households are: in the Netherlands."""
    if "hass" in request.fixturenames:
        hass: HomeAssistant = request.getfixturevalue("hass")
        await hass.config.async_set_time_zone("Europe/Amsterdam")
        hass.config.country = "NL"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable all entities, also those that are there on request only."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True):
        yield


@pytest.fixture
def calendar(hass_access_token: str) -> Iterator[Calendar]:
    """Say what time it is. The token of the API has its time too, and is given before."""
    calendar = Calendar()
    with (
        patch("time.time", calendar.time),
        patch("homeassistant.helpers.entity.timer", calendar.time),
        patch("homeassistant.util.dt.utcnow", calendar.utcnow),
    ):
        yield calendar


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Move the clock that the pace of updates goes by."""
    clock = Clock()
    with patch("custom_components.dsmr_p1.coordinator.monotonic", clock):
        yield clock


@pytest.fixture
async def make_house(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """Make houses with a meter of a model each."""
    async with AsyncExitStack() as stack:
        made = 0

        async def make(model: Model | str = "dsmr5", mbus: str | None = None, **household: Any) -> House:
            nonlocal made
            made += 1
            builder = make_builder(model, mbus, **household)
            return await stack.enter_async_context(house_on(hass, builder, tmp_path / f"ttyP1_{made}"))

        yield make


@pytest.fixture
def patient() -> Iterator[None]:
    """A meter is waited for on the slowest machine."""
    with listening(PATIENT):
        yield


@pytest.fixture
def quick(patient: None) -> Iterator[None]:
    """Nobody waits for a meter that will not come."""
    with listening(QUICK):
        yield


@pytest.fixture
def without_waiting(patient: None) -> Iterator[None]:
    """`dsmr` does not wait before it shows the next value."""
    with patch("homeassistant.components.dsmr.sensor.DEFAULT_TIME_BETWEEN_UPDATE", 0):
        yield


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    """A cable that `dsmr` can read too: it cannot set a pseudo terminal to the seven bits of old meters."""
    with PtyPort(link=tmp_path / "ttyP1") as port, patch.object(port, "on_the_line", lambda sent, _: sent):
        yield port
