"""A model of how a client stores and counts records: what it would have claimed at every claim of a run.

The model is a small store. It is filled with the records that were delivered, in the order in which they came, and is
asked for a count wherever the client made a claim.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.diagnosis.client_view import ClientView, KnownFrom, SeenRecord
from contracts.run.run import Run
from mock_server.model import Cell, Line
from mock_server.profile import half_open

Bounds: TypeAlias = Literal["[s,e)", "[s,e]", "(s,e]", "(s,e)"]


def every_record(_seen: SeenRecord) -> bool:
    """Store every record."""
    return True


def record_key(seen: SeenRecord) -> Hashable:
    """The primary key of a record."""
    return (seen.line.device_id, seen.line.data_type, seen.kept.record_id)


def event_time(seen: SeenRecord) -> int:
    """The record's own time."""
    return seen.event_time


def own_lines(line: Line) -> tuple[Line, ...]:
    """Count a record in its own line only."""
    return (line,)


def asked_line(line: Line) -> Line:
    """Count the line that is asked about."""
    return line


def as_asked(start: int, end: int) -> tuple[int, int]:
    """Count a window from its start to its end."""
    return start, end


def exact(count: int) -> int:
    """Claim the count."""
    return count


@dataclass(frozen=True, slots=True)
class CountingModel:
    """How a client stores records and counts them. The defaults are what a correct client does.

    - `stores`: whether a delivered record is stored.
    - `key`: the primary key; a record overwrites one with the same key, or is ignored if `first_wins`.
    - `time`: the time that is compared with windows; windows are rounded down to `precision_ms`.
    - `distinct`: of what distinct values are counted; rows if None.
    - `counts_in`: the lines in which a record counts.
    - `counted_line`: the line that is counted when a line is asked about.
    - `span`: what is counted for a window from one time to another.
    - `bounds`: which ends belong to a window; as the profile says if None.
    - `claims`: what is claimed for a count.
    - `lag_ms`: how far the copy that is counted lags behind.
    - `rereport_replaces`: whether the first record of a re-report deletes what is stored of its cell.
    """

    stores: Callable[[SeenRecord], bool] = every_record
    key: Callable[[SeenRecord], Hashable] = record_key
    time: Callable[[SeenRecord], int] = event_time
    distinct: Callable[[SeenRecord], Hashable] | None = None
    counts_in: Callable[[Line], tuple[Line, ...]] = own_lines
    counted_line: Callable[[Line], Line] = asked_line
    span: Callable[[int, int], tuple[int, int]] = as_asked
    bounds: Bounds | None = None
    claims: Callable[[int], int] = exact
    precision_ms: int = 1
    lag_ms: int = 0
    first_wins: bool = False
    rereport_replaces: bool = False

    def count(self, view: ClientView, known: KnownFrom) -> list[int]:
        """The count that is claimed in place of each claim of the run."""
        records = view.seen[known]
        if self.lag_ms:
            records = view.delayed(records, self.lag_ms)
        store = _Store(self, view)
        claimed: list[int] = []
        for seen in records:
            store.claim(claimed, seen.place)
            store.take(seen)
        store.claim(claimed, len(view.asked))
        return claimed

    def window(self, run: Run, cell: Cell) -> tuple[int, int]:
        """The times that belong to a cell's window, as low <= time < high."""
        asked = self.span(cell.start_time, cell.end_time)
        start, end = (at // self.precision_ms * self.precision_ms for at in asked)
        return half_open(self.bounds or run.profile.window_bounds, start, end)


class _Store:
    """The rows of a client so far, and how many of them each cell holds."""

    def __init__(self, model: CountingModel, view: ClientView) -> None:
        self._model = model
        self._view = view
        self._rows: dict[Hashable, tuple[Hashable, list[int]]] = {}
        self._held: list[dict[Hashable, int]] = [{} for _ in view.cells]
        self._windows: dict[Line, list[tuple[int, int, int]]] = defaultdict(list)
        for number, cell in enumerate(view.cells):
            self._windows[model.counted_line(cell.line)].append((*model.window(view.run, cell), number))

    def claim(self, claimed: list[int], until: int) -> None:
        """Make the claims up to a place."""
        asked = self._view.asked
        claimed.extend(self._model.claims(len(self._held[asked[place]])) for place in range(len(claimed), until))

    def take(self, seen: SeenRecord) -> None:
        """Store one more delivery."""
        model = self._model
        if model.rereport_replaces and seen.opens is not None:
            self._clear(self._view.cells.index(seen.opens))
        if not model.stores(seen):
            return
        key = model.key(seen)
        if key in self._rows:
            if model.first_wins:
                return
            self._drop(key)
        counted = key if model.distinct is None else model.distinct(seen)
        cells = self._cells_of(seen)
        self._rows[key] = (counted, cells)
        for cell in cells:
            self._held[cell][counted] = self._held[cell].get(counted, 0) + 1

    def _cells_of(self, seen: SeenRecord) -> list[int]:
        time = self._model.time(seen)
        return [
            number
            for line in self._model.counts_in(seen.line)
            for low, high, number in self._windows.get(line, ())
            if low <= time < high
        ]

    def _drop(self, key: Hashable) -> None:
        counted, cells = self._rows.pop(key)
        for cell in cells:
            held = self._held[cell]
            held[counted] -= 1
            if not held[counted]:
                del held[counted]

    def _clear(self, cell: int) -> None:
        for key in [key for key, (_, cells) in self._rows.items() if cell in cells]:
            self._drop(key)
