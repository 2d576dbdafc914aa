"""A subscription: the messages of a topic, or of one partition of it, and the consumers that share them.

Semantics are Pulsar's for a Failover subscription (documented there): several consumers may connect, the first is
active; a message stays until it is acknowledged; it is redelivered, with a higher redelivery count, when its consumer
has lost its connection or asks for it; a consumer without room gets no more.

Without partitions the active consumer is the first that connected. In a partition it is the one at the place that is
the partition's number modulo their number, in the order of priority and name (read in Pulsar's dispatcher): so a
consumer that comes may take a partition from one that stays.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple

from msgspec import Struct

from mock_server.clock import Clock
from mock_server.history.events import (
    ConsumerChanged,
    MessageAcknowledged,
    MessageDelivered,
    MessageDiscarded,
    MessageExpired,
    MessageRefused,
    RedeliveryRequested,
)
from mock_server.history.log import History
from mock_server.model import Message, TopicName
from mock_server.queue.consumer import Consumer, PendingMessage
from mock_server.state.journal import Journal
from mock_server.state.rows import ABSENT, Absent, RowChange, Table

UNATTENDED_LIMIT = 10_000
"""The most messages that a subscription of `event-test` keeps before its first consumer connects (our choice). Most
projects never consume the test topic, and its messages would fill the memory."""

_SETTLED_LIMIT = 1_000
"""How many settled messages may stay in the order of publication, beside as many as are pending."""


class SubscriptionBusyError(Exception):
    """A consumer may not connect: it or a connected consumer is exclusive."""


class SubscriptionAbout(NamedTuple):
    """What tells a subscription from others, and whether it is attended."""

    topic: TopicName
    name: str
    partition: int | None = None
    attended: bool = True


class PlacedMessage(Struct, frozen=True, gc=False):
    """A message that is not acknowledged, as a row: its place in the order of publication, and its redeliveries."""

    place: int
    message: Message
    redelivery_count: int = 0


class Subscription:
    """A named subscription of one topic, or of one partition of it: unacknowledged messages and consumers.

    Its rows are the unacknowledged messages by their ids, with how often they came back from a consumer. Consumers are
    none, nor what they hold.
    Its `number` is that of the row in which its queue has what it is about.
    """

    def __init__(
        self,
        number: int,
        about: Table[int, SubscriptionAbout],
        clock: Clock,
        history: History,
        journal: Journal,
    ) -> None:
        self._about = about
        self.be(number)
        self.acknowledged = 0
        self._clock = clock
        self._history = history
        self._journal = journal
        self._backlog: deque[PendingMessage] = deque()
        self._pending: dict[str, PendingMessage] = {}
        self._order: deque[PendingMessage] = deque()
        self._consumers: list[Consumer] = []
        self._active: Consumer | None = None
        self._pumping = False

    def be(self, number: int) -> None:
        """Be the subscription of that number."""
        self.number = number
        self.about = self._about[number]
        self.topic, self.name, self.partition, self.attended = self.about
        self.rows_name = f"messages {number}"

    @property
    def pending(self) -> int:
        """The number of messages that are not acknowledged, delivered or not."""
        return len(self._pending)

    @property
    def consumers(self) -> list[Consumer]:
        """The connected consumers in the order of their coming."""
        return self._consumers

    @property
    def in_flight(self) -> int:
        """The number of messages that are delivered to a connected consumer, which is awaited, and not acknowledged."""
        return sum(len(consumer.unacknowledged) for consumer in self._consumers if consumer.is_awaited())

    def pending_messages(self) -> list[Message]:
        """The messages that are not acknowledged, in the order of their publication."""
        return [pending.message for pending in self._pending.values()]

    def find(self, message_id: str) -> Message | None:
        """The message of that id, None if it is unknown or acknowledged."""
        pending = self._pending.get(message_id)
        return None if pending is None else pending.message

    def publish(self, message: Message, place: int) -> None:
        """Append a message to the backlog, and deliver it if the active consumer has room."""
        pending = PendingMessage(message, place)
        self._journal.note(RowChange(self.rows_name, message.message_id, ABSENT))
        self._pending[message.message_id] = pending
        self._order.append(pending)
        self._backlog.append(pending)
        if not self.attended and len(self._pending) > UNATTENDED_LIMIT:
            self._expire_oldest()
        self._pump()

    def _expire_oldest(self) -> None:
        oldest = self._backlog.popleft()
        self._settle(oldest)
        self._history.add(MessageExpired(oldest.message.message_id, self.topic, self.name))

    def connect(self, consumer: Consumer) -> None:
        """Add a consumer behind the connected ones. SubscriptionBusyError if it may not share the subscription."""
        if self._consumers and "Exclusive" in (consumer.type, self._consumers[0].type):
            raise SubscriptionBusyError(f"{self.name} has an exclusive consumer or other consumers already")
        with self._journal:
            if not self.attended:
                self._about.put(self.number, self.about._replace(attended=True))
                self.be(self.number)
            self._consumers.append(consumer)
            self._record_change(consumer, "connected")
        if self._chosen() is not consumer:
            consumer.on_active(False)
        self._activate()

    def disconnect(self, consumer: Consumer, *, idle: bool = False) -> None:
        """Remove a consumer; its unacknowledged messages are redelivered to the next one, or wait for one.

        `idle` says that its connection was closed for silence.
        """
        if consumer not in self._consumers:
            return
        self._consumers.remove(consumer)
        if idle:
            self._record_change(consumer, "idle")
        self._record_change(consumer, "disconnected")
        self._bring_back(consumer.release_all())
        self._activate()

    def _chosen(self) -> Consumer | None:
        """The consumer that is to be active."""
        if self.partition is None or not self._consumers:
            return self._consumers[0] if self._consumers else None
        ranked = sorted(self._consumers, key=lambda each: (each.about.priority, each.about.name))
        return ranked[self.partition % len(ranked)]

    def _activate(self) -> None:
        """Let the consumer be active that should be. What an earlier one holds that stays comes to the new one."""
        before, self._active = self._active, self._chosen()
        if self._active is not None and self._active is not before:
            if before in self._consumers:
                self._bring_back(self._released())
                before.on_active(False)
            self._record_change(self._active, "active")
            self._active.on_active(True)
        self._go_on()

    def acknowledge(self, consumer: Consumer, message_id: str) -> bool:
        """Remove a message, whoever has it. False if it is unknown or acknowledged already, which changes nothing."""
        pending = self._pending.get(message_id)
        if pending is None:
            return False
        self._acknowledge(consumer, pending)
        self._go_on()
        return True

    def acknowledge_up_to(self, consumer: Consumer, message_id: str) -> int:
        """Remove a message and all that were published before it, whoever has them, delivered or not.

        The order is that of publication in this subscription: ids say nothing, since a re-report has reserved its own
        before it is published. Returns how many were removed: 0 if the message is unknown or acknowledged already.
        """
        last = self._pending.get(message_id)
        removed = 0
        with self._journal:
            while last is not None and not last.acknowledged:
                self._acknowledge(consumer, self._order[0], cumulative=True)
                removed += 1
        self._go_on()
        return removed

    def up_to(self, message_id: str) -> list[str]:
        """The ids of a pending message and of all pending ones before it, in the order of publication."""
        if message_id not in self._pending:
            return []
        ids = list(takewhile(lambda each: each != message_id, self._pending))
        return [*ids, message_id]

    def discard(self, consumer: Consumer, message_id: str, error: str) -> None:
        """Remove a message that a client's library threw away for this reason; ignores an unknown one."""
        pending = self._pending.get(message_id)
        if pending is not None:
            with self._journal:
                self._settle(pending)
                self._history.add(MessageDiscarded(message_id, self.topic, self.name, consumer.consumer_id, error))
            self._go_on()

    def _acknowledge(self, consumer: Consumer, pending: PendingMessage, *, cumulative: bool = False) -> None:
        message_id = pending.message.message_id
        with self._journal:
            self._settle(pending)
            self._history.add(MessageAcknowledged(message_id, self.topic, self.name, consumer.consumer_id, cumulative))
        self.acknowledged += 1

    def _settle(self, pending: PendingMessage) -> None:
        """Remove a message, so that the first in the order of publication is pending, or there is none."""
        message_id = pending.message.message_id
        self._journal.note(RowChange(self.rows_name, message_id, _row(pending)))
        del self._pending[message_id]
        pending.acknowledged = True
        order = self._order
        while order and order[0].acknowledged:
            order.popleft()
        if len(order) > 2 * len(self._pending) + _SETTLED_LIMIT:  # one that stays must not keep all behind it
            self._order = deque(self._pending.values())
        for holder in self._consumers:
            holder.release(message_id)

    def refuse(self, consumer: Consumer, message_id: str) -> None:
        """Set a message that this consumer holds aside, until `redeliver`; ignores other ids."""
        if message_id in consumer.unacknowledged:
            self._set_aside(consumer, message_id)
            self._history.add(MessageRefused(message_id, self.topic, self.name, consumer.consumer_id))
            self._go_on()

    def set_aside(self, consumer: Consumer, message_ids: Iterable[str]) -> None:
        """Let messages that this consumer holds take no room of it, until `redeliver`; ignores other ids."""
        for message_id in message_ids:
            self._set_aside(consumer, message_id)
        self._go_on()

    def _set_aside(self, consumer: Consumer, message_id: str) -> None:
        held = consumer.release(message_id)
        if held is not None:
            consumer.set_aside[message_id] = held

    def redeliver(self, consumer: Consumer, message_ids: Iterable[str]) -> None:
        """Deliver messages again that this consumer holds or has set aside, before all others; ignores other ids."""
        released = [consumer.release(message_id) for message_id in message_ids]
        self._requeue([pending for pending in released if pending is not None])
        self._go_on()

    def rewind(self, consumer: Consumer) -> int:
        """Deliver all unacknowledged messages again, whoever has them, in the order of publication.

        So a broker obeys a native consumer that asks for redelivery on Failover and Exclusive, whatever ids it names
        (read in Pulsar's dispatcher); only the active consumer is obeyed. Returns how many had been delivered.
        """
        if consumer is not self._active:
            return 0
        released = self._released()
        self._bring_back(released)
        count = len(released)
        event = RedeliveryRequested(self.topic, self.name, consumer.consumer_id, count, self.partition)
        self._history.add(event)
        self._go_on()
        return count

    def _released(self) -> list[PendingMessage]:
        """Everything that consumers held, which they hold no more."""
        return [pending for each in self._consumers for pending in each.release_all()]

    def _bring_back(self, released: Sequence[PendingMessage]) -> None:
        """Put messages that were delivered back to their places: the backlog is in the order of publication then.

        Whoever takes over acknowledges cumulatively in that order, so nothing older may come behind what is newer.
        """
        if not released:
            return
        self._count_again(released)
        held = {each for consumer in self._consumers for each in (*consumer.unacknowledged, *consumer.set_aside)}
        self._backlog = deque(pending for each, pending in self._pending.items() if each not in held)

    def go_on(self) -> None:
        """Deliver to the active consumer what it has room for: it has room or its turn again."""
        self._pump()

    def _go_on(self) -> None:
        """Deliver what there is room for since a message was let go, also in the partitions that share the room."""
        self._pump()
        if self.partition is not None:
            for consumer in self._consumers:
                consumer.room.go_on()

    def clear(self) -> None:
        """Remove every message; consumers stay connected."""
        with self._journal:
            for pending in list(self._pending.values()):
                self._settle(pending)

    def value(self, key: str) -> PlacedMessage | Absent:
        """The unacknowledged message of an id, or `ABSENT`."""
        pending = self._pending.get(key)
        return ABSENT if pending is None else _row(pending)

    def rows(self) -> dict[str, PlacedMessage]:
        """The unacknowledged messages by their ids."""
        return {message_id: _row(pending) for message_id, pending in self._pending.items()}

    def load(self, rows: Mapping[str, PlacedMessage]) -> None:
        """Have these messages in place of the present ones. Consumers stay connected; `go_on` delivers to them."""
        for consumer in self._consumers:
            consumer.release_all()
        placed = sorted(rows.values(), key=lambda row: row.place)
        self._pending = {
            row.message.message_id: PendingMessage(row.message, row.place, row.redelivery_count) for row in placed
        }
        self._order = deque(self._pending.values())
        self._backlog = deque(self._pending.values())

    def tell_of(self, consumer: Consumer) -> None:
        """Let the history say that a consumer is connected, and whether it is the active one."""
        self._record_change(consumer, "connected")
        if consumer is self._active:
            self._record_change(consumer, "active")

    def _record_change(
        self, consumer: Consumer, change: Literal["connected", "active", "idle", "disconnected"]
    ) -> None:
        about = consumer.about
        said = (about.carrier, about.client, about.name)
        event = ConsumerChanged(self.topic, self.name, consumer.consumer_id, change, *said, self.partition)
        self._history.add(event)

    def _pump(self) -> None:
        """Deliver messages of the backlog until it is empty or the active consumer takes no more."""
        # `deliver` may call back into this subscription: a consumer in this process may acknowledge or disconnect at
        # once, and both end here. The inner call returns: otherwise it would deliver the next message before this
        # delivery is done, one level of recursion deeper each time, up to the recursion limit in a long backlog.
        # Nothing is missed, because the loop reads the consumer, its room and the backlog again for each message.
        if self._pumping or not self._backlog:
            return
        self._pumping = True
        try:
            while self._backlog and self._active is not None:
                active = self._active
                if not active.room.has_room():
                    active.room.wait(self.go_on)
                    break
                if not active.has_turn():
                    break
                pending = self._backlog.popleft()
                if not pending.acknowledged:
                    self._deliver(active, pending)
        finally:
            self._pumping = False

    def _deliver(self, consumer: Consumer, pending: PendingMessage) -> None:
        message_id = pending.message.message_id
        pending.delivered_at = self._clock.now_ms()
        self._history.add(
            MessageDelivered(message_id, self.topic, self.name, consumer.consumer_id, pending.redelivery_count)
        )
        consumer.take(pending)

    def _requeue(self, back: list[PendingMessage]) -> None:
        """Put delivered messages back to the front of the backlog, in their order, with a higher redelivery count."""
        self._count_again(back)
        self._backlog.extendleft(reversed(back))

    def _count_again(self, back: Iterable[PendingMessage]) -> None:
        with self._journal:
            for pending in back:
                self._journal.note(RowChange(self.rows_name, pending.message.message_id, _row(pending)))
                pending.redelivery_count += 1


def _row(pending: PendingMessage) -> PlacedMessage:
    return PlacedMessage(pending.place, pending.message, pending.redelivery_count)
