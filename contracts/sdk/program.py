"""Runs a loop's client as a process that the judge drives: `python -m contracts.sdk.program NAME [--busy]`."""

import sys
from collections.abc import Sequence

from contracts.client.shim import serve
from contracts.sdk.client import LoopClient
from contracts.sdk.loop import Loop
from contracts.sdk.loops import LOOPS
from mock_server.model import JsonObject

BUSY = "--busy"
"""The store of the client is busy when the first record comes."""


def command_of(name: str, options: Sequence[str] = ()) -> list[str]:
    """The command that runs the client of a loop."""
    return [sys.executable, "-P", "-m", "contracts.sdk.program", name, *options]


def main() -> None:
    """Speak the client protocol on standard input and output."""
    loop = LOOPS[sys.argv[1]]
    command, folder = loop.prepare()

    def start_loop(settings: JsonObject) -> Loop:
        return Loop(command, folder, settings)

    def make_client(exports: JsonObject) -> LoopClient:
        return LoopClient(start_loop, exports, is_busy=BUSY in sys.argv[2:])

    serve(loop.agent, make_client, sys.stdin, sys.stdout, loop.version)


if __name__ == "__main__":
    main()
