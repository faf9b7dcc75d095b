"""The stored data of a port: the records and their file."""
