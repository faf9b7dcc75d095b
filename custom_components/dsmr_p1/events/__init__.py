"""Events of a meter, such as a power failure, detected by comparing each telegram with the one before."""
