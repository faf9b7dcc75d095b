"""What happens at a meter, such as a power failure: found by comparing a telegram with what was seen before."""
