"""Waiting for a fact of a project: bounded in real time, whatever a test does to the time of its process."""

import threading
from collections.abc import Callable
from typing import NoReturn, Protocol, TypeVar

from mock_server.clock import SystemClock, VirtualClock, monotonic_s
from mock_server.project import Project

T = TypeVar("T")

_LOOK_EVERY_S = 0.25
"""How long a wait sleeps at most before it looks again at the time, which passes without an event."""

_STILL_S = 0.05
"""A system's clock that has not moved for so long is frozen: it has milliseconds."""

MOVE_IT = "a virtual clock stands still until it is moved: parking.clock.advance(...) or advance_to(...)"
FROZEN = 'time stands still: something has frozen the machine\'s clock: ask for clock="virtual" and move it'


class Waitable(Protocol):
    """What is waited for: a project, and where work on it is carried out."""

    project: Project

    def run(self, work: Callable[[], T]) -> T:
        """Carry out work where the project lives."""

    def story(self) -> list[str]:
        """The newest events in ten lines of text."""

    def changes_in_s(self) -> float | None:
        """The most seconds until the project changes by itself; None if waiting here cannot change anything."""


class Wait:
    """One wait, from its beginning to its timeout in seconds of real time."""

    def __init__(self, parking: Waitable, timeout_s: float) -> None:
        self._parking = parking
        self._clock = parking.project.clock
        self._began_ms = parking.run(self._clock.now_ms)
        self._real_began_s = monotonic_s()
        self._timeout_s = timeout_s

    @property
    def left_s(self) -> float:
        """The seconds until the timeout."""
        return self._real_began_s + self._timeout_s - monotonic_s()

    @property
    def is_frozen(self) -> bool:
        """Whether the system's clock has stood still for so long that something must have frozen it."""
        is_long = monotonic_s() - self._real_began_s > _STILL_S
        return is_long and isinstance(self._clock, SystemClock) and self._clock.now_ms() == self._began_ms

    def _settle(self) -> None:
        """Block until it is known whether the system's clock is frozen: a wait may be decided before that."""
        pause = threading.Event()
        while isinstance(self._clock, SystemClock) and self._clock.now_ms() == self._began_ms and not self.is_frozen:
            pause.wait(_STILL_S / 10)

    def until(self, condition: Callable[[], bool]) -> bool:
        """Block until a condition holds; whether it holds in the end. It is evaluated where the project lives."""
        parking, changed = self._parking, threading.Event()
        stop = parking.run(lambda: parking.project.history.listen(changed.set))
        try:
            while not parking.run(condition):
                soon = parking.changes_in_s()
                if soon is None or self.left_s <= 0:
                    return parking.run(condition)  # what was due has been carried out since the last evaluation
                changed.wait(max(0.0, min(soon, self.left_s, _LOOK_EVERY_S)))
                changed.clear()
            return True
        finally:
            parking.run(stop)

    def until_idle(self) -> None:
        """Wait until nothing is pending. AssertionError, as soon as that cannot be, says what is pending and why."""
        __tracebackhide__ = True
        states: list[bool] = []

        def is_decided() -> bool:
            states.append(self._parking.project.idle().idle)
            return states[-1] or self._is_hopeless()

        self.until(is_decided)
        if not states[-1]:
            pending = self._parking.run(self._parking.project.pending)
            self.fail(f"not idle: pending are {', '.join(pending)}")

    def _is_hopeless(self) -> bool:
        """Whether something is pending that only time brings, and the time will not have come."""
        project = self._parking.project
        stands_still = isinstance(project.clock, VirtualClock) or self.is_frozen
        return project.needs_time(0 if stands_still else round(max(0.0, self.left_s) * 1000))

    def fail(self, what: str) -> NoReturn:
        """Raise AssertionError: what was waited for, why it cannot come if the reason is the clock, and the story."""
        __tracebackhide__ = True
        parking = self._parking
        self._settle()
        advice = []
        if isinstance(self._clock, VirtualClock) and parking.run(parking.project.needs_time):
            advice = [MOVE_IT]
        elif self.is_frozen:
            advice = [FROZEN]
        raise AssertionError("\n  ".join([what, *advice, *parking.story()]))
