"""The meters of a port: known meters, meters that moved, and meters that were replaced."""
