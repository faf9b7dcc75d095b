"""A P1 port behind an RFC 2217 server: a TCP connection over which the reader sets speed, size, parity and stop bits.

Telnet (RFC 854, 855) frames the commands: `IAC WILL|WONT|DO|DONT option`, and `IAC SB 44 command value IAC SE` for
the line settings, which the server confirms with the command plus 100 (RFC 2217, section 3). An `IAC` within the
data is doubled.
"""

from dataclasses import replace
from enum import IntEnum
import socket
from typing import Final, override

from .line import V4_SETTINGS, LineSettings, Parity
from .tcp import Client, TcpPort


class Telnet(IntEnum):
    """The commands of telnet."""

    SE = 240
    SB = 250
    WILL = 251
    WONT = 252
    DO = 253
    DONT = 254
    IAC = 255


class Command(IntEnum):
    """The commands of the COM port control option that concern the line."""

    SET_BAUDRATE = 1
    SET_DATASIZE = 2
    SET_PARITY = 3
    SET_STOPSIZE = 4


COM_PORT_OPTION: Final = 44
ACCEPTED_OPTIONS: Final = frozenset({0, 3, COM_PORT_OPTION})
"""Binary transmission, no go-ahead, and the line settings."""
CONFIRMATION: Final = 100
PARITIES: Final = {1: Parity.NONE, 2: Parity.ODD, 3: Parity.EVEN, 4: Parity.MARK, 5: Parity.SPACE}
STOP_SIZES: Final = {1: 1.0, 2: 2.0, 3: 1.5}
LONGEST_COMMAND: Final = 256


class Rfc2217Client(Client):
    """One reader and the line settings that it asked for."""

    def __init__(self, connection: socket.socket) -> None:
        """Begin with the settings of a current meter, until the reader sets its own."""
        super().__init__(connection)
        self._settings = V4_SETTINGS
        self._buffer = bytearray()
        self._answered: set[tuple[int, int]] = set()

    @property
    @override
    def settings(self) -> LineSettings:
        return self._settings

    @override
    def send(self, content: bytes) -> int:
        escaped = content.replace(b"\xff", b"\xff\xff")
        taken = super().send(escaped)
        return len(content) if taken == len(escaped) else taken

    @override
    def received(self, content: bytes) -> None:
        self._buffer += content
        while (length := self._command_length()) is not None:
            command = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._obey(command)
        if len(self._buffer) > LONGEST_COMMAND:
            self._buffer.clear()

    def _command_length(self) -> int | None:
        """Return how many bytes at the beginning belong together; None while more must come."""
        buffer = self._buffer
        if not buffer:
            return None
        if buffer[0] != Telnet.IAC:
            end = buffer.find(Telnet.IAC)
            return len(buffer) if end < 0 else end
        if len(buffer) < 2:
            return None
        match buffer[1]:
            case Telnet.WILL | Telnet.WONT | Telnet.DO | Telnet.DONT:
                return 3 if len(buffer) >= 3 else None
            case Telnet.SB:
                end = buffer.find(bytes([Telnet.IAC, Telnet.SE]))
                return None if end < 0 else end + 2
            case _:
                return 2

    def _obey(self, command: bytes) -> None:
        match list(command):  # bytes are no sequence to a pattern
            case [Telnet.IAC, (Telnet.WILL | Telnet.DO) as verb, option]:
                self._answer(verb, option)
            case [Telnet.IAC, Telnet.SB, option, number, *value] if option == COM_PORT_OPTION:
                self._set(number, bytes(value[:-2]).replace(b"\xff\xff", b"\xff"))

    def _answer(self, verb: int, option: int) -> None:
        """Agree or refuse, once for each option: two sides that answer every answer never stop."""
        if (verb, option) in self._answered:
            return
        self._answered.add((verb, option))
        is_accepted = option in ACCEPTED_OPTIONS
        if verb == Telnet.WILL:
            reply = Telnet.DO if is_accepted else Telnet.DONT
        else:
            reply = Telnet.WILL if is_accepted else Telnet.WONT
        self.connection.send(bytes([Telnet.IAC, reply, option]))

    def _set(self, number: int, value: bytes) -> None:
        """Change a line setting, or with a value of 0 tell it, and confirm what it is now."""
        now = self._settings
        wanted = int.from_bytes(value)
        match number:
            case Command.SET_BAUDRATE:
                now = replace(now, baudrate=wanted or now.baudrate)
                value = now.baudrate.to_bytes(4)
            case Command.SET_DATASIZE:
                now = replace(now, data_bits=wanted if 5 <= wanted <= 8 else now.data_bits)
                value = bytes([now.data_bits])
            case Command.SET_PARITY:
                now = replace(now, parity=PARITIES.get(wanted, now.parity))
                value = bytes([next(code for code, known in PARITIES.items() if known == now.parity)])
            case Command.SET_STOPSIZE:
                now = replace(now, stop_bits=STOP_SIZES.get(wanted, now.stop_bits))
                value = bytes([next(code for code, known in STOP_SIZES.items() if known == now.stop_bits)])
        self._settings = now
        content = bytes([COM_PORT_OPTION, number + CONFIRMATION]) + value.replace(b"\xff", b"\xff\xff")
        self.connection.send(bytes([Telnet.IAC, Telnet.SB]) + content + bytes([Telnet.IAC, Telnet.SE]))


class Rfc2217Port(TcpPort):
    """A TCP server whose clients choose line settings, and get what their UART would have made of the bits."""

    scheme = "rfc2217"

    @override
    def _make_client(self, connection: socket.socket) -> Client:
        return Rfc2217Client(connection)
