"""The health of a port: issues, and diagnostic sensors of the line."""
