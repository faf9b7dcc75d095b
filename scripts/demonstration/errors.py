"""What can go wrong, told to the person at the terminal."""


class DemonstrationError(Exception):
    """Something that ends the demonstration; the message says what, and what to do."""
