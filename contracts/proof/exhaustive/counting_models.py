"""Clients of a few lines that only receive records and count them: one is right, the others each have one defect.

They stand for what a whole client does with its records, so that every small history can be played to all of them.
"""

from collections import Counter
from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from contracts.client.interface import Window
from mock_server.model import PassDirection, Record


class Arrival(NamedTuple):
    """A record as it arrives. `rereport` numbers the re-report that brings it, None for the record's first report."""

    record: Record
    message_id: str
    at_ms: int
    rereport: int | None


class Correct:
    """Keeps each record once, by its record id, and counts those of the window each time that it is asked."""

    title: ClassVar[str] = "correct"
    acks_early: ClassVar[bool] = False

    def __init__(self, window: Window) -> None:
        self.window = window
        self.records: dict[Hashable, Record] = {}

    def asks(self, sync: int) -> bool:  # noqa: ARG002 for those who do not
        """Whether it makes the sync of that number, from 0 on."""
        return True

    def identity(self, arrival: Arrival) -> Hashable:
        """What makes it the same record."""
        return arrival.record.record_id

    def receive(self, arrival: Arrival) -> None:
        """Keep a record."""
        self.records[self.identity(arrival)] = arrival.record

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """Whether a record belongs to the window and the direction."""
        return record.pass_direction == direction and self.window.start_ms <= record.event_time < self.window.end_ms

    def count(self, direction: PassDirection) -> int:
        """What it claims."""
        return sum(self.is_counted(record, direction) for record in self.records.values())

    def stored(self) -> frozenset[str]:
        """The ids of the records that it has."""
        return frozenset(record.record_id for record in self.records.values())


class CountsDeliveries(Correct):
    """Keeps a row for every delivery."""

    title = "counts deliveries"

    def identity(self, arrival: Arrival) -> Hashable:  # noqa: ARG002 that is the defect
        """A row of its own."""
        return len(self.records)


class DedupesByMessageId(Correct):
    """Takes the broker's message id for the record's identity."""

    title = "dedupes by message id"

    def identity(self, arrival: Arrival) -> Hashable:
        """The same message is the same record."""
        return arrival.message_id


class DropsRereports(Correct):
    """Acknowledges re-reported records and forgets them."""

    title = "drops re-reports"

    def receive(self, arrival: Arrival) -> None:
        """Only first reports are kept."""
        if arrival.rereport is None:
            super().receive(arrival)


class ReplacesWindow(Correct):
    """Deletes the cell's records when a re-report begins, and keeps what arrives."""

    title = "replaces window"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.begun: set[Hashable] = set()

    def receive(self, arrival: Arrival) -> None:
        """The first record of a re-report empties its cell."""
        direction = PassDirection(arrival.record.pass_direction or 0)
        if arrival.rereport is not None and (arrival.rereport, direction) not in self.begun:
            self.begun.add((arrival.rereport, direction))
            kept = self.records.items()
            self.records = {key: record for key, record in kept if not self.is_counted(record, direction)}
        super().receive(arrival)


class ClosedEnd(Correct):
    """Counts a record at the very end of the window into it."""

    title = "closed end"

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """SQL's BETWEEN."""
        return record.pass_direction == direction and self.window.start_ms <= record.event_time <= self.window.end_ms


class PoolsDirections(Correct):
    """Claims the passes of both directions for each."""

    title = "pools directions"

    def count(self, direction: PassDirection) -> int:  # noqa: ARG002 that is the defect
        """All of them."""
        return sum(super(PoolsDirections, self).count(each) for each in PassDirection)


class SwapsDirection(Correct):
    """Takes entering for leaving."""

    title = "swaps direction"

    def count(self, direction: PassDirection) -> int:
        """The other direction's."""
        return super().count(PassDirection(1 - direction))


class IdentityIsPlate(Correct):
    """Takes the plate for the record's identity: a car that comes twice is one record, the newest."""

    title = "identity = plate"

    def identity(self, arrival: Arrival) -> Hashable:
        """The plate, entering and leaving apart."""
        return arrival.record.plate_no, arrival.record.pass_direction


class ArrivalTime(Correct):
    """Counts a record into the window in which it arrives first."""

    title = "arrival time"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.arrived: dict[str, int] = {}

    def receive(self, arrival: Arrival) -> None:
        """Its first arrival is remembered."""
        self.arrived.setdefault(arrival.record.record_id, arrival.at_ms)
        super().receive(arrival)

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """By the time of its arrival."""
        arrived = self.arrived[record.record_id]
        return record.pass_direction == direction and self.window.start_ms <= arrived < self.window.end_ms


class CachedCount(Correct):
    """Counts a window once and claims that number ever after."""

    title = "cached count"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.cache: dict[PassDirection, int] = {}

    def count(self, direction: PassDirection) -> int:
        """What it was the first time."""
        return self.cache.setdefault(direction, super().count(direction))


class OneShot(Correct):
    """Takes the answer's success for agreement and never asks about the window again."""

    title = "one shot"

    def asks(self, sync: int) -> bool:
        """Once."""
        return sync == 0


class AcksBeforePersisting(Correct):
    """Acknowledges a message before its record is durable: a crash between the two loses it."""

    title = "ack before persist"
    acks_early = True


class AddsRereports(Correct):
    """Adds what a re-report brings to the count that it claimed before it, new or not."""

    title = "adds re-reports to last count"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.claimed: dict[PassDirection, int] = {}
        self.rereported: Counter[PassDirection] = Counter()

    def receive(self, arrival: Arrival) -> None:
        """A re-reported record is one more."""
        direction = PassDirection(arrival.record.pass_direction or 0)
        self.rereported[direction] += arrival.rereport is not None
        super().receive(arrival)

    def count(self, direction: PassDirection) -> int:
        """The sum, or what it has if that is more."""
        added = self.claimed.get(direction, 0) + self.rereported.pop(direction, 0)
        self.claimed[direction] = max(added, super().count(direction))
        return self.claimed[direction]


MODELS: dict[str, type[Correct]] = {
    model.title: model
    for model in (
        Correct,
        CountsDeliveries,
        DedupesByMessageId,
        DropsRereports,
        ReplacesWindow,
        ClosedEnd,
        PoolsDirections,
        SwapsDirection,
        IdentityIsPlate,
        ArrivalTime,
        CachedCount,
        OneShot,
        AcksBeforePersisting,
        AddsRereports,
    )
}
"""Every model by its title, the correct one first."""
