"""A model of how a client stores and counts records: what it would have claimed at every claim of a run.

The model is a small store. It is filled with the records that were delivered, in the order in which they came, and is
asked for a count wherever the client made a claim.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from contracts.diagnosis.client_view import ClientView, KnownFrom, Seen, SeenRecord
from mock_server.model import Cell, Line
from mock_server.profile import half_open

Bounds: TypeAlias = Literal["[s,e)", "[s,e]", "(s,e]", "(s,e)"]

CountedWindow: TypeAlias = tuple[Line, int, int]
"""What is counted for a cell: a line, and the times that belong to the window, as low <= time < high."""


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


def _opens(seen: SeenRecord) -> int | None:
    return seen.opens


def _opens_nothing(_seen: SeenRecord) -> None:
    return None


def exact(count: int) -> int:
    """Claim the count."""
    return count


class _Rows(NamedTuple):
    """How the records seen are stored, in columns: before which claim, whether, under which key, and so on.

    `first_wins` only where some records of one key differ, so that it matters which of them is kept.
    """

    place: tuple[int, ...]
    stores: tuple[bool, ...]
    key: tuple[int, ...]
    counted: tuple[Hashable, ...]
    time: tuple[int, ...]
    lines: tuple[tuple[Line, ...], ...]
    opens: tuple[int | None, ...]
    first_wins: bool


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

    def count(self, view: ClientView, known: KnownFrom) -> tuple[int, ...]:
        """The count that is claimed in place of each claim of the run.

        Most models do in most runs what a correct client does: what stores the same rows and counts the same windows is
        counted once.
        """
        rows, windows = self._rows(view.delayed(known, self.lag_ms)), self._windows(view)
        same = (*map(id, rows), id(windows))  # equal columns are one object, which the view keeps
        counts = view.once(same, lambda: _counts(rows, windows, view.asked))
        return counts if self.claims is exact else tuple(map(self.claims, counts))

    def _rows(self, seen: Seen) -> _Rows:
        key, time, lines = seen.numbered(self.key), seen.column(self.time), seen.lines(self.counts_in)
        counted = key if self.distinct is None else seen.column(self.distinct)
        opens = seen.column(_opens if self.rereport_replaces else _opens_nothing)
        first_wins = self.first_wins and len(set(zip(key, counted, time, lines, strict=True))) > len(set(key))
        return _Rows(seen.places, seen.column(self.stores), key, counted, time, lines, opens, first_wins)

    def _windows(self, view: ClientView) -> tuple[CountedWindow, ...]:
        """What is counted for each cell that the run asks about."""
        bounds, precision = self.bounds or view.run.profile.window_bounds, self.precision_ms

        def window(cell: Cell) -> CountedWindow:
            start, end = self.span(cell.start_time, cell.end_time)
            return (
                self.counted_line(cell.line),
                *half_open(bounds, start // precision * precision, end // precision * precision),
            )

        def made() -> tuple[CountedWindow, ...]:
            windows = tuple(map(window, view.cells))
            return view.once(windows, lambda: windows)

        return view.once((self.span, bounds, precision, self.counted_line), made)


def _counts(rows: _Rows, windows: Iterable[CountedWindow], asked: Sequence[int]) -> tuple[int, ...]:
    """How many values the cell of each claim holds, where the claims `asked` about these cells, by their numbers."""
    store = _Store(windows, first_wins=rows.first_wins)
    counts: list[int] = []
    for place, stores, *row, opened in zip(*rows[:-1], strict=True):
        if place > len(counts):
            counts += [len(store.held[cell]) for cell in asked[len(counts) : place]]
        if opened is not None:
            store.clear(opened)
        if stores:
            store.take(*row)
    return (*counts, *(len(store.held[cell]) for cell in asked[len(counts) :]))


class _Store:
    """The rows of a client so far, and how many of them each cell holds, by the value that is counted."""

    def __init__(self, windows: Iterable[CountedWindow], *, first_wins: bool) -> None:
        self._first_wins = first_wins
        self._rows: dict[int, tuple[Hashable, list[int]]] = {}
        self._windows: dict[Line, list[tuple[int, int, int]]] = defaultdict(list)
        for number, (line, low, high) in enumerate(windows):
            self._windows[line].append((low, high, number))
        self.held: list[dict[Hashable, int]] = [{} for found in self._windows.values() for _ in found]

    def take(self, key: int, counted: Hashable, time: int, lines: Iterable[Line]) -> None:
        """Write one more row."""
        if key in self._rows:
            if self._first_wins:
                return
            self._drop(key)
        cells = [number for line in lines for low, high, number in self._windows.get(line, ()) if low <= time < high]
        self._rows[key] = (counted, cells)
        for cell in cells:
            self.held[cell][counted] = self.held[cell].get(counted, 0) + 1

    def clear(self, cell: int) -> None:
        """Delete what a cell holds."""
        for key in [key for key, (_, cells) in self._rows.items() if cell in cells]:
            self._drop(key)

    def _drop(self, key: int) -> None:
        counted, cells = self._rows.pop(key)
        for cell in cells:
            held = self.held[cell]
            held[counted] -= 1
            if not held[counted]:
                del held[counted]
