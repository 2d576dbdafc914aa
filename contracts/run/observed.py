"""The run of an observed client, in real time."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from contracts.run.run import Run
from mock_server.model import Cell

STALE_MS = 2_000
"""A client counts up to this long before it sends: what it has acknowledged in between need not be counted."""


@dataclass(frozen=True)
class ObservedRun(Run):
    """A run in real time, where a count may be older than the newest acknowledgement before its claim."""

    def bracket(self, cell: Cell, seq: int) -> tuple[int, int]:
        """The records acknowledged `STALE_MS` before that entry, and the records delivered before it."""
        at_ms = self._times_of_entries[min(seq, len(self.entries)) - 1] - STALE_MS
        then = bisect_right(self._times_of_entries, at_ms) + 1
        return super().bracket(cell, min(then, seq))[0], super().bracket(cell, seq)[1]

    @cached_property
    def _times_of_entries(self) -> list[int]:
        return [entry.time for entry in self.entries]
