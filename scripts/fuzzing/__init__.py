"""scripts/fuzz: bytes that are guided by what they reach in the protocol core."""
