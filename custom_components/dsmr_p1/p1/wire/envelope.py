"""Searches for the headers of encrypted telegrams, see `framing`, and of the protocols that may carry them."""

import re
from typing import Final

MAX_TELEGRAM: Final = 8192
"""The longest accepted telegram in bytes; the largest known has 2 kB."""

# DB 08, the system title of 8 bytes, 82 and a length of two bytes, the security control byte 30 (encrypted and
# authenticated), then the frame counter of 4 bytes.
ENVELOPE: Final = re.compile(rb"\xDB\x08[\x00-\xFF]{8}\x82([\x00-\xFF]{2})\x30")
ENVELOPE_START: Final = b"\xdb\x08"
_HEADER_SO_FAR: Final = re.compile(rb"\xDB\x08(?:[\x00-\xFF]{0,8}|[\x00-\xFF]{8}\x82[\x00-\xFF]{0,2})\Z")
HEADER: Final = 13
LENGTHS: Final = range(40, MAX_TELEGRAM + 1)
# What stands before 0xDB where the envelope is carried by another protocol: an HDLC frame with the LLC header E6 E7 00,
# or a wired M-Bus long frame. The ports of some Austrian operators do so; they are no P1 ports.
_HDLC_HEADER: Final = rb"\x7E\xA0[^/\xDB]{1,14}\xE6[\xE6\xE7]\x00"
_HDLC: Final = re.compile(_HDLC_HEADER)
_CARRIER: Final = re.compile(b"(?:" + _HDLC_HEADER + rb"|\xE6[\xE6\xE7]\x00|\x68(.)\1\x68[\x00-\xFF]{5})\Z", re.DOTALL)
LONGEST_HEADER: Final = 19
"""The bytes of the longest of these headers, and of the next."""


def find_envelope(buffer: bytes, start: int) -> re.Match[bytes] | None:
    """Return the header of an envelope with a plausible length; None if there is none."""
    if buffer.find(ENVELOPE_START, start) < 0:
        return None
    while (envelope := ENVELOPE.search(buffer, start)) is not None:
        if int.from_bytes(envelope[1]) in LENGTHS:
            return envelope
        # Continue inside it and not behind its end: another one may begin there.
        start = envelope.start() + 1
    return None


def end_of_known(buffer: bytes, start: int) -> int:
    """Return the end of the bytes that are classified for certain: the last few may begin an envelope header."""
    header = _HEADER_SO_FAR.search(buffer, max(start, len(buffer) - HEADER))
    return len(buffer) if header is None else header.start()


def find_hdlc(buffer: bytes, start: int, end: int) -> re.Match[bytes] | None:
    """Return the header of an HDLC frame in noise; None if there is none."""
    if buffer.find(b"\x7e\xa0", start, end) < 0:
        return None
    return _HDLC.search(buffer, start, end)


def find_carrier(buffer: bytes, end: int) -> re.Match[bytes] | None:
    """Return the header of another protocol right before an envelope; None if there is none."""
    return _CARRIER.search(buffer, max(0, end - LONGEST_HEADER), end)
