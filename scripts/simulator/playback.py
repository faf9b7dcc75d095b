"""Captures instead of a household: files of raw bytes, telegram after telegram, from the beginning again at the end."""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
import re
from typing import Final

_END_OF_TELEGRAM: Final = re.compile(rb"^![0-9A-Fa-f]{0,4}\x00?\r?\n", re.MULTILINE)
_ENVELOPE_HEAD: Final = 13
"""Bytes of an encrypted frame up to and including its length."""


class Playback:
    """Telegrams that were captured, one at a time."""

    def __init__(self, captures: Iterable[bytes]) -> None:
        telegrams = [telegram for capture in captures for telegram in split(capture)]
        if not telegrams:
            raise ValueError("there is nothing in the captures")
        self._telegrams = cycle(telegrams)

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> Playback:
        """Read the captures."""
        return cls([path.read_bytes() for path in paths])

    def telegram(self) -> bytes:
        """Return the next telegram, byte for byte."""
        return next(self._telegrams)


def split(capture: bytes) -> list[bytes]:
    """Return the telegrams of a capture; bytes between two belong to the second one."""
    parts = []
    while capture:
        if capture[:1] == b"\xdb" and len(capture) > _ENVELOPE_HEAD:
            end = _ENVELOPE_HEAD + int.from_bytes(capture[11:13])
        else:
            found = _END_OF_TELEGRAM.search(capture)
            end = found.end() if found else len(capture)
        parts.append(capture[:end])
        capture = capture[end:]
    return parts
