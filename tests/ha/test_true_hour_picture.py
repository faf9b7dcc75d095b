"""The picture of the documentation: a day of a gas meter by its readings and by true hours, from a real recorder.

`pytest --snapshot-update` draws it anew.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from tests.ha.replacing import EVERY_TELEGRAM, GAS, Calendar
from tests.ha.slow_meters import HOUR, options, slow_house

PICTURE = Path(__file__).parents[2] / "docs/images/true-hours.svg"
EVENING = datetime(2026, 2, 17, 20, 5, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 17, 23, tzinfo=UTC)
WIDTH, HEIGHT, MARGIN = 720, 320, 48
LINES = 5
SIDES = (("#9a9a9a", "reading of the gas meter"), ("#0b6e99", "gas meter, true hours"))


async def test_the_picture_shows_what_is_booked(
    recorder_mock: Recorder, hass: HomeAssistant, calendar: Calendar, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    async with slow_house(hass, calendar, tmp_path, start=EVENING) as slow:
        slow.house.configure(options=options() | EVERY_TELEGRAM)
        await slow.set_up()
        entity = slow.house.entity_id(*GAS)
        assert entity is not None
        for _ in range(29):
            # A telegram five past the hour brings the reading of the full hour; then the recorder closes its hour.
            await slow.live_on()
            end = slow.now.replace(minute=0) + HOUR
            calendar.move_to(end + timedelta(seconds=10))
            do_adhoc_statistics(hass, start=end - timedelta(minutes=5))
            await async_wait_recording_done(hass)
        sides = [slow.used(entity), slow.used()]
        measured = slow.measured(MIDNIGHT, MIDNIGHT + 24 * HOUR)
    assert {hour: sides[1][hour] for hour in measured} == measured
    # By its readings every hour is one late.
    assert {hour: sides[0][hour + HOUR] for hour in measured} == measured
    drawn = draw([[side[hour] for hour in measured] for side in sides], dict(zip(measured, range(24), strict=True)))
    if pytestconfig.option.update_snapshots:
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == drawn


def draw(sides: list[list[float]], hours: Mapping[datetime, int]) -> str:
    """Draw the hours of a day, two bars each."""
    # The axis ends at a whole line, every fifth of a m³.
    lines = ceil(max(max(side) for side in sides) * LINES)
    left, bottom, step = MARGIN, HEIGHT - MARGIN, (WIDTH - 2 * MARGIN) / len(hours)

    def elements() -> Iterator[str]:
        yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        yield f'<text x="{left}" y="{MARGIN - 24}">m³ of gas in an hour, 18 February, the same house twice</text>'
        for number, (side, (colour, name)) in enumerate(zip(sides, SIDES, strict=True)):
            for hour, used in enumerate(side):
                height = used * LINES / lines * (bottom - MARGIN)
                x = left + (hour + 0.1 + 0.4 * number) * step
                yield (
                    f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{0.4 * step:.1f}" height="{height:.1f}"'
                    f' fill="{colour}"/>'
                )
            place = left + 200 * number
            yield f'<rect x="{place}" y="{HEIGHT - 16}" width="12" height="12" fill="{colour}"/>'
            yield f'<text x="{place + 18}" y="{HEIGHT - 6}">{name}</text>'
        yield f'<path d="M{left} {MARGIN}V{bottom}H{WIDTH - MARGIN}" fill="none" stroke="black"/>'
        for hour in range(0, 25, 3):
            yield f'<text x="{left + hour * step:.1f}" y="{bottom + 18}" text-anchor="middle">{hour}:00</text>'
        for line in range(lines + 1):
            y = bottom - line / lines * (bottom - MARGIN)
            yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{line / LINES:.1f}</text>'

    view = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>\n' + "\n".join(elements()) + "\n</svg>\n"
