"""Bytes in, readings out, and the plan that spares most of the work."""
