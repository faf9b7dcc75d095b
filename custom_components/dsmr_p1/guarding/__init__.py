"""What of a port's registers is shown, and what becomes of readings that no use explains."""
