"""Telegrams without checksum: checks for lost or doubled bytes, and for another meter."""

from .. import catalog
from ..catalog import Quantity
from ..errors import TelegramError
from .lines import has_control
from .parser import Parsed
from .telegram import FORM, REGISTERS, CosemObject


class Unsealed:
    """The constant parts of the telegrams of a port without checksum.

    A meter sends the same identifiers in every telegram, and each register with all its digits, so that only digits
    change: otherwise bytes were lost or doubled.
    """

    def __init__(self) -> None:
        self._constants: tuple[object, ...] = ()
        self._others: tuple[object, ...] = ()

    def confirm(self) -> None:
        """Forget the differences of the last telegram: one that agrees has come since."""
        self._others = ()

    def check(self, parsed: Parsed) -> None:
        """Reject a telegram that is damaged or of another meter than the one before, unless it comes twice in a row.

        Raises TelegramError, also if the declared version has a checksum.
        """
        _check_lines(parsed)
        lines = map(_constant, parsed.texts, parsed.telegram.objects, strict=True)
        constants = (parsed.telegram.identification, *filter(None, lines))
        if self._constants and constants not in (self._constants, self._others):
            self._others = constants
            raise TelegramError("the identifiers or the form of the registers differ from the telegram before")
        self._constants, self._others = constants, ()


def _check_lines(parsed: Parsed) -> None:
    """Raise TelegramError for a telegram that should have a checksum, or has an incomplete line."""
    telegram = parsed.telegram
    for obj in telegram.objects:
        if (first := catalog.CRC_VERSIONS.get(obj.id)) is not None:
            version = obj.values[0].value
            if not (isinstance(version, str) and version.isdecimal() and int(version) < first):
                raise TelegramError("no checksum, though the declared version has one")
    if "(" in telegram.identification or any(
        line.count("(") != line.count(")") or has_control(line) for line in telegram.malformed
    ):
        raise TelegramError("a line is torn")


def _constant(line: str, obj: CosemObject) -> object:
    """Return the part of a line that is the same in all telegrams of a meter; None if there is none."""
    if obj.quantity is Quantity.DEVICE_TYPE or obj.id in catalog.IDENTIFIERS:
        return line
    if obj.quantity is Quantity.MEASURED:
        # A reference with a wrong bit is one that the catalog does not know, as a rule.
        return obj.obis
    if obj.quantity not in REGISTERS:
        return None
    head, _, values = line.partition("(")
    return head, values.encode("latin-1").translate(FORM)
