"""The message queue of one project: its topics and their subscriptions."""

from collections.abc import Mapping
from typing import get_args
from zlib import crc32

from mock_server.clock import Clock
from mock_server.history.log import History
from mock_server.model import Message, TopicName
from mock_server.queue.subscription import Subscription, SubscriptionAbout
from mock_server.state.journal import Journal
from mock_server.state.rows import Absent, Table

TOPICS: tuple[TopicName, ...] = get_args(TopicName)
"""The topics."""

MAX_SUBSCRIPTIONS = 100
"""The most subscriptions of a project (our choice), for clients that invent names: each keeps its messages."""


class Queue:
    """The subscriptions of one project's topics. The SDKs use the one of `event` that is named after the project.

    Every message is published to both topics, as at the vendor with message rules enabled for both environments.
    `partitions` is the number of partitions of `event`, and 0 if it has none; `event-test` never has (documented). A
    message goes to that of its device, so that the messages of one device keep their order. The rows `subscriptions`
    have the subscriptions by their numbers; each has rows of its own.
    """

    rows_name = "subscriptions"

    def __init__(self, access_id: str, clock: Clock, history: History, journal: Journal, partitions: int = 0) -> None:
        self._clock = clock
        self._history = history
        self._journal = journal
        self._about: Table[int, SubscriptionAbout] = Table(self.rows_name, journal.note, sorted_by_key=True)
        self._published, self._made = journal.number("published"), journal.number("subscriptions")
        self._newest = journal.number("newest", ())  # (partition, id) each, the latest of all at the end
        journal.add(self)
        self._named: dict[tuple[TopicName, str], dict[int | None, Subscription]] = {}
        self._partitions: tuple[int | None, ...] = tuple(range(partitions)) or (None,)
        self._readers: dict[int | None, list[Subscription]] = {}
        self.main_name = f"{access_id}-sub"
        self._make_mains()

    def _make_mains(self) -> None:
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
            self._keep(self._next(), SubscriptionAbout(topic, name, partition, attended=topic == "event"))
            self._list_readers()
        return parts[partition]

    def _next(self) -> int:
        """The number of the next subscription."""
        self._made.value += 1
        return int(self._made.value)

    def _keep(self, number: int, about: SubscriptionAbout, known: Subscription | None = None) -> None:
        """Have a subscription, a new one unless it is known."""
        with self._journal:
            self._about.put(number, about)
        made = known or Subscription(number, self._about, self._clock, self._history, self._journal)
        made.be(number)
        self._named.setdefault((about.topic, about.name), {})[about.partition] = made
        self._journal.add(made)

    def forget(self, subscription: Subscription) -> None:
        """Forget a subscription, of one partition if there are some, with its messages; its consumers must be gone."""
        key = (subscription.topic, subscription.name)
        parts = self._named.get(key, {})
        if parts.pop(subscription.partition, None) is not None:
            with self._journal:
                subscription.clear()
                self._journal.remove(subscription)
                self._about.drop(subscription.number)
        if not parts:
            self._named.pop(key, None)
        self._list_readers()

    def newest(self, topic: TopicName, partition: int | None = None) -> str | None:
        """The id of the latest message that was published to a topic or to one partition of it, None before that."""
        if topic == "event" and partition is not None:
            return dict(self._newest.value).get(partition)
        return self._newest.value[-1][1] if self._newest.value else None

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
        self._published.value += 1
        others = [each for each in self._newest.value if each[0] != partition]
        self._newest.value = (*others, (partition, message.message_id))
        for subscription in self._readers[partition]:
            subscription.publish(message, self._published.value)

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

    def go_on(self) -> None:
        """Deliver to every consumer what it has room for: the messages are others than before."""
        for subscription in self.subscriptions():
            subscription.go_on()

    def value(self, key: int) -> SubscriptionAbout | Absent:
        """The subscription of a number, or `ABSENT`."""
        return self._about.value(key)

    def rows(self) -> dict[int, SubscriptionAbout]:
        """The subscriptions by their numbers."""
        return self._about.rows()

    def load(self, rows: Mapping[int, SubscriptionAbout]) -> None:
        """Have these subscriptions, and besides those that have consumers, and the SDKs' own."""
        consumed = {(each.topic, each.name) for each in self.subscriptions() if each.consumers}
        before = {each.about[:3]: each for each in self.subscriptions()}
        for subscription in before.values():
            self._journal.remove(subscription)
        self._named.clear()
        self._about.clear()
        for number, about in sorted(rows.items()):
            known = before.pop(about[:3], None)
            has_consumers = known is not None and bool(known.consumers)
            self._keep(number, about._replace(attended=about.attended or has_consumers), known)
        for subscription in before.values():
            if (subscription.topic, subscription.name) in consumed:
                self._keep(self._next(), subscription.about, subscription)
        self._make_mains()
        self._list_readers()

    def close(self) -> None:
        """Close every consumer's connection."""
        for subscription in self.subscriptions():
            for consumer in tuple(subscription.consumers):
                consumer.close()
