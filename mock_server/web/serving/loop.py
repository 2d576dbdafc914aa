"""The event loop of a server: its clock is real, also in a process whose tests freeze time.

uvicorn waits for its next tick on the loop's clock. asyncio's own loop reads `time.monotonic`, which freezegun
replaces: a tick of a frozen test would lie years ahead, and the server would never stop.
"""

import asyncio

from mock_server.clock import monotonic_s


class SteadyEventLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on a clock that nobody replaces."""

    def time(self) -> float:
        """Seconds that never decrease."""
        return monotonic_s()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, which reads the machine's clock itself, where it is installed; else asyncio's."""
    try:
        import uvloop  # noqa: PLC0415 does not exist on Windows
    except ImportError:
        return SteadyEventLoop()
    return uvloop.new_event_loop()
