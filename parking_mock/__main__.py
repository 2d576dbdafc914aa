"""The command `parking-mock`, also as `python -m parking_mock`. Exit code 2 if its package is shadowed."""

import gc
import sys

from parking_mock.shadows import shadow

GC_AFTER = 10_000
"""So many new objects start a garbage collection. What is imported lives on: looking through it as often as Python does
by itself takes an eighth of the time that a command takes to begin."""


def main() -> None:
    """Run the command line, unless somebody else's `mock_server` would be imported for ours."""
    gc.set_threshold(GC_AFTER)
    message = shadow("mock_server")
    if message is not None:
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(2)
    from mock_server.cli import main as command  # noqa: PLC0415 not before the check

    command(prog_name="parking-mock")


if __name__ == "__main__":
    main()
