r"""Framing: from the bytes of a port, in any split, to frames.

A telegram is a text from `/` to `!`, and four hexadecimal digits of checksum where the meter sends one (DSMR 5.0.2 P1
section 6.2). A port in Luxembourg or Austria sends it encrypted: an envelope that begins with 0xDB and tells its length
(Smarty P1 section 4, DLMS general-global-cipher). Both kinds are looked for in the same bytes, at any time.

Strategy: the buffer is searched for a beginning, and from there for the end. A frame that proves wrong is reported
once, as `Rejected`, and the search goes on one byte behind its beginning, so a good telegram that stands behind, or
inside, a bad one is always found. Bytes that begin nothing are skipped without a word: they are the tail of a telegram
whose beginning was missed, or noise. Nothing is kept longer than the largest telegram: every buffer is bounded.

Meters and cables differ from the standard, and what follows is tolerated: line ends without CR (the checksum counts the
CR that was taken out), blank lines between the lines, a NUL behind the checksum, a checksum in lower case or without
leading zeros, `/` inside the identification line, bytes of noise anywhere outside a telegram.
"""

import re
from typing import Final

from .checksums import SEAL, alike, is_checksum
from .envelope import (
    ENVELOPE,
    ENVELOPE_START,
    HEADER,
    LENGTHS,
    LONGEST_HEADER,
    MAX_TELEGRAM,
    end_of_known,
    find_carrier,
    find_envelope,
    find_hdlc,
)
from .frames import EncryptedFrame, Frame, PlainFrame, Rejected, RejectReason

MAX_IDENTIFICATION: Final = 128
"""The longest identification line in bytes; the standards' examples have 20."""

# Some Polish meters send the first line in plain text, and then a cipher whose system title is empty: the length of the
# title, 0, the length in two bytes, the security control byte, and what it counts; then the checksum of all of it.
_BARE_CIPHER: Final = re.compile(rb"[\r\n]{1,4}\x00\x82([\x00-\xFF]{2})(?=\x30)")
_CIPHER_END: Final = re.compile(rb"\r{0,1}\n{0,1}![0-9A-Fa-f]{0,4}[\r\n]{0,2}")
# The last line: the checksum in up to four digits, or in none where the meter sends none, then the end of the line.
_LAST_LINE: Final = re.compile(rb"([0-9A-Fa-f]{4})[\r\n]{0,2}|[ ]{0,4}([^\r\n\x00 ]{0,8})[\x00 ]{0,4}[\r\n]")
# The longest last line, and as much of an envelope behind it as tells that it is one.
_LONGEST_END: Final = 17 + 14
_LONGEST_CHECKSUM: Final = 8
# An identification line that was cut off, and behind it the beginning of another: the letters of the maker, the digit.
_CUT_OPENING: Final = re.compile(rb"/[^\r\n]*(/[A-Za-z]{3}[0-9])")
_OBJECT: Final = re.compile(rb"[^\r\n()/]*(?:\([^()\r\n]*\))+")
_LINE_END: Final = re.compile(rb"[\r\n]")
_BINARY: Final = re.compile(rb"[\x01-\x08\x0E-\x1F\x7F]")
# The bytes that may change the answer during the wait for the end of a text: its end, and the beginnings of frames. An
# envelope is one from its second byte on.
_MARK, _SLASH, _ENVELOPE_BYTE = b"!/" + ENVELOPE_START[1:]
_WAKES: Final = re.compile(b"[!/" + ENVELOPE_START[1:] + b"]")
# The characters of a line; a byte outside is noise, and what follows noise may well be a beginning.
_PRINTABLE: Final = range(0x20, 0x7F)


