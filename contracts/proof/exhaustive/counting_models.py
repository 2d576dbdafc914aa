"""Models of clients that only receive records and count them: one is correct, each of the others has one defect.

A model is a few lines of code and cheap enough to play every small history to all of them.
"""

from collections import Counter
from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from contracts.client.interface import Window
from mock_server.model import PassDirection, Record


class Arrival(NamedTuple):
    """The delivery of a record. `rereport` is the number of the command that caused it, None for a first report."""

    record: Record
    message_id: str
    at_ms: int
    rereport: int | None


class CorrectModel:
    """Keeps each record once, by its record id, and counts the records of the window for every claim."""

    title: ClassVar[str] = "correct"
    acks_early: ClassVar[bool] = False

    def __init__(self, window: Window) -> None:
        self.window = window
        self.records: dict[Hashable, Record] = {}

    def makes_sync(self, number: int) -> bool:  # noqa: ARG002 a subclass reads it
        """Whether the model makes the sync with this number; the first is 0."""
        return True

    def identity(self, arrival: Arrival) -> Hashable:
        """The key under which a delivered record is kept."""
        return arrival.record.record_id

    def receive(self, arrival: Arrival) -> None:
        """Keep the record of a delivery."""
        self.records[self.identity(arrival)] = arrival.record

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """Whether a record counts for a direction: it has that direction and lies inside the window."""
        return record.pass_direction == direction and self.window.start_ms <= record.event_time < self.window.end_ms

    def count(self, direction: PassDirection) -> int:
        """The count that the model claims for a direction."""
        return sum(self.is_counted(record, direction) for record in self.records.values())

    def stored(self) -> frozenset[str]:
        """The ids of the records that are kept."""
        return frozenset(record.record_id for record in self.records.values())


class CountsDeliveriesModel(CorrectModel):
    """Keeps a row for every delivery."""

    title = "counts deliveries"

    def identity(self, arrival: Arrival) -> Hashable:  # noqa: ARG002 that is the defect
        """A new key for every delivery."""
        return len(self.records)


class DedupesByMessageIdModel(CorrectModel):
    """Uses the broker's message id as the record's identity."""

    title = "dedupes by message id"

    def identity(self, arrival: Arrival) -> Hashable:
        """The message id."""
        return arrival.message_id


class DropsRereportsModel(CorrectModel):
    """Acknowledges re-reported records without keeping them."""

    title = "drops re-reports"

    def receive(self, arrival: Arrival) -> None:
        """Keep first reports only."""
        if arrival.rereport is None:
            super().receive(arrival)


class ReplacesWindowModel(CorrectModel):
    """Deletes the cell's records when a re-report begins, then keeps the records that are delivered."""

    title = "replaces window"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.begun: set[Hashable] = set()

    def receive(self, arrival: Arrival) -> None:
        """Empty the cell at the first record of a re-report."""
        direction = PassDirection(arrival.record.pass_direction or 0)
        if arrival.rereport is not None and (arrival.rereport, direction) not in self.begun:
            self.begun.add((arrival.rereport, direction))
            kept = self.records.items()
            self.records = {key: record for key, record in kept if not self.is_counted(record, direction)}
        super().receive(arrival)


class ClosedEndModel(CorrectModel):
    """Counts a record whose time is the end of the window."""

    title = "closed end"

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """Both ends included, like SQL's BETWEEN."""
        return record.pass_direction == direction and self.window.start_ms <= record.event_time <= self.window.end_ms


class PoolsDirectionsModel(CorrectModel):
    """Claims the passes of both directions for each."""

    title = "pools directions"

    def count(self, direction: PassDirection) -> int:  # noqa: ARG002 that is the defect
        """The sum of both directions."""
        return sum(super(PoolsDirectionsModel, self).count(each) for each in PassDirection)


class SwapsDirectionModel(CorrectModel):
    """Confuses entering with leaving."""

    title = "swaps direction"

    def count(self, direction: PassDirection) -> int:
        """The count of the other direction."""
        return super().count(PassDirection(1 - direction))


class IdentityIsPlateModel(CorrectModel):
    """Uses the plate as the record's identity: of two passes of a car only the newer one is kept."""

    title = "identity = plate"

    def identity(self, arrival: Arrival) -> Hashable:
        """The plate and the direction."""
        return arrival.record.plate_no, arrival.record.pass_direction


class ArrivalTimeModel(CorrectModel):
    """Counts a record in the window of its first delivery."""

    title = "arrival time"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.arrived: dict[str, int] = {}

    def receive(self, arrival: Arrival) -> None:
        """Keep the record and the time of its first delivery."""
        self.arrived.setdefault(arrival.record.record_id, arrival.at_ms)
        super().receive(arrival)

    def is_counted(self, record: Record, direction: PassDirection) -> bool:
        """Compare the time of delivery, not the event time."""
        arrived = self.arrived[record.record_id]
        return record.pass_direction == direction and self.window.start_ms <= arrived < self.window.end_ms


class CachedCountModel(CorrectModel):
    """Counts a window once and claims the same number in every later sync."""

    title = "cached count"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.cache: dict[PassDirection, int] = {}

    def count(self, direction: PassDirection) -> int:
        """The first count."""
        return self.cache.setdefault(direction, super().count(direction))


class OneShotModel(CorrectModel):
    """Treats `success: true` as agreement and never syncs the window again."""

    title = "one shot"

    def makes_sync(self, number: int) -> bool:
        """Only the first."""
        return number == 0


class AcksBeforePersistingModel(CorrectModel):
    """Acknowledges a message before its record is durable: a crash in between loses the record."""

    title = "ack before persist"
    acks_early = True


class AddsRereportsModel(CorrectModel):
    """Adds every re-reported record to its last claim, whether it is new or not."""

    title = "adds re-reports to last count"

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.claimed: dict[PassDirection, int] = {}
        self.rereported: Counter[PassDirection] = Counter()

    def receive(self, arrival: Arrival) -> None:
        """Keep the record, and add one to the next claim if it is re-reported."""
        direction = PassDirection(arrival.record.pass_direction or 0)
        self.rereported[direction] += arrival.rereport is not None
        super().receive(arrival)

    def count(self, direction: PassDirection) -> int:
        """The last claim plus the re-reported records, or the number of records kept if that is more."""
        added = self.claimed.get(direction, 0) + self.rereported.pop(direction, 0)
        self.claimed[direction] = max(added, super().count(direction))
        return self.claimed[direction]


MODELS: dict[str, type[CorrectModel]] = {
    model.title: model
    for model in (
        CorrectModel,
        CountsDeliveriesModel,
        DedupesByMessageIdModel,
        DropsRereportsModel,
        ReplacesWindowModel,
        ClosedEndModel,
        PoolsDirectionsModel,
        SwapsDirectionModel,
        IdentityIsPlateModel,
        ArrivalTimeModel,
        CachedCountModel,
        OneShotModel,
        AcksBeforePersistingModel,
        AddsRereportsModel,
    )
}
"""Every model by its title, the correct one first."""
