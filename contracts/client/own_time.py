"""A client's own time: what it has spent, not what it was kept waiting for a processor.

The judge waits for clients that may hang, and must not take a busy machine for that. So it counts, while it waits, the
time in which the client's threads are blocked, and the processor time that they use; a thread that could run and gets
no processor spends nothing. Read from /proc (Linux); where there is none, real time is counted.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from contracts.client.proc import content, names

SLICE_S = 0.05
"""How often a client is looked at that is waited for, in seconds of real time."""

_TICKS_A_SECOND = 100
"""The unit of processor times in /proc: USER_HZ, which is 100 on every architecture that Python runs on."""

_WORKING = frozenset((b"R", b"D"))
"""States of threads that run, could run, or wait for a disk."""

_STATE, _USER_TICKS, _SYSTEM_TICKS = 0, 11, 12
"""Places of fields in a line of `stat`, behind the name (proc(5))."""


class Activity(NamedTuple):
    """Whether any thread of a process and of those that it started is at work, and their processor time so far."""

    is_busy: bool
    used_s: float


def activity(pid: int) -> Activity | None:
    """The activity of a process and of its children; None if it cannot be seen."""
    lines = [line for each in _family(pid) for line in _stat_lines(each)]
    if not lines:
        return None
    ticks = sum(int(line[_USER_TICKS]) + int(line[_SYSTEM_TICKS]) for line in lines)
    return Activity(any(line[_STATE] in _WORKING for line in lines), ticks / _TICKS_A_SECOND)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for thread in names(f"{pid}/task"):
        for child in content(f"{pid}/task/{thread}/children").split():
            yield from _family(int(child))


def _stat_lines(pid: int) -> Iterator[list[bytes]]:
    for thread in names(f"{pid}/task"):
        line = content(f"{pid}/task/{thread}/stat")
        if line:
            yield line.rpartition(b") ")[2].split()


class OwnTime:
    """A budget of seconds of a client's own time, spent in slices by whoever waits for the client."""

    def __init__(self, seconds: float, look: Callable[[], Activity | None]) -> None:
        self._left_s = seconds
        self._look = look
        self._used_s: float | None = None

    @property
    def next_s(self) -> float:
        """How long to wait until the next `spend`; 0 once nothing is left."""
        return max(0.0, min(SLICE_S, self._left_s))

    def spend(self) -> None:
        """Take off the last slice; while the client is at work, only the processor time that it has used of it."""
        seen, spent_s = self._look(), self.next_s
        if seen is not None and seen.is_busy:
            before_s = seen.used_s if self._used_s is None else self._used_s
            spent_s = min(spent_s, max(0.0, seen.used_s - before_s))
        self._used_s = None if seen is None else seen.used_s
        self._left_s -= spent_s
