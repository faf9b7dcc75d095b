"""What all tests share."""

from datetime import datetime
import logging
import os

from hypothesis import settings
import time_machine

# The test tools let the database engine write every statement to the log. What is written between two tests belongs to
# neither, and would stand among the dots.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)

# The same examples each time, unless a search is asked for: HYPOTHESIS_PROFILE=search.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure() -> None:
    """Start at the time of DSMR_P1_TEST_TIME (ISO 8601, with its zone) if that is set; the clock goes on from there."""
    if instant := os.environ.get("DSMR_P1_TEST_TIME"):
        time_machine.travel(datetime.fromisoformat(instant), tick=True).start()
