"""The history read once: records with what became of their messages, deliveries, calls with their answers."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mock_server.history.events import (
    ConsumerChanged,
    CountCompared,
    DeviceChanged,
    FaultInjected,
    MessageAcknowledged,
    MessageDelivered,
    MessagePublished,
    MessageRefused,
    RecordKept,
    RecordLost,
    RecordRemoved,
    RequestAnswered,
    RequestReceived,
    Rereported,
    SyncAsked,
)
from mock_server.history.log import Entry
from mock_server.model import DataType, Line, Origin, PassDirection, RecordKey, Spoils


@dataclass(slots=True)
class LotRecord:
    """A record as the lot has it, and what became of its messages. Lists are in the order of the history."""

    kept: RecordKept
    seq: int
    time: int
    kept_as: list[RecordKept] = field(default_factory=list)
    removed_seq: int | None = None
    deliveries: list["Delivery"] = field(default_factory=list)
    losses: list[int] = field(default_factory=list)

    @property
    def key(self) -> RecordKey:
        """What makes it the same record."""
        return (self.kept.device_id, self.kept.data_type, self.kept.record_id)

    @property
    def name(self) -> str:
        """Its record id."""
        return self.kept.record_id

    @property
    def versions(self) -> int:
        """How often the lot has kept it: more than once if it was corrected."""
        return len(self.kept_as)

    @property
    def line(self) -> Line:
        """The line in which it counts."""
        return line_of(self.kept)

    @property
    def lines(self) -> set[Line]:
        """The lines in which some version of it counts: more than one only if a correction turned it round."""
        return {line_of(each) for each in self.kept_as}

    def delivered_before(self, seq: int) -> bool:
        """Whether it had been handed to the client before that line."""
        return any(not each.torn for each in self.deliveries if each.seq < seq)

    def acked_before(self, seq: int) -> bool:
        """Whether the client had acknowledged it before that line. To be rid of a damaged message is no promise."""
        return any(each.readable and each.acked_seq is not None and each.acked_seq < seq for each in self.deliveries)

    def intact_before(self, seq: int) -> bool:
        """Whether it had been handed to the client undamaged before that line."""
        return any(each.readable and each.seq < seq for each in self.deliveries)


def line_of(kept: RecordKept) -> Line:
    """The line in which a version of a record counts."""
    direction = None if kept.pass_direction is None else PassDirection(kept.pass_direction)
    return Line(kept.device_id, DataType(kept.data_type), direction)


@dataclass(slots=True)
class Delivery:
    """One delivery of one message. `record` is None for a command's result and for an unknown event.

    `faults` are the kinds that struck it, each with its value. The content of a `damaged` one was spoilt: nobody need
    be able to read it. A `torn` one was never handed over, because the connection broke.
    """

    seq: int
    time: int
    message_id: str
    origin: Origin
    published_time: int
    redelivery_count: int
    consumer: str
    device_id: str
    record: LotRecord | None
    version: int = 1
    faults: dict[str, int] = field(default_factory=dict)
    damaged: bool = False
    torn: bool = False
    subscription: str = ""
    acked_seq: int | None = None
    refused_seq: int | None = None

    @property
    def readable(self) -> bool:
        """Whether the client was handed it undamaged."""
        return not self.torn and not self.damaged

    @property
    def content(self) -> RecordKept | None:
        """The version of the record that it told of."""
        return self.record.kept_as[self.version - 1] if self.record else None


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the client and its answer; `answer` is None if the history ends before it."""

    seq: int
    time: int
    request: RequestReceived
    answer: RequestAnswered | None
    answer_seq: int = 0

    @property
    def code(self) -> int | None:
        """The code of a refusal, None for a success."""
        return self.answer.code if self.answer else None

    @property
    def taken(self) -> bool:
        """Whether the cloud carried it out, whatever the client was told."""
        return self.answer is not None and self.answer.code is None

    @property
    def understood(self) -> bool:
        """Whether the client was told so in a whole answer."""
        return self.taken and self.answer is not None and self.answer.sent == "whole"


