"""Faults on purpose: what a port with its guard shows of telegrams that are damaged, odd, forged or calm."""
