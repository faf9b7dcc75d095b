"""Trials of endurance: power failures of a real Home Assistant, and lines on which everything goes wrong."""
