"""What is kept of a port over a restart: the records, and the file they are in."""
