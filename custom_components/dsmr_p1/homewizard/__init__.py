"""HomeWizard's P1 meter: a network reader that hands out the last telegram over HTTP, read as if it were a port."""
