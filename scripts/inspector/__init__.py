"""Tells what is in captures or on a P1 port, in the meter's own voice."""
