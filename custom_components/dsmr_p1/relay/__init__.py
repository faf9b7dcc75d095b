"""The relay: every good telegram of a port, handed on to other programs over TCP."""
