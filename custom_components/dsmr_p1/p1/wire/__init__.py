"""From bytes to the text of a telegram: frames, checksums, encryption."""
