"""System and virtual clocks, and the timers of a project.

Every delay of a project (a late record, a redelivery, a command's next status) is a `call_at` on its clock, so the
clock knows whether anything is pending.
"""

import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count


class Timer:
    """A callback at a time in epoch milliseconds. `on_dropped` is called if the clock drops it (`cancel_all`)."""

    __slots__ = ("_clock", "at_ms", "callback", "on_dropped", "what")

    def __init__(self, clock: "Clock", at_ms: int, callback: Callable[[], object], what: str) -> None:
        self._clock = clock
        self.at_ms = at_ms
        self.what = what
        self.callback: Callable[[], object] | None = callback
        self.on_dropped: Callable[[], object] | None = None

    def cancel(self) -> None:
        """Do not call the callback. Without effect once the timer has run."""
        if self.callback is not None:
            self.callback = None
            self._clock.forget_one()


class Clock(ABC):
    """Epoch milliseconds, and timers that run in the order of their times, then in that of `call_at`.

    `on_earlier(at_ms)` is called when a timer is added that is due before all others: a driver wakes up for it.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._order = count()
        self._live = 0
        self.on_earlier: Callable[[int], None] | None = None

    @abstractmethod
    def now_ms(self) -> int:
        """The present time in epoch milliseconds."""

    @abstractmethod
    def another(self) -> "Clock":
        """A clock of the same kind that shows the same time, without timers."""

    @property
    def pending(self) -> int:
        """The number of timers that have neither run nor been cancelled."""
        return self._live

    def timers(self) -> Iterator[Timer]:
        """The timers that have neither run nor been cancelled, in no order."""
        return (timer for _, _, timer in self._heap if timer.callback is not None)

    def call_at(self, at_ms: int, callback: Callable[[], object], what: str = "timer") -> Timer:
        """Call `callback` once `at_ms` is reached; for a time in the past, when timers run next.

        `what` says in a message what is pending: a noun, such as "command status".
        """
        timer = Timer(self, at_ms, callback, what)
        earliest = self.next_at()
        heapq.heappush(self._heap, (at_ms, next(self._order), timer))
        self._live += 1
        if self.on_earlier is not None and (earliest is None or at_ms < earliest):
            self.on_earlier(at_ms)
        return timer

    def forget_one(self) -> None:
        """Count one timer less as pending: it was cancelled."""
        self._live -= 1

    def next_at(self) -> int | None:
        """The time of the next timer in epoch milliseconds, or None."""
        while self._heap and self._heap[0][2].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self, limit: int = 1000) -> bool:
        """Run at most `limit` timers that are due. True means that more are due."""
        for _ in range(limit):
            at_ms = self.next_at()
            if at_ms is None or at_ms > self.now_ms():
                return False
            self._run_next()
        at_ms = self.next_at()
        return at_ms is not None and at_ms <= self.now_ms()

    def run_all_due(self) -> None:
        """Run all timers that are due, including those that become due meanwhile."""
        while self.run_due():
            pass

    def _run_next(self) -> None:
        timer = heapq.heappop(self._heap)[2]
        callback, timer.callback = timer.callback, None
        if callback is not None:
            self._live -= 1
            callback()

    def cancel_all(self) -> None:
        """Cancel every timer, then call their `on_dropped`."""
        dropped = [timer for _, _, timer in self._heap if timer.callback is not None]
        for timer in dropped:
            timer.cancel()
        self._heap.clear()
        for timer in dropped:
            if timer.on_dropped is not None:
                timer.on_dropped()


def wall_clock_ms() -> int:
    """The machine's epoch milliseconds. The only place of the package that reads the system time."""
    return time.time_ns() // 1_000_000


# freezegun replaces `time.monotonic` and every module attribute that holds it; it leaves `clock_gettime` and a partial.
_MONOTONIC = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else partial(time.monotonic)
)


def monotonic_s() -> float:
    """Seconds that never decrease, for timeouts in real time, also where a test has frozen or moved the time."""
    return _MONOTONIC()


class SystemClock(Clock):
    """The machine's time. Its owner calls `run_due` when `next_at` is reached."""

    def __init__(self, read: Callable[[], int] = wall_clock_ms) -> None:
        super().__init__()
        self._read = read

    def now_ms(self) -> int:
        """The machine's epoch milliseconds."""
        return self._read()

    def another(self) -> "SystemClock":
        """The same time."""
        return SystemClock(self._read)


class VirtualClock(Clock):
    """A time that changes only by `advance`, which runs every timer on the way at its own time."""

    def __init__(self, start_ms: int) -> None:
        super().__init__()
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """The virtual time in epoch milliseconds."""
        return self._now_ms

    def another(self) -> "VirtualClock":
        """One that starts at this time."""
        return VirtualClock(self._now_ms)

    def set_to(self, at_ms: int) -> None:
        """Go to a time, also back, without running timers: the world is another one from now on."""
        self._now_ms = at_ms

    def advance_to(self, at_ms: int) -> None:
        """Go to `at_ms`, running each timer at its own time. ValueError for a time in the past."""
        if at_ms < self._now_ms:
            raise ValueError(f"time does not go back: it is {self._now_ms}, not yet {at_ms}")
        while self.run_next(at_ms):
            pass
        self._now_ms = max(self._now_ms, at_ms)

    def run_next(self, until_ms: int) -> bool:
        """Go to the time of the next timer and run it. False, and no change, if none is due by `until_ms`."""
        due = self.next_at()
        if due is None or due > until_ms:
            return False
        self._now_ms = max(self._now_ms, due)
        self._run_next()
        return True

    def advance(self, by_ms: int) -> None:
        """Go forward by `by_ms` milliseconds."""
        self.advance_to(self._now_ms + by_ms)
