"""The message queue of one project: its topics and their subscriptions."""

from typing import get_args
from zlib import crc32

from mock_server.clock import Clock
from mock_server.history.log import History
from mock_server.model import Message, TopicName
from mock_server.queue.subscription import Subscription

TOPICS: tuple[TopicName, ...] = get_args(TopicName)
"""The topics."""

MAX_SUBSCRIPTIONS = 100
"""The most subscriptions of a project (our choice), for clients that invent names: each keeps its messages."""


class Queue:
    """The subscriptions of one project's topics. The SDKs use the one of `event` that is named after the project.

    Every message is published to both topics, as at the vendor with message rules enabled for both environments.
    `partitions` is the number of partitions of `event`, and 0 if it has none; `event-test` never has (documented). A
    message goes to that of its device, so that the messages of one device keep their order.
    """

    def __init__(self, access_id: str, clock: Clock, history: History, partitions: int = 0) -> None:
        self._clock = clock
        self._history = history
        self._named: dict[tuple[TopicName, str], dict[int | None, Subscription]] = {}
        self._partitions: tuple[int | None, ...] = tuple(range(partitions)) or (None,)
        self._readers: dict[int | None, list[Subscription]] = {}
        self.main_name = f"{access_id}-sub"
        self.make("event", self.main_name)
        self.make("event-test", self.main_name)

    @property
    def main(self) -> Subscription:
        """The subscription that the SDKs use. KeyError if the topic has partitions: see `mains`."""
        return self._named["event", self.main_name][None]

    @property
    def mains(self) -> list[Subscription]:
        """The subscription that the SDKs use, of each partition."""
        return self.make("event", self.main_name)

    def make(self, topic: TopicName, name: str) -> list[Subscription]:
        """The subscription of that name, of each partition. A new one gets the messages published from then on."""
        return [self.subscription(topic, name, partition) for partition in self.partitions(topic)]

    def subscription(self, topic: TopicName, name: str, partition: int | None = None) -> Subscription:
        """The subscription of that name and partition, made if it is new. KeyError if there is no such partition."""
        if partition not in self.partitions(topic):
            raise KeyError(partition)
        parts = self._named.setdefault((topic, name), {})
        if partition not in parts:
            parts[partition] = Subscription(topic, name, self._clock, self._history, partition)
            self._list_readers()
        return parts[partition]

    def forget(self, subscription: Subscription) -> None:
        """Forget a subscription, of one partition if there are some, with its messages; its consumers must be gone."""
        key = (subscription.topic, subscription.name)
        parts = self._named.get(key, {})
        parts.pop(subscription.partition, None)
        if not parts:
            self._named.pop(key, None)
        self._list_readers()

    def _list_readers(self) -> None:
        """Note which subscriptions get the messages of each partition."""
        # A new list each time: one that `publish` goes through stays as it is.
        self._readers = {
            partition: [each for each in self.subscriptions() if each.topic != "event" or each.partition == partition]
            for partition in self._partitions
        }

    @property
    def is_full(self) -> bool:
        """Whether no more subscriptions are made: there are `MAX_SUBSCRIPTIONS`."""
        return len(self._named) >= MAX_SUBSCRIPTIONS

    def has_subscription(self, topic: TopicName, name: str) -> bool:
        """Whether that subscription exists, of one partition at least."""
        return (topic, name) in self._named

    def named(self) -> list[list[Subscription]]:
        """Every subscription, of each partition."""
        return [list(parts.values()) for parts in self._named.values()]

    def subscriptions(self) -> list[Subscription]:
        """Every subscription of every partition."""
        return [each for parts in self._named.values() for each in parts.values()]

    def partitions(self, topic: TopicName) -> tuple[int | None, ...]:
        """The numbers of a topic's partitions; None alone if it has none."""
        return self._partitions if topic == "event" else (None,)

    def partition_of(self, device_id: str) -> int | None:
        """The partition of `event` that has a device's messages (our choice: how the vendor spreads them is open)."""
        if self._partitions[0] is None:
            return None
        return crc32(device_id.encode("utf-8", "surrogatepass")) % len(self._partitions)

    def publish(self, message: Message) -> None:
        """Publish a message to every subscription."""
        partition = self.partition_of(message.subject.device_id)
        for subscription in self._readers[partition]:
            subscription.publish(message)

    @property
    def pending(self) -> int:
        """The number of unacknowledged messages, summed over the subscriptions that are attended.

        Nothing is pending on an `event-test` subscription without any consumer so far: nobody will acknowledge it.
        """
        return sum(each.pending for each in self.subscriptions() if each.attended)

    @property
    def in_flight(self) -> int:
        """The number of messages that are delivered to connected consumers, which are awaited, and not acknowledged."""
        return sum(each.in_flight for each in self.subscriptions())

    @property
    def acknowledged(self) -> int:
        """How many acknowledgements there were so far, in all subscriptions."""
        return sum(each.acknowledged for each in self.subscriptions())

    def clear(self) -> None:
        """Remove every message, and every subscription that nobody consumes, but those that a new project has."""
        for (_, name), parts in tuple(self._named.items()):
            if name != self.main_name and not any(part.consumers for part in parts.values()):
                for subscription in tuple(parts.values()):
                    self.forget(subscription)
        for subscription in self.subscriptions():
            subscription.clear()

    def close(self) -> None:
        """Close every consumer's connection."""
        for subscription in self.subscriptions():
            for consumer in tuple(subscription.consumers):
                consumer.close()
