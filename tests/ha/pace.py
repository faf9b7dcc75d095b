"""What the tests of the pace of updates share."""


class Clock:
    """The clock that the pace of updates goes by, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
