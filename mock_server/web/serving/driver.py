"""Runs the timers of a project's clock on the serving loop."""

import asyncio

from mock_server.clock import Clock, VirtualClock
from mock_server.project import Project

_MAX_SLEEP_S = 3600.0
_TURN_S = 0.002
"""Timers run in bites of this length, so that requests get their turn between them and timers keep up with requests."""


class ClockDriver:
    """Wakes up when the next timer of a project is due. On a virtual clock only what is due already runs by itself."""

    def __init__(self, project: Project, loop: asyncio.AbstractEventLoop) -> None:
        self._project = project
        self._clock: Clock = project.clock
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._clock.on_earlier = self._schedule
        self._schedule(self._clock.next_at())

    def stop(self) -> None:
        """Let go of the clock."""
        self._clock.on_earlier = None
        if self._handle is not None:
            self._handle.cancel()

    def _schedule(self, at_ms: int | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        delay_ms = 0 if at_ms is None else max(0, at_ms - self._clock.now_ms())
        waits_for_hand = delay_ms > 0 and isinstance(self._clock, VirtualClock)
        if at_ms is not None and not waits_for_hand:
            self._handle = self._loop.call_later(min(delay_ms / 1000, _MAX_SLEEP_S), self._run)

    def _run(self) -> None:
        until = self._loop.time() + _TURN_S
        try:
            while self._clock.run_due(1) and self._loop.time() < until:
                pass
        finally:  # the loop tells of a timer that fails; the others must still run
            self._project.history.wake()
            self._schedule(self._clock.next_at())
