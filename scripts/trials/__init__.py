"""Trials of endurance, of a real Home Assistant or of lines on which everything goes wrong, one module each."""
