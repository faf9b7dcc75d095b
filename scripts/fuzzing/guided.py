"""The process that atheris drives: libFuzzer's arguments, until something is raised."""

from importlib import import_module
import sys


def main() -> None:
    """Run; libFuzzer ends the process."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["p1"]):
        target = import_module("fuzzing.target")
    atheris.Setup(sys.argv, target.try_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
