"""Discovery: what announces itself as a way to a P1 port, and the steps of the flow that follow from it."""
