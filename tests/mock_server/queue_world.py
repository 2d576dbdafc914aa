"""A queue on a virtual clock, for tests of what is in it."""

from collections.abc import Callable
from typing import Any

from mock_server.carriers.timed_consumer import TimedConsumer, Times
from mock_server.clock import VirtualClock
from mock_server.history.log import History
from mock_server.model import CommandResult, Message, ProcessStatus
from mock_server.queue.consumer import ReceiverQueue
from mock_server.queue.queue import Queue
from mock_server.queue.subscription import Subscription
from mock_server.state.journal import Journal
from tests.support import NOON


class World:
    """A queue on a virtual clock, and what its consumers get."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOON)
        self.history = History(self.clock.now_ms)
        self.journal = Journal()
        self.queue = Queue("id", self.clock, self.history, self.journal)
        self.first = self.journal.present()
        self.main: Subscription = self.queue.main
        self.got: list[tuple[str, str, int]] = []
        self._published = 0

    def reset(self) -> None:
        """Go back to the beginning, as a project does."""
        self.journal.resume(self.first)

    def publish(self, count: int = 1) -> None:
        """Publish messages named m1, m2, ..."""
        for _ in range(count):
            self._published += 1
            name = f"m{self._published}"
            result = CommandResult(name, "lot", NOON, ProcessStatus.SUCCEEDED)
            self.queue.publish(Message(name, name, self.clock.now_ms(), result, "command"))

    def consumer(
        self,
        name: str,
        deliver: Callable[[str], object] | None = None,
        *,
        size: int = 1000,
        ack_timeout_ms: int = 0,
        negative_ack_delay_ms: int = 60_000,
        has_turn: Callable[[], bool] = lambda: True,
        subscription: Subscription | None = None,
    ) -> TimedConsumer:
        """A consumer that notes what it gets, not yet connected; of the main subscription if none is named."""

        def note(message: Message, redelivery_count: int) -> None:
            self.got.append((name, message.message_id, redelivery_count))
            if deliver is not None:
                deliver(message.message_id)

        return TimedConsumer(
            name,
            note,
            ReceiverQueue(size),
            has_turn=has_turn,
            subscription=subscription or self.main,
            clock=self.clock,
            times=Times(ack_timeout_ms, negative_ack_delay_ms),
        )

    def connect(self, name: str, **settings: Any) -> TimedConsumer:
        """A connected consumer of the main subscription that notes what it gets."""
        consumer = self.consumer(name, **settings)
        self.main.connect(consumer)
        return consumer

    def news(self) -> list[tuple[str, str, int]]:
        """What was delivered since the last call: consumer, message, redelivery count."""
        news, self.got = self.got, []
        return news
