"""Trials of endurance: power failures of a real Home Assistant, bad lines, and many homes at once."""
