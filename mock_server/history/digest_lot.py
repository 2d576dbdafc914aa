"""One lot as its history tells it: its records by time, and every cell that a client has asked about."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from mock_server.history.events import CountCompared
from mock_server.model import HOUR, Cell
from mock_server.profile import Profile

CELLS = 5_000
"""How many asked cells of one line are kept."""

CellState: TypeAlias = Literal["never asked", "equal", "mismatch", "re-reporting", "repaired", "refused"]
LineKey: TypeAlias = tuple[int, int | None]
"""Data type and pass direction."""

LINES: tuple[LineKey, ...] = ((0, 0), (0, 1), (1, None))


@dataclass(slots=True)
class Seen:
    """A record, and how far the news of it has come. `lost` is true if any of its messages was."""

    record_id: str
    line: LineKey
    event_time: int
    created_time: int
    plate_no: str
    published: int = 0
    lost: bool = False
    delivered: bool = False
    acknowledged: bool = False


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
    records: list[Seen]
    asked: AskedCell | None

    @property
    def state(self) -> CellState:
        """How things stand."""
        return "never asked" if self.asked is None else self.asked.state

    @property
    def delivered(self) -> int:
        """How many of the records have been delivered."""
        return sum(seen.delivered for seen in self.records)

    @property
    def acknowledged(self) -> int:
        """How many of the records have been acknowledged."""
        return sum(seen.acknowledged for seen in self.records)

    @property
    def missing(self) -> int:
        """How many records were lost and have not come since."""
        return sum(seen.lost and not seen.delivered for seen in self.records)


@dataclass(slots=True)
class _Line:
    """The records of one line in the order of their times; `hours` counts those of each hour."""

    times: list[tuple[int, str]] = field(default_factory=list)
    records: dict[str, Seen] = field(default_factory=dict)
    hours: Counter[int] = field(default_factory=Counter)

    def between(self, start: int, end: int) -> list[Seen]:
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
        self._names: dict[str, list[Seen]] = {}
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

    def keep(self, seen: Seen) -> None:
        """A record, or a newer version of one."""
        line = self._lines.setdefault(seen.line, _Line())
        for old in self.named(seen.record_id):
            if old.line[0] == seen.line[0]:
                seen.lost, seen.delivered, seen.acknowledged = old.lost, old.delivered, old.acknowledged
                self.remove(old.line[0], old.record_id)
        insort(line.times, (self._profile.time_of(seen), seen.record_id))
        line.records[seen.record_id] = seen
        line.hours[self._hour(self._profile.time_of(seen))] += 1
        self._names.setdefault(seen.record_id, []).append(seen)
        self.records += 1
        self.acknowledged += seen.acknowledged

    def remove(self, data_type: int, record_id: str) -> None:
        """The lot has the record no more."""
        for seen in [each for each in self.named(record_id) if each.line[0] == data_type]:
            line, at = self._lines[seen.line], self._profile.time_of(seen)
            del line.times[bisect_left(line.times, (at, record_id))]
            del line.records[record_id]
            line.hours[self._hour(at)] -= 1
            self._names[record_id].remove(seen)
            self.records -= 1
            self.acknowledged -= seen.acknowledged

    def named(self, record_id: str) -> list[Seen]:
        """The records of that id: a pass and a bill may share it."""
        return list(self._names.get(record_id, ()))

    def acknowledge(self, record_id: str) -> None:
        """A message of a record was acknowledged."""
        for seen in self.named(record_id):
            seen.delivered = True
            if not seen.acknowledged:
                seen.acknowledged = True
                self.acknowledged += 1

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
            if not all(_is_covered(self._profile.time_of(seen), near) for seen in self._lines[line].between(*span)):
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


def line_of(cell: Cell) -> LineKey:
    """The line of a cell."""
    return int(cell.data_type), None if cell.pass_direction is None else int(cell.pass_direction)
