"""The message queue: topics, subscriptions, consumers, acknowledgement and redelivery.

Semantics are Pulsar's for a Failover subscription (documented there): several consumers may connect, the first is
active; a message stays until it is acknowledged; it is redelivered, with a higher redelivery count, after the
consumer's ack timeout, a negative acknowledgement or a lost connection; a consumer that holds
`receiver_queue_size` unacknowledged messages gets no more.
"""

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from mock_server.clock import Clock, Timer
from mock_server.history.events import (
    ConsumerChanged,
    MessageAcknowledged,
    MessageDelivered,
    MessageExpired,
    MessageRefused,
)
from mock_server.history.log import History
from mock_server.model import Message, TopicName

TOPICS: tuple[TopicName, ...] = get_args(TopicName)
"""The topics."""

UNATTENDED_LIMIT = 10_000
"""The most messages that a subscription of `event-test` keeps before its first consumer connects (our choice). Most
projects never consume the test topic, and its messages would fill the memory."""

ACK_TIMEOUT = "ack timeout"
"""What the timers of ack timeouts are called: the only ones that an acknowledgement cancels."""

MAX_SUBSCRIPTIONS = 100
"""The most subscriptions of a project (our choice), for clients that invent names: each keeps its messages."""

SubscriptionType = Literal["Failover", "Exclusive"]


class SubscriptionBusyError(Exception):
    """A consumer may not connect: it or a connected consumer is exclusive."""


@dataclass(slots=True)
class PendingMessage:
    """A message in one subscription that no consumer has acknowledged yet.

    `acknowledged` marks one that is acknowledged while it waits in the backlog again.
    """

    message: Message
    redelivery_count: int = 0
    acknowledged: bool = False


@dataclass(eq=False, slots=True)
class Consumer:
    """One connection of a client. `deliver(message, redelivery count)` must not block; ids are unique in the project.

    `unacknowledged` has the delivered messages by message id, each with its ack deadline in epoch milliseconds, in the
    order of delivery; `refused` those negatively acknowledged, each with the timer of its redelivery. An
    `ack_timeout_ms` of 0 means no timeout. `has_turn` returns whether it takes a message now: one that does not has
    `Subscription.go_on` called later. `is_awaited` returns whether it is worth waiting for its acknowledgements:
    not where the thread that would have to wait is the one that acknowledges.
    """

    consumer_id: str
    deliver: Callable[[Message, int], None]
    ack_timeout_ms: int = 0
    receiver_queue_size: int = 1000
    negative_ack_delay_ms: int = 60_000
    type: SubscriptionType = "Failover"
    unacknowledged: dict[str, tuple[int, PendingMessage]] = field(default_factory=dict)
    refused: dict[str, tuple[Timer, PendingMessage]] = field(default_factory=dict)
    timer: Timer | None = None
    close: Callable[[], None] = lambda: None
    has_turn: Callable[[], bool] = lambda: True
    is_awaited: Callable[[], bool] = lambda: True


