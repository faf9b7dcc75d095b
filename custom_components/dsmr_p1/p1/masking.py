"""Masking: hides possibly private parts of a telegram that are not known to be, digit by digit and letter by letter.

That is the values of objects that the catalog does not know, and the pieces of lines of which the reference was lost.
The values that the catalog knows to be private are left to `anonymise`, which replaces them by others of the same form:
`shareable` does both, so that a telegram of a household can be shown to strangers and still be read as before.
"""

import re
from string import digits, hexdigits
from typing import Final

from .anonymise import anonymise
from .catalog import candidates
from .cosem.obis import Obis
from .decoding.decoder import Reading
from .wire.checksums import telegram_checksums
from .wire.envelope import ENVELOPE_START
from .wire.frames import Rejected

_VALUES: Final = re.compile(r"(?:\([^()]*\)|\(\([^()]*\)\))+[ \x00]*")
_VALUE: Final = re.compile(r"(?<=\()[^()]*(?=\))")
_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}\)?")
_MASK: Final = str.maketrans(
    dict.fromkeys(digits, "0") | {chr(code): "X" for code in range(256) if chr(code).isalpha()}
)
_MASK_HEXADECIMAL: Final = str.maketrans(dict.fromkeys(hexdigits, "5"))
_ENDS: Final = re.compile(r"(/.*|![0-9A-Fa-f]{0,4}[ \x00]*|\([0-9]{1,8}[.,][0-9]+\)|[ \x00]*)")
"""The first line, the last, a blank one, and the number that stands on a line of its own in DSMR 3."""
_MOMENT: Final = r"[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[01][0-9]|2[0-4])[0-5][0-9][0-5][0-9]"
_REFERENCE: Final = r"[0-9]{1,3}-[0-9]{1,3}:[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_PLAIN_REFERENCE: Final = re.compile(rf"{_REFERENCE}(?:[.*][0-9]{{1,3}})?")
_UNIT: Final = r"[^0-9*]{1,6}(?:[23](?:/[a-z])?)?"
_ANYWHERE: Final = rf"{_MOMENT}[WS]|{_REFERENCE}"
# The values that stay, of objects that are known to be nobody's secret, and of those that are not known at all.
_PUBLIC: Final = re.compile(
    rf"|-?[0-9]{{1,10}}(?:[.,][0-9]+)?(?:\*{_UNIT})?|-?[0-9]{{1,10}}[.,][0-9]+ ?{_UNIT}|{_ANYWHERE}|{_MOMENT}"
    r"|[0-9]{12}[WS]|[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}|.{1,8}"
)
_HARMLESS: Final = re.compile(rf"|-?[0-9]{{1,8}}(?:[.,][0-9]+)?\*{_UNIT}|{_ANYWHERE}|.{{1,4}}")
_SYSTEM_TITLE: Final = re.compile(rb"(?<=" + re.escape(ENVELOPE_START) + rb")[\x00-\xFF]{1,8}")
_SHOWN_OF_OTHERS: Final = 32
"""The bytes that identify another protocol and contain no address of the device yet."""


def octets_of(event: Reading | Rejected) -> bytes:
    """Return a telegram as the port sent it, ready to be played again; of an encrypted one, the text inside.

    Nothing is left of an encrypted telegram that could not be opened.
    """
    if isinstance(event, Reading):
        return _closed(event.telegram.text, has_crc=event.telegram.has_crc)
    # A line end separates it from the next telegram.
    is_open = event.octets and not event.reason.is_foreign and not event.octets.endswith((b"\r", b"\n"))
    return event.octets + b"\r\n" if is_open else event.octets


def shareable(event: Reading | Rejected, secret: bytes) -> bytes:
    """Return a telegram without what identifies a household; `secret` determines the replacements."""
    if isinstance(event, Reading):
        # The last line is rebuilt, so that the checksum is right before identifiers are replaced, and hence afterwards.
        return anonymise(_closed(_masked(event.telegram.text), has_crc=event.telegram.has_crc), secret)
    if event.reason.is_foreign or event.octets.startswith(ENVELOPE_START):
        return event.octets.partition(ENVELOPE_START)[0][:_SHOWN_OF_OTHERS]
    return anonymise(_masked(_SYSTEM_TITLE.sub(b"", octets_of(event))), secret)


def masked_line(line: str) -> str:
    """Mask the possibly private parts of a line; values of objects known to be private are left to `anonymise`."""
    if _ENDS.fullmatch(line):
        return line
    reference, parenthesis, values = line.partition("(")
    try:
        rows = candidates(Obis.parse(reference.strip()))
    except ValueError:
        return _mask(line)
    is_private = any(row.channel.quantity.is_private for row in rows)
    if is_private and not _PLAIN_REFERENCE.fullmatch(reference):
        return reference + _mask(parenthesis + values)
    values = parenthesis + values
    is_whole = _VALUES.fullmatch(values) is not None
    kept = ""
    if is_private:
        # The first value is left to be replaced, also where it goes on in the next line.
        first, end, values = values.partition(")")
        kept = first + end
    if not is_whole:
        return reference + kept + _mask(values)
    harmless = _PUBLIC if rows and not is_private else _HARMLESS
    masked = _VALUE.sub(lambda value: value[0] if harmless.fullmatch(value[0]) else _mask(value[0]), values)
    return reference + kept + masked


def _masked(octets: bytes) -> bytes:
    """Mask the lines of a telegram, whole or damaged; the line ends stay."""
    text = octets.decode("latin-1")
    return re.sub(r"[^\r\n]+", lambda line: masked_line(line[0]), text).encode("latin-1")


def _mask(text: str) -> str:
    # A text spelled in hexadecimal digits stays one.
    return text.translate(_MASK_HEXADECIMAL if _HEXADECIMAL.fullmatch(text) else _MASK)


def _closed(text: bytes, *, has_crc: bool) -> bytes:
    """Return a telegram with its last line: the checksum is recomputed, as only valid ones are ever read."""
    checksum = b"%04X" % next(telegram_checksums(text)) if has_crc else b""
    return text + checksum + b"\r\n"
