"""The times in a telegram: parses texts to times with an offset from UTC.

Meters send local times in the forms of the DSMR standards (DSMR 5.0.2 P1 section 6.4), with separators, or as the
date-time of DLMS. Any other text is read as None, so that the number beside it is not lost.
"""

from datetime import UTC, datetime, timedelta, timezone
import re
from struct import unpack
from typing import Final

from .clock import Clock

# YYMMDDhhmmss with the flag for standard or summer time (DSMR 4 and later), without it or without seconds (before), and
# the forms with separators of some other meters.
_TIME: Final = re.compile(
    r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?([SWsw])?"
    r"|(?:20)?(\d\d)([-/.]?)(\d\d)\9(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?\s*([SWsw])?",
    re.ASCII,
)
# The date-time of DLMS in hexadecimal (IEC 62056-6-2, 4.1.6.1): year, month, day, day of week, hour, minute, second,
# hundredths, deviation from UTC in minutes, status.
_DLMS_TIME: Final = re.compile(r"[0-9A-Fa-f]{24}")
_NO_DEVIATION: Final = -0x8000
_NO_STATUS: Final = 0xFF
_IN_SUMMER: Final = 0x80
# The years 70 and later come from clocks that were never set: clocks begin at 1970, and no meter is used in 2070.
# So is 2000, the year that other clocks begin with.
_FIRST_UNSET_YEAR: Final = 70
_CENTURY: Final = 2000
_TIME_LENGTH: Final = len("YYMMDDhhmmssX")


def is_time(text: str) -> bool:
    """Whether a text has the form of a timestamp, even an impossible one (`632525252525W`)."""
    return _TIME.fullmatch(text) is not None or _DLMS_TIME.fullmatch(text) is not None


def parse_timestamp(text: str, clock: Clock) -> datetime | None:
    """Read `YYMMDDhhmmssX`; None if no time can be read, as with a clock that was never set.

    X is W for the standard time of the place and S for an hour more, whatever the calendar says, since the flag is what
    tells the two hours of 2 o'clock in October apart.
    """
    if len(text) == _TIME_LENGTH and text[:-1].isdecimal():
        # The form of DSMR 4 and later, in nearly every line with a time.
        zone = clock.standard if text[-1] == "W" else clock.summer if text[-1] == "S" else None
        # ISO 8601 has an hour 24; a clock has not.
        if zone is not None and "01" <= text < "70" and text[6:8] < "24":
            try:
                return datetime.fromisoformat(f"20{text[:6]}T{text[6:12]}").replace(tzinfo=zone)
            except ValueError:
                return None
    text = text.strip()
    if _DLMS_TIME.fullmatch(text):
        return _dlms_timestamp(bytes.fromhex(text), clock)
    return _other_timestamp(text, clock)


def _other_timestamp(text: str, clock: Clock) -> datetime | None:
    """Read the forms of DSMR 2 and 3, and those with separators."""
    if (match := _TIME.fullmatch(text)) is None:
        return None
    groups = match.groups()
    *date, flag = groups[:7] if groups[0] else (groups[7], *groups[9:])
    years, month, day, hour, minute, second = (int(number or 0) for number in date)
    if not 0 < years < _FIRST_UNSET_YEAR:
        return None
    try:
        # UTC is a stand-in until the offset is known.
        local = datetime(_CENTURY + years, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = {"W": clock.standard, "S": clock.summer}.get((flag or "").upper())
    return local.replace(tzinfo=offset or clock.at(local))


def _dlms_timestamp(octets: bytes, clock: Clock) -> datetime | None:
    """Read the 12 bytes of a date-time of DLMS; None if it does not specify one."""
    year, month, day, _, hour, minute, second, _, deviation, status = unpack(">HBBBBBBBhB", octets)
    if not _CENTURY < year < _CENTURY + _FIRST_UNSET_YEAR:
        return None
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        offset = clock.summer if status != _NO_STATUS and status & _IN_SUMMER else clock.at(local)
        # UTC is local time plus deviation; some meters send that of the place with the other sign (Metcom MCS301).
        if deviation != _NO_DEVIATION and offset != timezone(timedelta(minutes=deviation)):
            offset = timezone(timedelta(minutes=-deviation))
    except ValueError:
        return None
    return local.replace(tzinfo=offset)
