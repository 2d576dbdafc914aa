"""What rules of time look at: what a client has stored as a record's time, and how far its zone and its clock are off.

A wrong reading of times shows in two ways: in the client's store, and in claims that only records at wrong times
explain.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from contracts.play.recording import ActKind
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import Delivery, LotRecord
from mock_server.model import HOUR, MINUTE, SECOND, Line
from mock_server.wire.record_time import iso_time

UTC = "UTC"

Reading: TypeAlias = Callable[[Delivery], int | None]
"""The time at which a wrong reader puts a record that is delivered to it; None if it drops it."""


class StoredTime(NamedTuple):
    """An acknowledged record, every time that the lot's messages can have given it, and the time that is stored.

    `event_ms` is None if it is not stored at all.
    """

    record: LotRecord
    told: frozenset[int]
    event_ms: int | None
    seq: int

    @property
    def is_right(self) -> bool:
        """Whether it is stored with one of its times."""
        return self.event_ms in self.told

    @property
    def off_ms(self) -> int:
        """How far the stored time is from the nearest right one, 0 if there is none."""
        if self.event_ms is None:
            return 0
        return min((self.event_ms - each for each in self.told), key=abs)

    @property
    def text(self) -> str:
        """What is stored of it, in words."""
        right = iso_time(min(self.told))
        if self.event_ms is None:
            return f"{self.record.name} of {right} was acknowledged and is not in the client's store"
        return f"the client has stored {self.record.name} of {right} at {time_text(self.event_ms)}"


def time_text(at_ms: int) -> str:
    """A time that a client has told; one that is no time of a calendar as the number that it is."""
    return iso_time(at_ms) if at_ms >= 0 else f"{at_ms} ms"


def stored_times(run: Run) -> list[StoredTime]:
    """The records that the client must have stored when it was last looked at, on lots that it asks about."""
    if not run.dumps:
        return []
    dump = run.dumps[-1]
    times = {(each.device_id, each.data_type, each.record_id): each.event_ms for each in dump.records}
    asked = {cell.device_id for cell in run.claims_of}
    return [
        StoredTime(record, _told(run, record), times.get(record.key), dump.seq)
        for record in run.records.values()
        if record.kept.device_id in asked and record.acked_before(dump.seq)
    ]


def _told(run: Run, record: LotRecord) -> frozenset[int]:
    return frozenset(run.told_time(each.event_time) for each in record.kept_as)


def read_as(run: Run, reading: Reading) -> list[int]:
    """What a wrong reader would have claimed at each claim. The last delivery that it takes says when a record was."""
    lines: dict[Line, list[list[tuple[int, int]]]] = defaultdict(list)
    for record in run.records.values():
        taken = [(each.seq, reading(each)) for each in record.deliveries if each.readable]
        lines[record.line].append([(seq, at) for seq, at in taken if at is not None])
    return [sum(_is_counted(run, claim, taken) for taken in lines[claim.cell.line]) for claim in run.claims]


def _is_counted(run: Run, claim: Claim, taken: list[tuple[int, int]]) -> bool:
    before = bisect_right(taken, (claim.seq, 0))
    low, high = run.profile.bounds(claim.cell.start_time, claim.cell.end_time)
    return before > 0 and low <= taken[before - 1][1] < high


def content_time(delivery: Delivery) -> int:
    """The record's time in a delivery."""
    return delivery.content.event_time if delivery.content else 0


def leap_deliveries(run: Run) -> list[Delivery]:
    """The deliveries that the client was handed in which the time of a record has a second 60."""
    struck = {entry.seq - 1 for entry, fault in run.faults if fault.fault == "message.leap-second"}
    if not struck or run.profile.record_time not in ("text", "iso"):
        return []
    leaps = (each for each in run.deliveries if each.seq in struck and each.readable)
    return [each for each in leaps if each.record is not None and content_time(each) % MINUTE < SECOND]


def would_show(run: Run, counts: list[int]) -> bool:
    """Whether a reader with these counts would have been caught: one of them is off the bracket."""
    return any(not low <= count <= high for count, (low, high) in zip(counts, run.brackets, strict=True))


def explains(run: Run, counts: list[int]) -> bool:
    """Whether these counts are every claim of a run, although some claim is off the bracket."""
    return bool(run.off_bracket) and all(
        count == claim.claimed for count, claim in zip(counts, run.claims, strict=True)
    )


def offset_ms(tz: str, at_ms: int) -> int:
    """How far a time zone is ahead of UTC at a time."""
    if tz == UTC:
        return 0
    ahead = datetime.fromtimestamp(at_ms / SECOND, ZoneInfo(tz)).utcoffset()
    return (ahead or timedelta()) // timedelta(milliseconds=1)


def changes(tz: str, start_ms: int, end_ms: int) -> Iterator[int]:
    """When the clocks of a time zone change within a span, to the hour."""
    if tz == UTC:
        return
    before = offset_ms(tz, start_ms)
    for at in range(start_ms // HOUR * HOUR + HOUR, end_ms, HOUR):
        ahead = offset_ms(tz, at)
        if ahead != before:
            yield at
        before = ahead


class Skew(NamedTuple):
    """From this line of the history on the client's clock is off by so much; before it, it was off by `before_ms`."""

    seq: int
    time: int
    off_ms: int
    before_ms: int


def skews(run: Run) -> list[Skew]:
    """How the client's clock went wrong."""
    found: list[Skew] = []
    for act in run.acts_of(ActKind.CLOCK_JUMPS):
        found.append(Skew(act.seq, act.time, act.off_ms or 0, found[-1].off_ms if found else 0))
    return found
