"""A port and its stored data, below everything that acts on it."""
