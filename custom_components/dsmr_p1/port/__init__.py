"""What a port is and what is kept of it: below everything that acts on it."""
