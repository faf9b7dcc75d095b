"""A file or a pipe in the place of a port: everything that is sent is written, whoever reads it."""

from typing import BinaryIO, override

from .line import LineSettings
from .ports import Port


class StreamPort(Port):
    """Writes to a stream that was opened by somebody else."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    @override
    def path(self) -> str:
        return "-"

    @property
    @override
    def is_plugged(self) -> bool:
        return True

    @override
    def reader_present(self) -> bool:
        return True

    @override
    def reader_settings(self) -> LineSettings | None:
        return None

    @override
    def write_raw(self, received: bytes) -> int:
        self._stream.write(received)
        self._stream.flush()
        return len(received)

    @override
    def unplug(self) -> None:
        """Do nothing: a stream has no cable."""

    @override
    def replug(self, path: str | None = None) -> None:
        """Do nothing: a stream has no cable."""
