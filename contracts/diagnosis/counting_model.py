"""What a client would have claimed that keeps and counts records in some other way, at every claim of a run.

A `Keeping` is such a way as data: a little store, filled with what was delivered in the order in which it came. Nobody
sees how much of what it was given a client had dealt with when it made a claim. So there are two accounts: all
that it had been handed, and what it had acknowledged; the truth is between them.
"""

from bisect import bisect, bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from contracts.run.run import Run
from mock_server.history.events import RecordKept
from mock_server.history.index import Delivery, line_of
from mock_server.model import Cell, Line

Bounds: TypeAlias = Literal["[s,e)", "[s,e]", "(s,e]", "(s,e)"]
Account: TypeAlias = Literal["handed", "acknowledged"]
ACCOUNTS: tuple[Account, ...] = ("handed", "acknowledged")


class SeenRecord(NamedTuple):
    """A delivery that told a client of a record. `place` is that of the first claim made with knowledge of it.

    `opens` is the cell of which it is the first that a re-report brings.
    """

    place: int
    delivery: Delivery
    kept: RecordKept
    line: Line
    opens: Cell | None = None


class ClientView:
    """The claims of a run, and what the client knew at each. Use `run.once(Knowledge)`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.cells = list(run.claims_of)
        number = {cell: place for place, cell in enumerate(self.cells)}
        self.asked = [number[claim.cell] for claim in run.claims]
        self._seqs = [claim.seq for claim in run.claims]
        self._times = [claim.time for claim in run.claims]
        self._opening = self._openings()
        told = [each for each in run.deliveries if each.record is not None and each.readable]
        handed = self._sights(told, [each.seq for each in told])
        acknowledged = self._sights(told, _acknowledged(told))
        self.accounts: dict[Account, list[SeenRecord]] = {"handed": handed, "acknowledged": acknowledged}
        self.certain = handed == acknowledged

    def _sights(self, told: Sequence[Delivery], seqs: Sequence[int | None]) -> list[SeenRecord]:
        known = sorted((seq, each.seq, each) for each, seq in zip(told, seqs, strict=True) if seq is not None)
        return [self._sight(bisect(self._seqs, seq), delivery) for seq, _, delivery in known]

    def _sight(self, place: int, delivery: Delivery) -> SeenRecord:
        kept = delivery.content
        assert kept is not None  # noqa: S101 only what told of a record is asked
        return SeenRecord(place, delivery, kept, line_of(kept), self._opening.get(delivery.seq))

    def _openings(self) -> dict[int, Cell]:
        """The first delivery of each re-report."""
        repeats = [each for each in self.run.deliveries if each.origin == "rereport" and each.record and each.readable]
        found = {}
        for entry, event in self.run.rereports:
            later = (each for each in repeats if each.seq > entry.seq)
            first = next((each for each in later if each.record and self.run.is_in(event.cell, each.record)), None)
            if first is not None:
                found[first.seq] = event.cell
        return found

    def delayed(self, sights: Sequence[SeenRecord], lag_ms: int) -> list[SeenRecord]:
        """The same, had the client known of everything so much later."""
        later = (
            sight._replace(place=max(sight.place, bisect_left(self._times, sight.delivery.time + lag_ms)))
            for sight in sights
        )
        return sorted(later, key=lambda sight: sight.place)


def _acknowledged(told: Sequence[Delivery]) -> list[int | None]:
    """When it is certain that the client has dealt with each delivery: at its message's acknowledgement."""
    acked: dict[str, int] = {}
    found: list[int | None] = []
    for each in reversed(told):
        if each.acked_seq is not None:
            acked[each.message_id] = each.acked_seq
        found.append(acked.get(each.message_id))
    return found[::-1]


def record_key(sight: SeenRecord) -> Hashable:
    """What makes it the same record."""
    return (sight.line.device_id, sight.line.data_type, sight.kept.record_id)


def event_time(sight: SeenRecord) -> int:
    """When it happened."""
    return sight.kept.event_time


def everything(_sight: SeenRecord) -> bool:
    """All of it."""
    return True


def itself(line: Line) -> Line:
    """The line that was meant."""
    return line