class HistoryIndex:
    """One pass over the history."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.records: dict[RecordKey, LotRecord] = {}
        self.deliveries: list[Delivery] = []
        self.calls: list[Call] = []
        self.asked: dict[int, list[SyncAsked]] = defaultdict(list)
        self.compared: dict[str, list[CountCompared]] = defaultdict(list)
        self.rereports: list[tuple[Entry, Rereported]] = []
        self.faults: list[tuple[Entry, FaultInjected]] = []
        self.faults_by_call: dict[int, tuple[str, ...]] = {}
        self.consumers: list[tuple[Entry, ConsumerChanged]] = []
        self.devices: dict[str, DeviceChanged] = {}
        self._by_id: dict[tuple[str, str | None], LotRecord] = {}
        self._published: dict[str, tuple[int, MessagePublished, LotRecord | None, int]] = {}
        self._delivered: dict[tuple[str, str], Delivery] = {}
        self._handed: dict[tuple[str | None, str | None], Delivery] = {}
        self._open: dict[int, int] = {}
        self._torn: set[str] = set()
        take: dict[type[Any], Any] = {
            RecordKept: self._kept,
            RecordRemoved: self._removed,
            RecordLost: self._lost,
            MessagePublished: self._publish,
            MessageDelivered: self._deliver,
            MessageAcknowledged: self._acknowledge,
            MessageRefused: self._refuse,
            RequestReceived: self._request,
            SyncAsked: lambda _, event: self.asked[event.request].append(event),
            RequestAnswered: self._answer,
            CountCompared: self._compare,
            Rereported: lambda entry, event: self.rereports.append((entry, event)),
            FaultInjected: self._fault,
            ConsumerChanged: lambda entry, event: self.consumers.append((entry, event)),
            DeviceChanged: self._device,
        }
        for entry in entries:
            handle = take.get(type(entry.event))
            if handle is not None:
                handle(entry, entry.event)

    def _kept(self, entry: Entry, event: RecordKept) -> None:
        key = (event.device_id, event.data_type, event.record_id)
        record = self.records.get(key)
        if record is None:
            self.records[key] = record = LotRecord(event, entry.seq, entry.time)
        record.kept = event
        record.kept_as.append(event)
        self._by_id[event.device_id, event.record_id] = record

    def _removed(self, entry: Entry, event: RecordRemoved) -> None:
        self.records[event.device_id, event.data_type, event.record_id].removed_seq = entry.seq

    def _lost(self, entry: Entry, event: RecordLost) -> None:
        self.records[event.device_id, event.data_type, event.record_id].losses.append(entry.seq)

    def _publish(self, entry: Entry, event: MessagePublished) -> None:
        record = self._by_id.get((event.device_id, event.record_id)) if event.record_id else None
        self._published[event.message_id] = (entry.time, event, record, record.versions if record else 1)

    def _deliver(self, entry: Entry, event: MessageDelivered) -> None:
        time, published, record, version = self._published[event.message_id]
        delivery = Delivery(
            seq=entry.seq,
            time=entry.time,
            message_id=event.message_id,
            origin=published.origin,
            published_time=time,
            redelivery_count=event.redelivery_count,
            consumer=event.consumer,
            device_id=published.device_id,
            record=record,
            version=version,
            torn=event.consumer in self._torn,
            subscription=event.subscription,
        )
        self.deliveries.append(delivery)
        self._delivered[event.subscription, event.message_id] = delivery
        self._handed[event.consumer, event.message_id] = delivery
        if record is not None:
            record.deliveries.append(delivery)

    def _acknowledge(self, entry: Entry, event: MessageAcknowledged) -> None:
        delivery = self._delivered.get((event.subscription, event.message_id))
        if delivery is not None:
            delivery.acked_seq = entry.seq

    def _refuse(self, entry: Entry, event: MessageRefused) -> None:
        delivery = self._delivered.get((event.subscription, event.message_id))
        if delivery is not None:
            delivery.refused_seq = entry.seq

    def _request(self, entry: Entry, event: RequestReceived) -> None:
        self._open[entry.seq] = len(self.calls)
        self.calls.append(Call(entry.seq, entry.time, event, None))

    def _answer(self, entry: Entry, event: RequestAnswered) -> None:
        place = self._open.pop(event.request, None)
        if place is not None:
            call = self.calls[place]
            self.calls[place] = Call(call.seq, call.time, call.request, event, entry.seq)

    def _compare(self, _entry: Entry, event: CountCompared) -> None:
        self.compared[event.sn].append(event)

    def _fault(self, entry: Entry, event: FaultInjected) -> None:
        self.faults.append((entry, event))
        if event.request is not None:
            self.faults_by_call[event.request] = (*self.faults_by_call.get(event.request, ()), event.fault)
        delivery = self._handed.get((event.consumer, event.message_id))
        if delivery is not None:
            self._strike(delivery, event)

    def _strike(self, delivery: Delivery, event: FaultInjected) -> None:
        delivery.faults[event.fault] = event.value
        if event.spoils == Spoils.CONTENT:
            delivery.damaged = True
        elif event.spoils == Spoils.DELIVERY:
            delivery.torn = True
            self._torn.add(delivery.consumer)  # what follows on this connection comes to nobody

    def _device(self, _entry: Entry, event: DeviceChanged) -> None:
        self.devices[event.device_id] = event
