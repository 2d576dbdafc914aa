"""Moves a project's virtual clock to a later time, for the lab API and the testing API alike.

The clock stops at every timer on the way. Where consumers hold messages, the caller waits in real time until they have
acknowledged: otherwise their ack timeouts would pass, in no time, before they can.
"""

from mock_server.clock import VirtualClock, monotonic_s
from mock_server.history.events import ClockMoved
from mock_server.model import LATEST_MS
from mock_server.project import Project
from mock_server.steps import TURN_S

MANY = 1_000_000
"""More timers than a turn has time for."""


class Advance:
    """One move of a virtual clock. `arrived` is True at its end; `steps` counts the timers that it has run.

    The caller calls `go` until then. After each call that has not arrived it lets others have their turn, and, while
    `waits` is True, waits for an acknowledgement, or calls `give_up`.
    """

    def __init__(self, project: Project, to_ms: int) -> None:
        """TypeError if the project's clock is the system's, ValueError if `to_ms` is in the past or too far."""
        clock = project.clock
        if not isinstance(clock, VirtualClock):
            raise TypeError('the system\'s clock moves by itself: ask for clock="virtual"')
        if to_ms < clock.now_ms():
            raise ValueError(f"time does not go back: it is {clock.now_ms()} already")
        if to_ms > LATEST_MS:
            raise ValueError(f"time ends at {LATEST_MS}")
        self._project = project
        self._clock = clock
        self._to_ms = to_ms
        self._resets = project.history.resets
        self._is_patient = True
        self.arrived = False
        self.steps = 0
        project.history.add(ClockMoved(to_ms))

    @property
    def waits(self) -> bool:
        """Whether it waits for consumers to acknowledge what they hold."""
        return self._is_patient and self._project.queue.in_flight > 0

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged so far: while this grows, the consumers are at work."""
        return self._project.queue.acknowledged

    def give_up(self) -> None:
        """Wait for consumers no more."""
        self._is_patient = False

    def go(self, most: int = MANY) -> None:
        """Move on to the end, until it has to wait, for `most` timers, or for `TURN_S`.

        A project that has meanwhile been reset, or has gone back to another time, is where it is to be.
        """
        if self._project.history.resets != self._resets:
            self.arrived = True
            return
        clock, until = self._clock, monotonic_s() + TURN_S
        for _ in range(most):
            due = clock.next_at()
            if self.waits and (due is None or due > clock.now_ms()):
                return
            if not clock.run_next(self._to_ms):
                clock.advance_to(max(self._to_ms, clock.now_ms()))
                self.arrived = True
                self._project.history.wake()  # the time has changed, perhaps without an event
                return
            self.steps += 1
            if monotonic_s() > until:
                return