def alone(line: Line) -> tuple[Line, ...]:
    """The line that was meant, and no other."""
    return (line,)


def as_it_is(count: int) -> int:
    """No less, no more."""
    return count


@dataclass(frozen=True, slots=True)
class CountingModel:
    """How a client keeps what it is told of, and counts it. Every default is right.

    `takes`: what is kept at all. `key`: what overwrites what; with `first_stays` the older one stays. `time`: what is
    put into windows, of whole `grain_ms`. `counts`: what is counted once; what is kept, if None. `puts`: the lines in
    which a record counts. `asks`: the line that is counted for a cell's. `bounds`: what belongs to a window; what the
    lot says, if None. `says`: what is made of the count. `lag_ms`: how late it is. `replaces`: whether the first record
    of a re-report takes the place of all that there was of its cell.
    """

    takes: Callable[[SeenRecord], bool] = everything
    key: Callable[[SeenRecord], Hashable] = record_key
    time: Callable[[SeenRecord], int] = event_time
    counts: Callable[[SeenRecord], Hashable] | None = None
    puts: Callable[[Line], tuple[Line, ...]] = alone
    asks: Callable[[Line], Line] = itself
    bounds: Bounds | None = None
    says: Callable[[int], int] = as_it_is
    grain_ms: int = 1
    lag_ms: int = 0
    first_stays: bool = False
    replaces: bool = False

    def count(self, known: ClientView, account: Account) -> list[int]:
        """What is claimed in place of each claim of the run."""
        sights = known.accounts[account]
        if self.lag_ms:
            sights = known.delayed(sights, self.lag_ms)
        store = _Store(self, known)
        claimed: list[int] = []
        for sight in sights:
            store.claim(claimed, sight.place)
            store.take(sight)
        store.claim(claimed, len(known.asked))
        return claimed

    def window(self, run: Run, cell: Cell) -> tuple[int, int]:
        """What belongs to a cell's window, as low <= time < high."""
        start = cell.start_time // self.grain_ms * self.grain_ms
        end = cell.end_time // self.grain_ms * self.grain_ms
        bounds = self.bounds or run.profile.window_bounds
        return start + bounds.startswith("("), end + bounds.endswith("]")


class _Store:
    """What a client has kept so far, and how much of it each cell holds."""

    def __init__(self, keeping: CountingModel, known: ClientView) -> None:
        self._keeping = keeping
        self._known = known
        self._rows: dict[Hashable, tuple[Hashable, list[int]]] = {}
        self._held: list[dict[Hashable, int]] = [{} for _ in known.cells]
        self._windows: dict[Line, list[tuple[int, int, int]]] = defaultdict(list)
        for number, cell in enumerate(known.cells):
            self._windows[keeping.asks(cell.line)].append((*keeping.window(known.run, cell), number))

    def claim(self, claimed: list[int], until: int) -> None:
        """Claim up to a place."""
        asked = self._known.asked
        claimed.extend(self._keeping.says(len(self._held[asked[place]])) for place in range(len(claimed), until))

    def take(self, sight: SeenRecord) -> None:
        """One more delivery."""
        keeping = self._keeping
        if keeping.replaces and sight.opens is not None:
            self._clear(self._known.cells.index(sight.opens))
        if not keeping.takes(sight):
            return
        key = keeping.key(sight)
        if key in self._rows:
            if keeping.first_stays:
                return
            self._drop(key)
        tag = key if keeping.counts is None else keeping.counts(sight)
        places = self._places(sight)
        self._rows[key] = (tag, places)
        for place in places:
            self._held[place][tag] = self._held[place].get(tag, 0) + 1

    def _places(self, sight: SeenRecord) -> list[int]:
        time = self._keeping.time(sight)
        return [
            number
            for line in self._keeping.puts(sight.line)
            for low, high, number in self._windows.get(line, ())
            if low <= time < high
        ]

    def _drop(self, key: Hashable) -> None:
        tag, places = self._rows.pop(key)
        for place in places:
            held = self._held[place]
            held[tag] -= 1
            if not held[tag]:
                del held[tag]

    def _clear(self, place: int) -> None:
        for key in [key for key, (_, places) in self._rows.items() if place in places]:
            self._drop(key)
