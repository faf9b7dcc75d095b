"""The dialogs in which a port is set up and its preferences are changed."""
