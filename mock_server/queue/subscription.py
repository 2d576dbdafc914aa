"""A subscription: the messages of one topic that are to be acknowledged once, and the consumers that share them.

Semantics are Pulsar's for a Failover subscription (documented there): several consumers may connect, the first is
active; a message stays until it is acknowledged; it is redelivered, with a higher redelivery count, when its consumer
has lost its connection or asks for it; a consumer without room gets no more.
"""

from collections import deque
from collections.abc import Iterable
from typing import Literal

from mock_server.clock import Clock
from mock_server.history.events import (
    ConsumerChanged,
    MessageAcknowledged,
    MessageDelivered,
    MessageExpired,
    MessageRefused,
)
from mock_server.history.log import History
from mock_server.model import Message, TopicName
from mock_server.queue.consumer import Consumer, PendingMessage

UNATTENDED_LIMIT = 10_000
"""The most messages that a subscription of `event-test` keeps before its first consumer connects (our choice). Most
projects never consume the test topic, and its messages would fill the memory."""

_SETTLED_LIMIT = 1_000
"""How many settled messages may stay in the order of publication, beside as many as are pending."""


class SubscriptionBusyError(Exception):
    """A consumer may not connect: it or a connected consumer is exclusive."""


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
        self._order: deque[PendingMessage] = deque()
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
        self._order.append(pending)
        self._backlog.append(pending)
        if not self.attended and len(self._pending) > UNATTENDED_LIMIT:
            self._expire_oldest()
        self._pump()

    def _expire_oldest(self) -> None:
        oldest = self._backlog.popleft().message.message_id
        self._settle(oldest)
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
        self._requeue(consumer.release_all())
        if was_active and self._consumers:
            self._activate()

    def acknowledge(self, consumer: Consumer, message_id: str) -> bool:
        """Remove a message, whoever has it. False if it is unknown or acknowledged already, which changes nothing."""
        if message_id not in self._pending:
            return False
        self._acknowledge(consumer, message_id)
        self._pump()
        return True

    def acknowledge_up_to(self, consumer: Consumer, message_id: str) -> int:
        """Remove a message and all that were published before it, whoever has them, delivered or not.

        The order is that of publication in this subscription: ids say nothing, since a re-report has reserved its own
        before it is published. Returns how many were removed: 0 if the message is unknown or acknowledged already.
        """
        last = self._pending.get(message_id)
        removed = 0
        while last is not None and not last.acknowledged:
            self._acknowledge(consumer, self._order[0].message.message_id)
            removed += 1
        self._pump()
        return removed

    def _acknowledge(self, consumer: Consumer, message_id: str) -> None:
        self._settle(message_id)
        self.acknowledged += 1
        for holder in self._consumers:
            holder.release(message_id)
        self._history.add(MessageAcknowledged(message_id, self.topic, self.name, consumer.consumer_id))

    def _settle(self, message_id: str) -> None:
        """Remove a pending message, so that the first in the order of publication is pending, or there is none."""
        self._pending.pop(message_id).acknowledged = True
        order = self._order
        while order and order[0].acknowledged:
            order.popleft()
        if len(order) > 2 * len(self._pending) + _SETTLED_LIMIT:  # one that stays must not keep all behind it
            self._order = deque(self._pending.values())

    def refuse(self, consumer: Consumer, message_id: str) -> None:
        """Set a message that this consumer holds aside, until `redeliver`. Until then it takes no room."""
        held = consumer.release(message_id) if message_id in consumer.unacknowledged else None
        if held is None:
            return
        consumer.set_aside[message_id] = held
        self._history.add(MessageRefused(message_id, self.topic, self.name, consumer.consumer_id))
        self._pump()

    def redeliver(self, consumer: Consumer, message_ids: Iterable[str]) -> None:
        """Deliver messages again that this consumer holds or has set aside, before all others; ignores other ids."""
        released = [consumer.release(message_id) for message_id in message_ids]
        self._requeue([pending for pending in released if pending is not None])
        self._pump()

    def rewind(self, consumer: Consumer) -> int:
        """Deliver all unacknowledged messages again, whoever has them, in the order of publication.

        So a broker obeys a native consumer that asks for redelivery on Failover and Exclusive, whatever ids it names
        (read in Pulsar's dispatcher); only the active consumer is obeyed. Returns how many had been delivered.
        """
        if self._consumers[:1] != [consumer]:
            return 0
        held = [pending for each in self._consumers for pending in each.release_all()]
        for pending in held:
            pending.redelivery_count += 1
        self._backlog = deque(self._pending.values())
        self._pump()
        return len(held)

    def go_on(self) -> None:
        """Deliver to the active consumer what it has room for: it has room or its turn again."""
        self._pump()

    def clear(self) -> None:
        """Remove every message; consumers stay connected."""
        self._pending.clear()
        self._order.clear()
        self._backlog.clear()
        for consumer in self._consumers:
            consumer.release_all()

    def _activate(self) -> None:
        self._record_change(self._consumers[0], "active")
        self._pump()

    def _record_change(
        self, consumer: Consumer, change: Literal["connected", "active", "idle", "disconnected"]
    ) -> None:
        self._history.add(ConsumerChanged(self.topic, self.name, consumer.consumer_id, change))

    def _pump(self) -> None:
        """Deliver messages of the backlog until it is empty or the active consumer takes no more."""
        # `deliver` may call back into this subscription: a consumer in this process may acknowledge or disconnect at
        # once, and both end here. The inner call returns: otherwise it would deliver the next message before this
        # delivery is done, one level of recursion deeper each time, up to the recursion limit in a long backlog.
        # Nothing is missed, because the loop reads the consumers, their room and the backlog again for each message.
        if self._pumping or not self._consumers:
            return
        self._pumping = True
        try:
            while self._backlog and self._consumers and self._consumers[0].takes_more():
                pending = self._backlog.popleft()
                if not pending.acknowledged:
                    self._deliver(self._consumers[0], pending)
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
        for pending in reversed(back):
            pending.redelivery_count += 1
            self._backlog.appendleft(pending)
