"""The one fold of a history: records with what became of their messages, deliveries, calls with their answers.

The judge reads a whole history at once; whoever follows a growing one takes new entries as they come.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from mock_server.history.events import (
    ConsumerChanged,
    CountCompared,
    DeviceChanged,
    FaultInjected,
    MessageAcknowledged,
    MessageDelivered,
    MessageDiscarded,
    MessageExpired,
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

_SOCKET, _FRAME, _ACKNOWLEDGEMENT = "socket", "frame", "acknowledgement"
"""Sites of faults: at the first two a message does not reach the application."""


@dataclass(slots=True)
class LotRecord:
    """A record as the lot has it, and what became of its messages. Lists are in the order of the history.

    `seq` and `time` are those of its first version, `kept_seq` is that of the newest. `losses` has the cause of each
    loss of a message by its seq. `published`, `delivered`, `acknowledged` and `discarded` count messages, deliveries,
    acknowledgements, and deliveries that the client's library threw away.
    """

    kept: RecordKept
    seq: int
    time: int
    kept_seq: int = 0
    kept_as: list[RecordKept] = field(default_factory=list)
    removed_seq: int | None = None
    deliveries: list["Delivery"] = field(default_factory=list)
    losses: dict[int, str] = field(default_factory=dict)
    published: int = 0
    delivered: int = 0
    acknowledged: int = 0
    discarded: int = 0

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

    @property
    def is_removed(self) -> bool:
        """Whether the lot has it no more."""
        return self.removed_seq is not None and self.removed_seq > self.kept_seq

    @property
    def handed_seq(self) -> float:
        """The first entry at which it was handed to the client; infinity if it never was."""
        return next((each.seq for each in self.deliveries if not each.torn), inf)

    def delivered_before(self, seq: int) -> bool:
        """Whether it had been handed to the client before that entry."""
        return self.handed_seq < seq

    def acked_before(self, seq: int) -> bool:
        """Whether the client had acknowledged it before that entry. To be rid of a damaged message is no promise."""
        return any(each.readable and each.acked_seq is not None and each.acked_seq < seq for each in self.deliveries)

    def versions_known(self, seq: int, since: int) -> list[RecordKept]:
        """The versions of which a client may go out before the entry `seq`: none that a later one has surely replaced.

        One has, if it came when the older one had been acknowledged, and was acknowledged itself before `since`.
        """
        before = [each for each in self.deliveries if each.seq < seq and not each.torn]
        known = {each.version for each in before if not any(_replaces(other, each, since) for other in before)}
        return [self.kept_as[version - 1] for version in sorted(known)]

    def intact_before(self, seq: int) -> bool:
        """Whether it had been handed to the client undamaged before that entry."""
        return any(each.readable and each.seq < seq for each in self.deliveries)


_TYPES: dict[int, DataType] = {each: each for each in DataType}
_WAYS: dict[int | None, PassDirection | None] = {None: None, **{each: each for each in PassDirection}}


def line_of(kept: RecordKept) -> Line:
    """The line in which a version of a record counts."""
    return Line(kept.device_id, _TYPES[kept.data_type], _WAYS[kept.pass_direction])


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


def _replaces(later: Delivery, earlier: Delivery, seq: int) -> bool:
    """Whether a client that has answered both by that entry has certainly replaced what the earlier one told."""
    is_newer = later.readable and later.version > earlier.version
    in_order = earlier.acked_seq is not None and earlier.acked_seq < later.seq
    return is_newer and in_order and later.acked_seq is not None and later.acked_seq < seq


@dataclass(slots=True)
class PublishedMessage:
    """A message as it was published, with its latest delivery on each subscription.

    `record` is None for a command's result, for an unknown event, and for a record of which the history does not tell.
    """

    time: int
    event: MessagePublished
    record: LotRecord | None
    version: int
    delivered: int = 0
    latest: dict[str, Delivery] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request of the client and its answer; `answer` is None if the history ends before it."""

    seq: int
    time: int
    request: RequestReceived
    answer: RequestAnswered | None = None
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
    """The fold of a history, as far as it was taken: `last` is the seq of the newest entry.

    A history may lack its beginning. What is told of records and messages from there is passed over.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.last = 0
        self.records: dict[RecordKey, LotRecord] = {}
        self.messages: dict[str, PublishedMessage] = {}
        self.deliveries: list[Delivery] = []
        self.calls: dict[int, Call] = {}
        self.asked: dict[int, list[SyncAsked]] = defaultdict(list)
        self.compared: dict[str, list[tuple[Entry, CountCompared]]] = defaultdict(list)
        self.rereports: list[tuple[Entry, Rereported]] = []
        self.faults: list[tuple[Entry, FaultInjected]] = []
        self.faults_by_call: dict[int, tuple[str, ...]] = {}
        self.consumers: list[tuple[Entry, ConsumerChanged]] = []
        self.devices: dict[str, DeviceChanged] = {}
        self._handed: dict[tuple[str | None, str | None], Delivery] = {}
        self._torn: set[str] = set()
        self._removed: list[LotRecord] = []
        self._settled: list[str] = []
        self._answered: list[int] = []
        self._handlers: dict[type[Any], Any] = {
            RecordKept: self._kept,
            RecordRemoved: self._remove,
            RecordLost: self._lose,
            MessagePublished: self._publish,
            MessageDelivered: self._deliver,
            MessageAcknowledged: self._acknowledge,
            MessageDiscarded: self._discard,
            MessageRefused: self._refuse,
            MessageExpired: lambda _, event: self._settled.append(event.message_id),
            RequestReceived: self._request,
            SyncAsked: lambda _, event: self.asked[event.request].append(event),
            RequestAnswered: self._answer,
            CountCompared: lambda entry, event: self.compared[event.sn].append((entry, event)),
            Rereported: lambda entry, event: self.rereports.append((entry, event)),
            FaultInjected: self._fault,
            ConsumerChanged: lambda entry, event: self.consumers.append((entry, event)),
            DeviceChanged: self._device,
        }
        self.take(entries)

    def take(self, entries: Iterable[Entry]) -> None:
        """Fold in the entries that follow those taken before."""
        for entry in entries:
            self.last = entry.seq
            handle = self._handlers.get(type(entry.event))
            if handle is not None:
                handle(entry, entry.event)

    def forget(self) -> None:
        """Let go of what is over, for whoever follows a history without end.

        What stays is bounded by the world: the lots' records with their counts, messages that nobody has acknowledged,
        calls without an answer, devices.
        """
        for delivery in self.deliveries:
            if delivery.record is not None:
                delivery.record.deliveries.clear()
        for record in self._removed:
            if record.is_removed:
                self.records.pop(record.key, None)
        for message_id in self._settled:
            self.messages.pop(message_id, None)
        for number in self._answered:
            self.calls.pop(number, None)
            self.asked.pop(number, None)
        self._torn.difference_update(event.consumer for _, event in self.consumers if event.change == "disconnected")
        lists = (self.deliveries, self.rereports, self.faults, self.consumers)
        over: tuple[list[Any] | dict[Any, Any], ...] = (*lists, self.compared, self.faults_by_call, self._handed)
        for each in (*over, self._removed, self._settled, self._answered):
            each.clear()

    def _kept(self, entry: Entry, event: RecordKept) -> None:
        key = (event.device_id, event.data_type, event.record_id)
        record = self.records.get(key)
        if record is None:
            self.records[key] = record = LotRecord(event, entry.seq, entry.time)
        record.kept, record.kept_seq = event, entry.seq
        record.kept_as.append(event)

    def _remove(self, entry: Entry, event: RecordRemoved) -> None:
        record = self.records.get((event.device_id, event.data_type, event.record_id))
        if record is not None:
            record.removed_seq = entry.seq
            self._removed.append(record)

    def _lose(self, entry: Entry, event: RecordLost) -> None:
        record = self.records.get((event.device_id, event.data_type, event.record_id))
        if record is not None:
            record.losses[entry.seq] = event.cause

    def _publish(self, entry: Entry, event: MessagePublished) -> None:
        record = self._published(event)
        if record is not None:
            record.published += 1
        self.messages[event.message_id] = PublishedMessage(entry.time, event, record, record.versions if record else 1)

    def record_of(self, message: PublishedMessage) -> LotRecord | None:
        """The record of a message: it may have been kept, or kept again, after the message was published."""
        if message.record is None or message.record.is_removed:
            message.record = self._published(message.event)
        return message.record

    def _published(self, event: MessagePublished) -> LotRecord | None:
        """The record of a publication. An old history does not say of which data type it is: of two, the later one."""
        if event.record_id is None:
            return None
        types = DataType if event.data_type is None else (DataType(event.data_type),)
        found = [self.records.get((event.device_id, data_type, event.record_id)) for data_type in types]
        return max((each for each in found if each is not None), key=lambda each: each.kept_seq, default=None)

    def _deliver(self, entry: Entry, event: MessageDelivered) -> None:
        message = self.messages.get(event.message_id)
        if message is None:
            return
        record = self.record_of(message)
        delivery = Delivery(
            seq=entry.seq,
            time=entry.time,
            message_id=event.message_id,
            origin=message.event.origin,
            published_time=message.time,
            redelivery_count=event.redelivery_count,
            consumer=event.consumer,
            device_id=message.event.device_id,
            record=record,
            version=message.version,
            torn=event.consumer in self._torn,
            subscription=event.subscription,
        )
        self.deliveries.append(delivery)
        message.delivered += 1
        message.latest[event.subscription] = self._handed[event.consumer, event.message_id] = delivery
        if record is not None:
            record.deliveries.append(delivery)
            record.delivered += 1

    def _acknowledge(self, entry: Entry, event: MessageAcknowledged) -> None:
        self._settled.append(event.message_id)
        message = self.messages.get(event.message_id)
        if message is None:
            return
        if event.subscription in message.latest:
            message.latest[event.subscription].acked_seq = entry.seq
        record = self.record_of(message)
        if record is not None:
            record.acknowledged += 1

    def _discard(self, _entry: Entry, event: MessageDiscarded) -> None:
        self._settled.append(event.message_id)
        message = self.messages.get(event.message_id)
        if message is None:
            return
        if event.subscription in message.latest:
            message.latest[event.subscription].torn = True  # the application has never seen it
        record = self.record_of(message)
        if record is not None:
            record.discarded += 1

    def _refuse(self, entry: Entry, event: MessageRefused) -> None:
        message = self.messages.get(event.message_id)
        if message is not None and event.subscription in message.latest:
            message.latest[event.subscription].refused_seq = entry.seq

    def _request(self, entry: Entry, event: RequestReceived) -> None:
        self.calls[entry.seq] = Call(entry.seq, entry.time, event)

    def _answer(self, entry: Entry, event: RequestAnswered) -> None:
        self._answered.append(event.request)
        call = self.calls.get(event.request)
        if call is not None:
            call.answer, call.answer_seq = event, entry.seq

    def _fault(self, entry: Entry, event: FaultInjected) -> None:
        self.faults.append((entry, event))
        if event.request is not None:
            self.faults_by_call[event.request] = (*self.faults_by_call.get(event.request, ()), event.fault)
        delivery = self._handed.get((event.consumer, event.message_id))
        if delivery is not None:
            self._strike(delivery, event, entry.seq)

    def _strike(self, delivery: Delivery, event: FaultInjected, seq: int) -> None:
        delivery.faults[event.fault] = event.value
        if event.site == _ACKNOWLEDGEMENT:
            delivery.acked_seq = seq  # the client has acknowledged it, though the queue has not kept that
        elif event.spoils == Spoils.CONTENT:
            delivery.damaged = True
        elif event.spoils == Spoils.DELIVERY and event.site in (_SOCKET, _FRAME):
            delivery.torn = True
            if event.site == _SOCKET:
                self._torn.add(delivery.consumer)  # what follows on this connection comes to nobody

    def _device(self, _entry: Entry, event: DeviceChanged) -> None:
        self.devices[event.device_id] = event
