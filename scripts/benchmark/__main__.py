"""The entry point of scripts/bench."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
