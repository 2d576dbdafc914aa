"""What a client knew at each of its claims, as far as the history tells.

The history has when a record was delivered and when its message was acknowledged, but not when the client stored it.
So there are two views: a record is known from its delivery on, which is the earliest possible moment, or from its
acknowledgement on, which is the latest. What the client really knew lies between the two.
"""

from bisect import bisect, bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from contracts.run.run import Run
from mock_server.history.events import RecordKept
from mock_server.history.index import Delivery, line_of
from mock_server.model import Cell, Line

T = TypeVar("T")
KnownFrom: TypeAlias = Literal["delivery", "acknowledgement"]
"""The event from which on a client is taken to know a record."""

BOTH: tuple[KnownFrom, ...] = ("delivery", "acknowledgement")


class SeenRecord(NamedTuple):
    """A readable delivery of a record. `place` is that of the first claim that was made after the record was known.

    `event_time` is the record's time as its message tells it. `opens` is the number of the cell whose re-report this
    delivery is the first of, None for any other delivery.
    """

    place: int
    delivery: Delivery
    kept: RecordKept
    line: Line
    event_time: int
    opens: int | None = None


class Seen:
    """What a client has seen of records, in one view, in order. `places` has the place of each.

    A column has a value of each. It is made once, and equal ones are the same object: counters ask for the same ones.
    """

    def __init__(self, records: Sequence[SeenRecord]) -> None:
        self.records = records
        self.places = tuple(each.place for each in records)
        self._columns: dict[object, tuple[Any, ...]] = {}
        self._same: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def column(self, value: Callable[[SeenRecord], T]) -> tuple[T, ...]:
        """A value of each."""
        return self._column(value, map(value, self.records))

    def numbered(self, value: Callable[[SeenRecord], Hashable]) -> tuple[int, ...]:
        """The same with a number in place of each different value, from 0 on: it tells only which are equal."""
        numbers: dict[Hashable, int] = {}
        return self._column((value,), (numbers.setdefault(value(each), len(numbers)) for each in self.records))

    def lines(self, counts_in: Callable[[Line], tuple[Line, ...]]) -> tuple[tuple[Line, ...], ...]:
        """The lines in which each counts."""
        return self._column(counts_in, (counts_in(each.line) for each in self.records))

    def _column(self, name: object, values: Iterable[T]) -> tuple[T, ...]:
        found = self._columns.get(name)
        if found is None:
            made = tuple(values)
            found = self._columns[name] = self._same.setdefault(made, made)
        return found


class ClientView:
    """The claims of a run, and the records that the client knew at each. Use `run.once(ClientView)`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.cells = list(run.claims_of)
        number = {cell: place for place, cell in enumerate(self.cells)}
        self.asked = [number[claim.cell] for claim in run.claims]
        self._seqs = [claim.seq for claim in run.claims]
        self._times = [claim.time for claim in run.claims]
        self._opening = {seq: number.get(cell) for seq, cell in self._first_of_rereports()}
        self._done: dict[Hashable, Any] = {}
        readable = [each for each in run.deliveries if each.record is not None and each.readable]
        delivered = self._seen(readable, [each.seq for each in readable])
        acknowledged = self._seen(readable, _acknowledged(readable, run.deliveries))
        self.seen: dict[KnownFrom, Seen] = {"delivery": Seen(delivered), "acknowledgement": Seen(acknowledged)}
        self.views = BOTH[:1] if delivered == acknowledged else BOTH
        """The views that differ: one if every record was acknowledged before the next claim."""

    def _seen(self, deliveries: Sequence[Delivery], seqs: Sequence[int | None]) -> list[SeenRecord]:
        known = sorted((seq, each.seq, each) for each, seq in zip(deliveries, seqs, strict=True) if seq is not None)
        return [self._seen_record(bisect(self._seqs, seq), delivery) for seq, _, delivery in known]

    def _seen_record(self, place: int, delivery: Delivery) -> SeenRecord:
        kept = delivery.content
        assert kept is not None  # noqa: S101 only deliveries of a record are asked
        told = self.run.told_time(kept.event_time)
        return SeenRecord(place, delivery, kept, line_of(kept), told, self._opening.get(delivery.seq))

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result of some work, done once for each key."""
        found: T | None = self._done.get(key)
        if found is None:
            found = self._done[key] = work()
        return found

    def _first_of_rereports(self) -> Iterator[tuple[int, Cell]]:
        """The first delivery of each re-report, and the cell that is reported again."""
        repeats = [each for each in self.run.deliveries if each.origin == "rereport" and each.record and each.readable]
        for entry, event in self.run.rereports:
            later = (each for each in repeats if each.seq > entry.seq)
            first = next((each for each in later if each.record and self.run.is_in(event.cell, each.record)), None)
            if first is not None:
                yield first.seq, event.cell

    def delayed(self, known: KnownFrom, lag_ms: int) -> Seen:
        """What it had seen, had it known of each record `lag_ms` after its delivery at the earliest."""
        return (
            self.once((known, lag_ms), lambda: self._delayed(self.seen[known], lag_ms)) if lag_ms else self.seen[known]
        )

    def _delayed(self, seen: Seen, lag_ms: int) -> Seen:
        places = (max(each.place, bisect_left(self._times, each.delivery.time + lag_ms)) for each in seen.records)
        later = [each._replace(place=place) for each, place in zip(seen.records, places, strict=True)]
        return seen if later == seen.records else Seen(sorted(later, key=lambda each: each.place))


def _acknowledged(deliveries: Sequence[Delivery], all_deliveries: Iterable[Delivery]) -> list[int | None]:
    """When the client has certainly stored each delivery: at its message's acknowledgement; None without one.

    A message that came over several subscriptions is certain once it came readably, and is acknowledged, on each. A
    client may have a worker for each of them, and those whom a message does not concern acknowledge it too.
    """
    last: dict[str, dict[str, int | None]] = {}
    for each in all_deliveries:
        on = last.setdefault(each.message_id, {})
        told = each.acked_seq if each.readable else None
        on[each.subscription] = on.get(each.subscription) if told is None else told
    acked: dict[tuple[str, str], int] = {}
    found: list[int | None] = []
    for each in reversed(deliveries):
        key = (each.message_id, each.subscription)
        if each.acked_seq is not None:
            acked[key] = each.acked_seq
        found.append(_latest([acked.get(key), *(seq for on, seq in last[each.message_id].items() if on != key[1])]))
    return found[::-1]


def _latest(seqs: Sequence[int | None]) -> int | None:
    """The latest of these, None if one is missing."""
    known = [seq for seq in seqs if seq is not None]
    return max(known) if len(known) == len(seqs) else None
