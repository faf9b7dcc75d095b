"""Measures this project beside its peers, in one process and one run."""
