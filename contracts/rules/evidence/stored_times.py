"""Evidence about times: those that a client has stored, messages with a second 60, and jumps of the client's clock."""

from typing import NamedTuple

from contracts.play.recording import ActKind
from contracts.run.run import Run
from mock_server.history.index import Delivery, LotRecord
from mock_server.wire.record_time import iso_time
from mock_server.words import time_text


class StoredTime(NamedTuple):
    """An acknowledged record, the event times in its messages, one for each version, and the time that is stored.

    `event_ms` is None if the record is not stored. Both are epoch milliseconds.
    """

    record: LotRecord
    message_times: frozenset[int]
    event_ms: int | None
    seq: int

    @property
    def is_right(self) -> bool:
        """Whether it is stored with one of the times in its messages."""
        return self.event_ms in self.message_times

    @property
    def off_ms(self) -> int:
        """The difference between the stored time and the nearest right one; 0 if none is stored."""
        if self.event_ms is None:
            return 0
        return min((self.event_ms - each for each in self.message_times), key=abs)

    @property
    def text(self) -> str:
        """The stored time in words."""
        right = iso_time(min(self.message_times))
        if self.event_ms is None:
            return f"{self.record.name} of {right} was acknowledged and is not in the client's store"
        return f"the client has stored {self.record.name} of {right} at {time_text(self.event_ms)}"


def stored_times(run: Run) -> list[StoredTime]:
    """The records that were acknowledged before the last dump was asked for, of lots that the client asks about.

    Those that came with a second 60 only are left out: TIME-LEAP is about them.
    """
    if not run.dumps:
        return []
    dump = run.dumps[-1]
    times = {(each.device_id, each.data_type, each.record_id): each.event_ms for each in dump.records}
    asked = {cell.device_id for cell in run.claims_of}
    return [
        StoredTime(record, _message_times(run, record), times.get(record.key), dump.seq)
        for record in run.records.values()
        if record.kept.device_id in asked and run.told_before(record, dump.asked_seq + 1)
    ]


def _message_times(run: Run, record: LotRecord) -> frozenset[int]:
    return frozenset(run.told_time(each.event_time) for each in record.kept_as)


def leap_deliveries(run: Run) -> list[Delivery]:
    """The readable deliveries in which the event time of a record has a second 60."""
    return [each for each in run.deliveries if each.readable and run.has_leap_second(each)]


class Skew(NamedTuple):
    """A jump of the client's clock: off by `before_ms` before the entry `seq`, and by `off_ms` after it."""

    seq: int
    time: int
    off_ms: int
    before_ms: int


def skews(run: Run) -> list[Skew]:
    """The jumps of the client's clock."""
    found: list[Skew] = []
    for act in run.acts_of(ActKind.CLOCK_JUMPS):
        found.append(Skew(act.seq, act.time, act.off_ms or 0, found[-1].off_ms if found else 0))
    return found