class Subscription:
    """A named subscription of one topic: its unacknowledged messages and its consumers, the first of them active.

    `attended` is False for a subscription of `event-test` until its first consumer connects.
    """

    def __init__(self, topic: TopicName, name: str, clock: Clock, history: History) -> None:
        self.topic = topic
        self.name = name
        self.attended = topic == "event"
        self._clock = clock
        self._history = history
        self._backlog: deque[PendingMessage] = deque()
        self._pending: dict[str, PendingMessage] = {}
        self._consumers: list[Consumer] = []
        self._pumping = False
        self.acknowledged = 0

    @property
    def pending(self) -> int:
        """The number of messages that are not acknowledged, delivered or not."""
        return len(self._pending)

    @property
    def consumers(self) -> list[Consumer]:
        """The connected consumers; the first is the active one."""
        return self._consumers

    @property
    def in_flight(self) -> int:
        """The number of messages that are delivered to a connected consumer, which is awaited, and not acknowledged."""
        return sum(len(consumer.unacknowledged) for consumer in self._consumers if consumer.is_awaited())

    def pending_messages(self) -> list[Message]:
        """The messages that are not acknowledged, in the order of their publication."""
        return [pending.message for pending in self._pending.values()]

    def publish(self, message: Message) -> None:
        """Append a message to the backlog, and deliver it if the active consumer has room."""
        pending = PendingMessage(message)
        self._pending[message.message_id] = pending
        self._backlog.append(pending)
        if not self.attended and len(self._pending) > UNATTENDED_LIMIT:
            self._expire_oldest()
        self._pump()

    def _expire_oldest(self) -> None:
        oldest = self._backlog.popleft().message.message_id
        del self._pending[oldest]
        self._history.add(MessageExpired(oldest, self.topic, self.name))

    def connect(self, consumer: Consumer) -> None:
        """Add a consumer behind the connected ones. SubscriptionBusyError if it may not share the subscription."""
        if self._consumers and "Exclusive" in (consumer.type, self._consumers[0].type):
            raise SubscriptionBusyError(f"{self.name} has an exclusive consumer or other consumers already")
        self.attended = True
        self._consumers.append(consumer)
        self._record_change(consumer, "connected")
        if len(self._consumers) == 1:
            self._activate()

    def disconnect(self, consumer: Consumer, *, idle: bool = False) -> None:
        """Remove a consumer; its unacknowledged messages are redelivered to the next one, or wait for one.

        `idle` says that its connection was closed for silence.
        """
        if consumer not in self._consumers:
            return
        was_active = self._consumers[0] is consumer
        self._consumers.remove(consumer)
        if idle:
            self._record_change(consumer, "idle")
        self._record_change(consumer, "disconnected")
        self._requeue(_take_all(consumer))
        if was_active and self._consumers:
            self._activate()

    def acknowledge(self, consumer: Consumer, message_id: str) -> bool:
        """Remove a message. False if it is unknown or acknowledged already, which changes nothing."""
        pending = self._pending.pop(message_id, None)
        if pending is None:
            return False
        pending.acknowledged = True
        self.acknowledged += 1
        for holder in self._consumers:
            holder.unacknowledged.pop(message_id, None)
            if message_id in holder.refused:
                holder.refused.pop(message_id)[0].cancel()
        self._history.add(MessageAcknowledged(message_id, self.topic, self.name, consumer.consumer_id))
        self._cancel_unused_timers(consumer)
        self._pump()
        return True

    def negative_acknowledge(self, consumer: Consumer, message_id: str) -> None:
        """Redeliver a message after the consumer's negative-ack delay. Until then it takes no room of any consumer."""
        held = consumer.unacknowledged.pop(message_id, None)
        if held is None:
            return
        at_ms = self._clock.now_ms() + consumer.negative_ack_delay_ms
        timer = self._clock.call_at(
            at_ms, lambda: self._redeliver([consumer.refused.pop(message_id)[1]]), "redelivery after a negative ack"
        )
        consumer.refused[message_id] = (timer, held[1])
        self._history.add(MessageRefused(message_id, self.topic, self.name, consumer.consumer_id))
        self._cancel_unused_timers(consumer)
        self._pump()

    def pull(self, consumer: Consumer) -> None:
        """Deliver one message if there is one and this consumer is active, beyond its `receiver_queue_size`.

        For consumers that are asked for the next message by a test; a connection pushes instead.
        """
        if self._consumers[:1] == [consumer]:
            # The size is what `_pump` checks: for this one message it is one more than the consumer holds.
            usual = consumer.receiver_queue_size
            consumer.receiver_queue_size = len(consumer.unacknowledged) + 1
            try:
                self._pump()
            finally:
                consumer.receiver_queue_size = usual

    def go_on(self) -> None:
        """Deliver to the active consumer what it has room for: it has its turn again."""
        self._pump()

    def clear(self) -> None:
        """Remove every message; consumers stay connected."""
        self._pending.clear()
        self._backlog.clear()
        for consumer in self._consumers:
            _take_all(consumer)

    def _activate(self) -> None:
        self._record_change(self._consumers[0], "active")
        self._pump()

    def _record_change(
        self, consumer: Consumer, change: Literal["connected", "active", "idle", "disconnected"]
    ) -> None:
        self._history.add(ConsumerChanged(self.topic, self.name, consumer.consumer_id, change))

    def _pump(self) -> None:
        """Deliver messages of the backlog until it is empty or the active consumer is full or has no turn."""
        # `deliver` may call back into this subscription: a consumer in this process may acknowledge or disconnect at
        # once, and both end here. The inner call returns: otherwise it would deliver the next message before this
        # delivery is done, one level of recursion deeper each time, up to the recursion limit in a long backlog.
        # Nothing is missed, because the loop reads the consumers, their room and the backlog again for each message.
        if self._pumping or not self._consumers:
            return
        self._pumping = True
        try:
            while self._backlog and self._consumers:
                active = self._consumers[0]
                if len(active.unacknowledged) >= active.receiver_queue_size or not active.has_turn():
                    break
                pending = self._backlog.popleft()
                if not pending.acknowledged:
                    self._deliver(active, pending)
        finally:
            self._pumping = False

    def _deliver(self, consumer: Consumer, pending: PendingMessage) -> None:
        message_id = pending.message.message_id
        deadline = self._clock.now_ms() + consumer.ack_timeout_ms
        consumer.unacknowledged[message_id] = (deadline, pending)
        self._history.add(
            MessageDelivered(message_id, self.topic, self.name, consumer.consumer_id, pending.redelivery_count)
        )
        consumer.deliver(pending.message, pending.redelivery_count)
        self._start_ack_timer(consumer)

    def _start_ack_timer(self, consumer: Consumer) -> None:
        """Start the timer of the earliest deadline, unless it runs. One a consumer: deadlines are in delivery order."""
        if consumer.ack_timeout_ms and consumer.timer is None and consumer.unacknowledged:
            deadline, _ = next(iter(consumer.unacknowledged.values()))
            consumer.timer = self._clock.call_at(deadline, lambda: self._expire(consumer), ACK_TIMEOUT)

    def _cancel_unused_timers(self, consumer: Consumer) -> None:
        """Cancel ack timers without a delivery to expire, so that they do not keep the project from being idle."""
        for holder in (consumer, *self._consumers[:1]):
            if holder.timer is not None and not holder.unacknowledged:
                holder.timer.cancel()
                holder.timer = None

    def _expire(self, consumer: Consumer) -> None:
        consumer.timer = None
        now = self._clock.now_ms()
        expired = []
        for deadline, pending in consumer.unacknowledged.values():
            if deadline > now:
                break
            expired.append(pending)
        for pending in expired:
            del consumer.unacknowledged[pending.message.message_id]
        self._redeliver(expired)
        self._start_ack_timer(consumer)

    def _redeliver(self, back: list[PendingMessage]) -> None:
        self._requeue(back)
        self._pump()

    def _requeue(self, back: list[PendingMessage]) -> None:
        """Put delivered messages back to the front of the backlog, in their order, with a higher redelivery count."""
        for pending in reversed(back):
            pending.redelivery_count += 1
            self._backlog.appendleft(pending)


