"""A run that was only observed, in real time."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from contracts.run.run import Run
from mock_server.model import Cell

STALE_MS = 2_000
"""A client counts a moment before it sends: what it has acknowledged since need not be in its count."""


@dataclass(frozen=True)
class ObservedRun(Run):
    """A run in real time: a claim may be older than the newest acknowledgement."""

    def bracket(self, cell: Cell, seq: int) -> tuple[int, int]:
        """What was acknowledged a while before that line, and what was delivered before it."""
        at_ms = self._line_times[min(seq, len(self.entries)) - 1] - STALE_MS
        then = bisect_right(self._line_times, at_ms) + 1
        return super().bracket(cell, min(then, seq))[0], super().bracket(cell, seq)[1]

    @cached_property
    def _line_times(self) -> list[int]:
        return [entry.time for entry in self.entries]
