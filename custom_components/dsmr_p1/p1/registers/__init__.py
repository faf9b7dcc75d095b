"""Which readings of registers may be shown."""
