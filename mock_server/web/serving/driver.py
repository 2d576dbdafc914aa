"""Runs the timers of a project's clock on the serving loop."""

import asyncio

from mock_server.clock import Clock, VirtualClock
from mock_server.project import Project

_MAX_SLEEP_S = 3600.0
"""The longest sleep in seconds (our choice). The clock is read again then: the machine's time may have been set."""

_TURN_S = 0.002
"""The seconds for which due timers run before the loop serves requests again; at least one timer runs.

A limit in time, because with a limit in number (it was 8) timers fell behind without end under load: between two runs
the loop serves every waiting request, and each sync adds two timers. Short, because a request may have to wait for it
in addition to the 3 ms of its p50 with 16 connections (docs/serving.md).
"""


class ClockDriver:
    """Runs a project's timers when they are due. On a virtual clock only those due now: `advance` runs later ones."""

    def __init__(self, project: Project, loop: asyncio.AbstractEventLoop) -> None:
        self._project = project
        self._clock: Clock = project.clock
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        self._clock.on_earlier = self._schedule
        self._schedule(self._clock.next_at())

    def stop(self) -> None:
        """Run no more timers."""
        self._clock.on_earlier = None
        if self._handle is not None:
            self._handle.cancel()

    def _schedule(self, at_ms: int | None) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        delay_ms = 0 if at_ms is None else max(0, at_ms - self._clock.now_ms())
        waits_for_advance = delay_ms > 0 and isinstance(self._clock, VirtualClock)
        if at_ms is not None and not waits_for_advance:
            self._handle = self._loop.call_later(min(delay_ms / 1000, _MAX_SLEEP_S), self._run)

    def _run(self) -> None:
        until = self._loop.time() + _TURN_S
        try:
            while self._clock.run_due(1) and self._loop.time() < until:
                pass
        finally:  # the loop logs the exception of a timer; the other timers must still run
            self._project.history.wake()
            self._schedule(self._clock.next_at())
