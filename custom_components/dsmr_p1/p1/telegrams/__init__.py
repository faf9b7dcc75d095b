"""From the text of a telegram to its objects."""
