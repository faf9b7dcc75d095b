"""What all tests share."""

import logging

# The test tools let the database engine write every statement to the log. What is written between two tests belongs to
# neither, and would stand among the dots.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
