"""Which meter is which: known meters, meters that moved, and meters that were replaced."""
