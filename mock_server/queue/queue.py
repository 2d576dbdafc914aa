"""The message queue of one project: its topics and their subscriptions."""

from typing import get_args

from mock_server.clock import Clock
from mock_server.history.log import History
from mock_server.model import Message, TopicName
from mock_server.queue.subscription import Subscription

TOPICS: tuple[TopicName, ...] = get_args(TopicName)
"""The topics."""

MAX_SUBSCRIPTIONS = 100
"""The most subscriptions of a project (our choice), for clients that invent names: each keeps its messages."""


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