class Framer:
    """Finds frames in bytes.

    `receive` takes bytes, and `next_event` returns the frames and rejections that they complete, one by one. An
    encrypted frame is returned before it is known to be good: if it cannot be decrypted, `resume` continues the
    search behind its first byte instead of behind its end.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0
        self._origin = 0
        self._silent_to = 0
        # The number of bytes in the buffer that ends the wait for the rest of a frame, if nothing in that rest does;
        # zero where nothing is waited for.
        self._wake_at = 0
        self._awaits_text = True
        # Where a text begins that has already been recognised, and how far it has been checked.
        self._text_from = self._text_to = -1
        # The identification line of the last telegram, with its line end.
        self.opening = b"/\r\n"

    def receive(self, octets: bytes) -> bool:
        """Append bytes from the port to the buffer, and return whether they may complete a frame or a rejection."""
        buffer = self._buffer
        self._buffer = longer = buffer + octets
        if len(longer) < self._wake_at and not (
            (_MARK in octets or _SLASH in octets or _ENVELOPE_BYTE in octets)
            if self._awaits_text
            # The header of another envelope may be split behind its first byte.
            else longer.find(ENVELOPE_START, len(buffer) - 1) >= 0
        ):
            return False
        self._wake_at = 0
        # Drop the bytes before the position, except for the few that identify the carrier of an envelope.
        drop = self._position - LONGEST_HEADER
        if drop > 0:
            self._buffer = longer[drop:]
            self._position -= drop
            self._origin += drop
        return True

    def next_event(self, *, final: bool = False) -> Frame | Rejected | None:
        """Return the next frame or rejection; None if that takes more bytes.

        With `final` no more will come: a last line needs no line end then, and a telegram without end is
        rejected.
        """
        before = -1
        # A step that has nothing to report may have moved on all the same.
        while before < self._position < len(self._buffer) and (final or not self._wake_at):
            before = self._position
            found: Frame | Rejected | None = self._take_alike()
            if found is None and (final or not self._wake_at):
                found = self._next(final=final)
            if found is not None:
                return found
        if final:
            self._position = len(self._buffer)
        return None

    def resume(self, frame: EncryptedFrame) -> None:
        """Continue the search one byte behind the beginning of an encrypted frame that could not be decrypted.

        It must be the last frame returned. Frames inside it that prove wrong too are not reported again.
        """
        self._wake_at = 0
        self._silent_to = max(self._silent_to, self._origin + self._position)
        self._position -= len(frame.octets) - 1

    @property
    def is_amid_telegram(self) -> bool:
        """Whether the last bytes are an incomplete telegram: plain text or an envelope."""
        buffer, start = self._buffer, self._position
        if not buffer.startswith(b"/", start):
            return ENVELOPE.match(buffer, start) is not None
        known = self._text_to - self._origin if self._text_from == self._origin + start else start
        is_binary = not buffer[known:].isascii() or _BINARY.search(buffer, known)
        if is_binary or (known == start and _LINE_END.search(buffer, start) is None):
            return False
        self._text_from, self._text_to = self._origin + start, self._origin + len(buffer)
        return True

    @property
    def pending(self) -> int:
        """The number of buffered bytes."""
        return len(self._buffer) - self._position

    def _wait(self, end: int, *, text: bool) -> None:
        """Skip the frame until a byte arrives that may change the answer, so that no byte is looked at twice."""
        # In a text, the next byte is one where the last may be half of the header of an envelope.
        self._wake_at = 0 if text and self._buffer.endswith(ENVELOPE_START[:1]) else end
        self._awaits_text = text

    def _take_alike(self) -> PlainFrame | None:
        """Return the telegram here if it is like the one before, or wait for the rest of it: the short way."""
        buffer, start, opening = self._buffer, self._position, self.opening
        if (text := alike(buffer, start, opening)) is not None:
            self._position += len(text) + SEAL
            return PlainFrame(text)
        body, end = start + len(opening), len(buffer)
        is_begun = buffer.startswith(opening, start) and body + LONGEST_HEADER < end <= start + MAX_TELEGRAM
        if is_begun and not _WAKES.search(buffer, body):
            self._wait(start + MAX_TELEGRAM + 1, text=True)
        return None

    def _next(self, *, final: bool) -> Frame | Rejected | None:
        """Return the next event from the position on; None if more bytes are needed, or fewer are left to search."""
        buffer = self._buffer
        envelope = find_envelope(buffer, self._position)
        end = (
            envelope.start() if envelope is not None else len(buffer) if final else end_of_known(buffer, self._position)
        )
        slash = buffer.find(b"/", self._position, end)
        begin = slash if slash >= 0 else end
        if begin > self._position and (hdlc := find_hdlc(buffer, self._position, begin)) is not None:
            self._position = hdlc.end()
            return self._reject(RejectReason.NOT_P1, hdlc.start(), hdlc.end())
        if slash >= 0:
            return self._take_text(slash, end, whole=final or envelope is not None)
        if envelope is not None:
            return self._take_envelope(envelope, final=final)
        # No frame begins in the rest, except perhaps in its last bytes.
        self._position = max(self._position, len(buffer) - LONGEST_HEADER)
        return None

    def _take_envelope(self, envelope: re.Match[bytes], *, final: bool) -> Frame | Rejected | None:
        buffer, start = self._buffer, envelope.start()
        end = start + HEADER + int.from_bytes(envelope[1])
        if carrier := find_carrier(buffer, start):
            self._position = start + HEADER
            return self._reject(RejectReason.NOT_P1, carrier.start(), start)
        another = find_envelope(buffer, start + 1)
        if another is not None and another.end() <= end:
            # A whole header does not occur by chance: this one lost its end. One that goes on behind the end does not
            # count, for it is not there yet when the bytes come one by one.
            self._position = another.start()
            return self._reject(RejectReason.TRUNCATED, start, another.start())
        if end > len(buffer):
            if not final:
                if another is None and end_of_known(buffer, self._position) == len(buffer):
                    self._wait(end, text=False)
                return None
            self._position = start + 1
            return self._reject(RejectReason.TRUNCATED, start, len(buffer))
        self._position = end
        return EncryptedFrame(buffer[start:end])

    def _take_text(self, start: int, end: int, *, whole: bool) -> Frame | Rejected | None:
        """Return the telegram that begins at a `/`, if there is one; with `whole` no more bytes belong to it."""
        buffer = self._buffer
        self._position = start
        limit = min(end, start + MAX_TELEGRAM + MAX_IDENTIFICATION)
        whole = whole or limit - start > MAX_TELEGRAM
        line_end = _LINE_END.search(buffer, start, min(limit, start + MAX_IDENTIFICATION))
        if line_end is None and not whole and limit - start < MAX_IDENTIFICATION:
            return None
        if line_end is None or _BINARY.search(buffer, start, line_end.start()):
            # The `/` is part of noise or ciphertext.
            self._position = start + 1
            return None
        body = line_end.start()
        cipher = _BARE_CIPHER.match(buffer, body)
        if cipher is not None and int.from_bytes(cipher[1]) in LENGTHS:
            return self._refuse_cipher(cipher, start, whole=whole)
        return self._take_lines(start, body, limit, whole=whole)

    def _take_lines(self, start: int, body: int, limit: int, *, whole: bool) -> Frame | Rejected | None:
        """Return the telegram whose lines begin at `body`; None if its end has not arrived yet."""
        buffer = self._buffer
        last = min(limit, start + MAX_TELEGRAM)
        mark = self._find_mark(body, last)
        # A `/` behind the identification line is the beginning of another telegram, or noise.
        slash = buffer.find(b"/", body, last if mark < 0 else mark)
        if slash >= 0 and (restart := self._find_restart(slash, last if mark < 0 else mark)) >= 0:
            return self._fail(RejectReason.TRUNCATED, start, restart, search_from=restart)
        if mark >= 0:
            return self._take_to(mark, start, slash, limit, whole=whole)
        if whole:
            return self._fail(self._unended(start, limit), start, min(limit, start + MAX_TELEGRAM))
        if limit == len(buffer) and limit - body > LONGEST_HEADER:
            self._wait(start + MAX_TELEGRAM + 1, text=True)
        return None

    def _refuse_cipher(self, cipher: re.Match[bytes], start: int, *, whole: bool) -> Rejected | None:
        """Report a telegram that is encrypted without an envelope, once it is complete."""
        end = cipher.end() + int.from_bytes(cipher[1])
        if end > len(self._buffer) and not whole:
            return None
        tail = _CIPHER_END.match(self._buffer, end)
        end = min(end, len(self._buffer)) if tail is None else tail.end()
        return self._fail(RejectReason.UNSUPPORTED_ENCRYPTION, start, end, search_from=end)

    def _take_to(self, mark: int, start: int, slash: int, limit: int, *, whole: bool) -> Frame | Rejected | None:
        """Return the telegram that ends at a `!` if its last line is valid; another may have begun at `slash`."""
        buffer = self._buffer
        last_line = _LAST_LINE.match(buffer, mark + 1, limit)
        if last_line is not None:
            # Four digits end the telegram, whether its line end has come or not.
            checksum, end = last_line[1] or last_line[2] or b"", last_line.end(1) if last_line[1] else last_line.end()
        elif whole or limit - mark > _LONGEST_END:
            checksum = buffer[mark + 1 : limit].rstrip(b"\x00 ")
            end = mark + 1 + (len(checksum) if len(checksum) <= _LONGEST_CHECKSUM else 0)
        else:
            return None
        text = buffer[start : mark + 1]
        torn = self._find_torn(slash, mark) if slash >= 0 else -1
        if checksum:
            # The rest of a telegram before a whole one may by chance leave the checksum as it is.
            is_whole = is_checksum(checksum, text) and (torn < 0 or not is_checksum(checksum, buffer[torn : mark + 1]))
        else:
            cut = _CUT_OPENING.match(text)
            slash = torn if cut is None else start + cut.start(1)
            is_whole = slash < 0
        if is_whole:
            self._position = limit if last_line is None else last_line.end()
            self.opening = text.partition(b"\r\n")[0] + b"\r\n"
            return PlainFrame(text, has_crc=bool(checksum))
        if slash >= 0:
            # The identification line may have another one too, such as that of a telegram behind the rest of one.
            slash = buffer.find(b"/", start + 1, slash + 1)
            return self._fail(RejectReason.TRUNCATED, start, slash, search_from=slash)
        return self._fail(RejectReason.CRC, start, end)

    def _find_mark(self, start: int, limit: int) -> int:
        """Return the position of the `!` that ends a telegram: it begins a line, unlike a `)` with one wrong bit."""
        mark = self._buffer.find(b"!", start, limit)
        while mark >= 0 and self._buffer[mark - 1] not in b"\r\n":
            mark = self._buffer.find(b"!", mark + 1, limit)
        return mark

    def _find_torn(self, slash: int, mark: int) -> int:
        """Return the position of the `/` that interrupts a line: without a checksum, another telegram begins there.

        A `/` in a line that is a whole object is part of its text.
        """
        buffer = self._buffer
        while slash >= 0:
            start = max(buffer.rfind(b"\n", 0, slash), buffer.rfind(b"\r", 0, slash)) + 1
            line_end = _LINE_END.search(buffer, slash)
            if line_end is None or not _OBJECT.fullmatch(buffer, start, line_end.start()):
                return slash
            slash = buffer.find(b"/", line_end.start(), mark)
        return -1

    def _find_restart(self, start: int, limit: int) -> int:
        """Return the position of the `/` of another telegram at the beginning of a line."""
        restarts = [slash for end in (b"\n/", b"\r/") if (slash := self._buffer.find(end, start - 1, limit)) >= 0]
        return min(restarts) + 1 if restarts else -1

    def _unended(self, start: int, limit: int) -> RejectReason:
        """Return why a text without end is rejected: too long, cut off, or a line before a stream of something else."""
        if _BINARY.search(self._buffer, start, min(limit, start + MAX_TELEGRAM)):
            return RejectReason.NOT_P1
        return RejectReason.OVERSIZED if limit - start > MAX_TELEGRAM else RejectReason.TRUNCATED

    def _fail(self, reason: RejectReason, start: int, end: int, *, search_from: int | None = None) -> Rejected | None:
        """Report a failed telegram that began at a `/`, unless that stands in the middle of a line."""
        self._position = start + 1 if search_from is None else search_from
        if start and self._buffer[start - 1] in _PRINTABLE:
            return None
        return self._reject(reason, start, end)

    def _reject(self, reason: RejectReason, start: int, end: int) -> Rejected | None:
        if self._origin + start < self._silent_to:
            return None
        self._silent_to = self._origin + end
        return Rejected(reason, end - start, self._buffer[start:end])
