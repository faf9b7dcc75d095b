"""Telegrams without checksum: what shows that bytes were lost or doubled, or that another meter sends."""

from . import catalog
from .catalog import Quantity
from .errors import TelegramError
from .lines import has_control
from .parser import Parsed
from .telegram import FORM, REGISTERS, CosemObject


class Unsealed:
    """What no telegram of a port without checksum changes.

    A meter sends the same identifiers in every telegram, and each register with all its digits, so that only digits
    change: otherwise bytes were lost or doubled.
    """

    def __init__(self) -> None:
        """Start without a telegram."""
        self._constants: tuple[object, ...] = ()
        self._others: tuple[object, ...] = ()

    def confirm(self) -> None:
        """Forget what the last telegram had otherwise: one that is alike has come since."""
        self._others = ()

    def check(self, parsed: Parsed) -> None:
        """Refuse a telegram that is damaged, or of another meter than the one before; twice in a row it is a new one.

        Raises TelegramError, also where the declared version has a checksum.
        """
        _check_lines(parsed)
        lines = map(_constant, parsed.texts, parsed.telegram.objects, strict=True)
        constants = (parsed.telegram.identification, *filter(None, lines))
        if self._constants and constants not in (self._constants, self._others):
            self._others = constants
            message = "the identifiers or the form of the registers differ from the telegram before"
            raise TelegramError(message)
        self._constants, self._others = constants, ()


def _check_lines(parsed: Parsed) -> None:
    """Refuse a telegram that should have a checksum, or in which a line is torn. Raises TelegramError."""
    telegram = parsed.telegram
    for obj in telegram.objects:
        if obj.candidates and (first := catalog.CRC_VERSIONS.get(obj.candidates[0].id)) is not None:
            version = obj.values[0].value
            if not (isinstance(version, str) and version.isdecimal() and int(version) < first):
                message = "no checksum, though the declared version has one"
                raise TelegramError(message)
    if "(" in telegram.identification or any(
        line.count("(") != line.count(")") or has_control(line) for line in telegram.malformed
    ):
        message = "a line is torn"
        raise TelegramError(message)


def _constant(line: str, obj: CosemObject) -> object:
    """Return what of a line changes in no telegram of a meter; None where that is nothing."""
    if not obj.candidates:
        return None
    row = obj.candidates[0]
    if row.channel.quantity is Quantity.DEVICE_TYPE or row.id in catalog.IDENTIFIERS:
        return line
    if row.channel.quantity is Quantity.MEASURED:
        # A reference with a wrong bit is one that the catalog does not know, as a rule.
        return obj.obis
    if row.channel.quantity not in REGISTERS:
        return None
    head, _, values = line.partition("(")
    return head, values.encode("latin-1").translate(FORM)
