"""The parts of the config and options flows."""