def _take_all(consumer: Consumer) -> list[PendingMessage]:
    """Take all messages from a consumer and cancel its timers; return the messages, the refused ones first."""
    timers = [timer for timer, _ in consumer.refused.values()]
    for timer in (*timers, *([consumer.timer] if consumer.timer else [])):
        timer.cancel()
    held = [pending for _, pending in (*consumer.refused.values(), *consumer.unacknowledged.values())]
    consumer.timer = None
    consumer.refused.clear()
    consumer.unacknowledged.clear()
    return held


class Queue:
    """The subscriptions of one project's topics. `main` is the one that the SDKs use.

    Every message is published to both topics, as at the vendor with message rules enabled for both environments.
    """

    def __init__(self, access_id: str, clock: Clock, history: History) -> None:
        self._clock = clock
        self._history = history
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self.main = self.subscription("event", f"{access_id}-sub")
        self.subscription("event-test", f"{access_id}-sub")

    def subscription(self, topic: TopicName, name: str) -> Subscription:
        """The subscription of that name. It is made if it is new, and gets the messages published from then on."""
        key = (topic, name)
        if key not in self._subscriptions:
            self._subscriptions[key] = Subscription(topic, name, self._clock, self._history)
        return self._subscriptions[key]

    @property
    def is_full(self) -> bool:
        """Whether no more subscriptions are made: there are `MAX_SUBSCRIPTIONS`."""
        return len(self._subscriptions) >= MAX_SUBSCRIPTIONS

    def has_subscription(self, topic: str, name: str) -> bool:
        """Whether that subscription exists."""
        return (topic, name) in self._subscriptions

    def subscriptions(self) -> list[Subscription]:
        """Every subscription."""
        return list(self._subscriptions.values())

    def publish(self, message: Message) -> None:
        """Publish a message to every subscription."""
        for subscription in tuple(self._subscriptions.values()):
            subscription.publish(message)

    @property
    def pending(self) -> int:
        """The number of unacknowledged messages, summed over the subscriptions that are attended.

        Nothing is pending on an `event-test` subscription without any consumer so far: nobody will acknowledge it.
        """
        return sum(each.pending for each in self._subscriptions.values() if each.attended)

    @property
    def in_flight(self) -> int:
        """The number of messages that are delivered to connected consumers, which are awaited, and not acknowledged."""
        return sum(each.in_flight for each in self._subscriptions.values())

    @property
    def acknowledged(self) -> int:
        """How many acknowledgements there were so far, in all subscriptions."""
        return sum(each.acknowledged for each in self._subscriptions.values())

    def clear(self) -> None:
        """Remove every message."""
        for subscription in self._subscriptions.values():
            subscription.clear()

    def close(self) -> None:
        """Close every consumer's connection."""
        for subscription in self._subscriptions.values():
            for consumer in tuple(subscription.consumers):
                consumer.close()


def pulsar_message_id(ledger: int, entry: int) -> str:
    """A message id as Pulsar's WebSocket API writes it: base64 of a protobuf with ledger, entry and batch index.

    The index is 0: producers send batches, and each of ours has one message (the field is in public samples).
    """
    return base64.b64encode(b"\x08" + _varint(ledger) + b"\x10" + _varint(entry) + b"\x20\x00").decode()


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >> 7:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
