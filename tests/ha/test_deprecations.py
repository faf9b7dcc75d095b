"""Nothing that Home Assistant is going to take away is used: here, and in the newest release."""

import os
from pathlib import Path
import subprocess
import warnings

from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame
import pytest

from custom_components.dsmr_p1.const import DOMAIN
from tests.ha.newest import ROOT, GoingAwayError, live, nothing_going_away

NEWEST = ROOT / ".dev" / "demo" / "bin" / "python"


async def test_in_this_release(hass: HomeAssistant, tmp_path: Path) -> None:
    with nothing_going_away() as complaints:
        await live(hass, tmp_path)
    assert complaints.found == []


@pytest.mark.skipif(not NEWEST.exists(), reason="scripts/demo has not been run")
def test_in_the_newest_release() -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
    result = subprocess.run(
        [NEWEST, "-m", "tests.ha.newest"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(": 0 complaints\n")


async def test_a_use_would_be_found(hass: HomeAssistant) -> None:
    with nothing_going_away() as complaints:
        with pytest.raises(GoingAwayError, match="is old"):
            frame.report_usage("is old", breaks_in_ha_version="2027.1", integration_domain=DOMAIN)
        with pytest.raises(DeprecationWarning):
            warnings.warn_explicit(
                "old", DeprecationWarning, "coordinator.py", 1, module="custom_components.dsmr_p1.coordinator"
            )
        frame._LOGGER.warning("Detected that custom integration 'dsmr_p1' is old")
        frame._LOGGER.warning("Detected that custom integration 'other' is old")
    assert len(complaints.found) == 1
