"""scripts/import-history: what another program has kept of a meter, as statistics of Home Assistant."""
