"""What goes wrong."""


class HistoryError(Exception):
    """Raised when something cannot be imported; the message is for the person who started the import."""
