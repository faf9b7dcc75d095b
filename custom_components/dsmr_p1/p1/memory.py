"""Lasting knowledge about a port: it outlives a telegram, the reader, and a restart if it is stored."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class PortMemory:
    """Properties that a port has shown once and must keep.

    `sends_crc`: its telegrams have a checksum. `tag_verified`: the tag of its encrypted telegrams verifies, and plain
    ones are rejected unless `allows_plain`. `frame_counters`: the highest frame counter by system title, in
    hexadecimal digits; it changes with every telegram and so does not count in comparisons. `tariffs`: the channel ids
    of the registers of the main meter, of which a total needs all; once `is_certain`, which three telegrams make them,
    one that comes in a single telegram is none of them. `former` are those of the meter before, as its identifier may
    have been odd once.
    """

    sends_crc: bool = False
    tag_verified: bool = False
    tariffs: set[str] = field(default_factory=set)
    main_meter: str | None = field(default=None, repr=False)
    frame_counters: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    allows_plain: bool = False
    is_certain: bool = field(default=False, compare=False)
    former: dict[str | None, set[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tells_apart(self) -> bool:
        """Whether the main meter has an identifier that distinguishes it from others."""
        return self.main_meter is not None and not self.main_meter.endswith("\n")

    def recognise(self, identification: str, identifier: str | None) -> None:
        """Begin with other registers if the main meter reports another identifier, or with those it had before.

        A missing identifier is no evidence of another meter. Another first line with the same identifier is none:
        a single odd telegram has one, and so has a new firmware.
        """
        before, _, identifier_before = (self.main_meter or "").partition("\n")
        if identification == before:
            identifier = identifier or identifier_before
        main_meter = f"{identification}\n{identifier or ''}"
        if main_meter != self.main_meter:
            former, self.main_meter = self.main_meter, main_meter
            if not identifier or identifier != identifier_before:
                known = self.former.get(main_meter, set())
                if self.is_certain:
                    self.former = {former: set(self.tariffs)}
                self.tariffs.clear()
                self.tariffs |= known
                self.is_certain = bool(known)

    def confirm(self, tariffs: set[str]) -> bool:
        """Believe the registers that three telegrams in a row have had; return whether these are others than before."""
        before = set(self.tariffs)
        if not self.is_certain:
            self.tariffs.clear()
        self.tariffs |= tariffs
        self.is_certain = True
        return self.tariffs != before
