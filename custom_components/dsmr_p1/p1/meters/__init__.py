"""From objects to meters, their channels, and what a household is shown of them."""
