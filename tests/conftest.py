"""What all tests share."""

from datetime import datetime
import logging
import os

import time_machine

# The test tools let the database engine write every statement to the log. What is written between two tests belongs to
# neither, and would stand among the dots.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


def pytest_configure() -> None:
    """Start at the time of DSMR_P1_TEST_TIME (ISO 8601, with its zone) if that is set; the clock goes on from there."""
    if instant := os.environ.get("DSMR_P1_TEST_TIME"):
        time_machine.travel(datetime.fromisoformat(instant), tick=True).start()
