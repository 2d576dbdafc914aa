"""One lot as its history tells it: its records by time, and every cell that a client has asked about."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from mock_server.history.events import CountCompared
from mock_server.history.index import LotRecord
from mock_server.model import HOUR, Cell
from mock_server.profile import Profile

CELLS = 5_000
"""How many asked cells of one line are kept."""

CellState: TypeAlias = Literal["never asked", "equal", "mismatch", "re-reporting", "repaired", "refused"]
LineKey: TypeAlias = tuple[int, int | None]
"""Data type and pass direction."""

LINES: tuple[LineKey, ...] = ((0, 0), (0, 1), (1, None))


class WindowSpan(NamedTuple):
    """A window."""

    start: int
    end: int


@dataclass(slots=True)
class AskedCell:
    """What a client has asked about one cell. `rounds` counts re-reports, `asks` compared claims."""

    cell: Cell
    states: Counter[CellState]
    state: CellState = "never asked"
    claimed: int | None = None
    counted: int | None = None
    sn: str = ""
    time: int = 0
    asks: int = 0
    wrong: int = 0
    rounds: int = 0
    refusal: str = ""

    def compare(self, event: CountCompared, time: int) -> None:
        """The lot has compared a claim."""
        self.claimed, self.counted, self.sn, self.time = event.claimed, event.counted, event.sn, time
        self.asks += 1
        self.wrong += not event.equal
        self._become("mismatch" if not event.equal else "repaired" if self.wrong else "equal")

    def rereport(self) -> None:
        """The lot reports the cell again."""
        self.rounds += 1
        self._become("re-reporting")

    def refuse(self, why: str) -> None:
        """A call about the cell was refused."""
        self.refusal = why
        self._become("refused")

    def _become(self, state: CellState) -> None:
        self.states[self.state] -= 1
        self.states[state] += 1
        self.state = state


@dataclass(slots=True)
class CellView:
    """A cell as it is now: what the lot has, what of that was delivered and acknowledged, what was claimed."""

    line: LineKey
    span: WindowSpan
    records: list[LotRecord]
    asked: AskedCell | None

    @property
    def state(self) -> CellState:
        """How things stand."""
        return "never asked" if self.asked is None else self.asked.state

    @property
    def delivered(self) -> int:
        """How many of the records have been delivered."""
        return sum(is_delivered(record) for record in self.records)

    @property
    def acknowledged(self) -> int:
        """How many of the records have been acknowledged."""
        return sum(record.acknowledged > 0 for record in self.records)

    @property
    def missing(self) -> int:
        """How many records were lost and have not come since."""
        return sum(bool(record.losses) and not is_delivered(record) for record in self.records)


@dataclass(slots=True)
class _Line:
    """The records of one line in the order of their times; `hours` counts those of each hour."""

    times: list[tuple[int, str]] = field(default_factory=list)
    records: dict[str, LotRecord] = field(default_factory=dict)
    hours: Counter[int] = field(default_factory=Counter)

    def between(self, start: int, end: int) -> list[LotRecord]:
        low, high = bisect_left(self.times, (start, "")), bisect_left(self.times, (end, ""))
        return [self.records[name] for _, name in self.times[low:high]]


class LotDigest:
    """One lot. The profile says by which time of a record, and with which bounds, its windows are cut."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.states: Counter[CellState] = Counter()
        self.records = 0
        self.acknowledged = 0
        self._lines: dict[LineKey, _Line] = {line: _Line() for line in LINES}
        self._places: dict[tuple[int, str], tuple[LineKey, int]] = {}
        self._asked: dict[LineKey, dict[WindowSpan, AskedCell]] = {line: {} for line in LINES}
        self._phase = 0

    def asked(self, cell: Cell) -> AskedCell:
        """What is known of a cell, from the first ask on. Unasked hours are cut where asked ones are."""
        span, key = WindowSpan(cell.start_time, cell.end_time), line_of(cell)
        known = self._asked.setdefault(key, {}).get(span)
        if known is None:
            known = self._asked[key][span] = AskedCell(cell, self.states)
            self.states["never asked"] += 1
            if len(self._asked[key]) > CELLS:
                del self._asked[key][next(iter(self._asked[key]))]
            if span.end - span.start == HOUR and span.start % HOUR != self._phase:
                self._phase = span.start % HOUR
                self._count_hours()
        return known

    def keep(self, record: LotRecord) -> None:
        """A record, or a newer version of one."""
        self.remove(record)
        kept = record.kept
        key, at = (kept.data_type, kept.pass_direction), self._profile.time_of(kept)
        self._places[kept.data_type, kept.record_id] = key, at
        line = self._lines.setdefault(key, _Line())
        insort(line.times, (at, kept.record_id))
        line.records[kept.record_id] = record
        line.hours[self._hour(at)] += 1
        self.records += 1
        self.acknowledged += record.acknowledged > 0

    def remove(self, record: LotRecord) -> None:
        """The lot has the record no more. Nothing if it had none."""
        place = self._places.pop((record.kept.data_type, record.name), None)
        if place is None:
            return
        line, at = self._lines[place[0]], place[1]
        del line.times[bisect_left(line.times, (at, record.name))]
        del line.records[record.name]
        line.hours[self._hour(at)] -= 1
        self.records -= 1
        self.acknowledged -= record.acknowledged > 0

    def cell(self, line: LineKey, span: WindowSpan) -> CellView:
        """One cell as it is now."""
        kept = self._lines.get(line, _Line()).between(*self._profile.bounds(*span))
        return CellView(line, span, kept, self._asked.get(line, {}).get(span))

    def spans(self, most: int, before: int | None = None) -> list[WindowSpan]:
        """The latest windows that were asked about or have records that no asked window covers, newest first."""
        found: set[WindowSpan] = set()
        for line, asked in self._asked.items():
            found.update(asked)
            found.update(self._unasked(line, asked))
        kept = (span for span in found if before is None or span.start < before)
        return sorted(kept, reverse=True)[:most]

    def _unasked(self, line: LineKey, asked: dict[WindowSpan, AskedCell]) -> Iterator[WindowSpan]:
        """Hours with records that no asked window covers."""
        ends = sorted(asked)
        for hour in self._lines[line].hours if line in self._lines else ():
            start = hour * HOUR + self._phase
            span = WindowSpan(start, start + HOUR)
            if not self._lines[line].hours[hour] or span in asked:
                continue
            near = ends[max(0, bisect_right(ends, (span.end, span.end)) - _NEAR) :]
            times = (self._profile.time_of(record.kept) for record in self._lines[line].between(*span))
            if not all(_is_covered(at, near) for at in times):
                yield span

    def _hour(self, at: int) -> int:
        return (at - self._phase) // HOUR

    def _count_hours(self) -> None:
        for line in self._lines.values():
            line.hours = Counter(self._hour(at) for at, _ in line.times)


_NEAR = 64
"""How many asked windows before an hour are looked at for what covers it."""


def _is_covered(at: int, asked: list[WindowSpan]) -> bool:
    return any(span.start <= at < span.end for span in reversed(asked))


def is_delivered(record: LotRecord) -> bool:
    """Whether a record has come: of one that was acknowledged the delivery may be missing in the history."""
    return record.delivered > 0 or record.acknowledged > 0


def line_of(cell: Cell) -> LineKey:
    """The line of a cell."""
    return int(cell.data_type), None if cell.pass_direction is None else int(cell.pass_direction)
