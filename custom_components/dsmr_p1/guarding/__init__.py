"""The guard of the registers of a port, and the handling of jumps that consumption does not explain."""
