"""What the sums of the recorder have too much, and how it is taken out: by the recorder's own means."""
