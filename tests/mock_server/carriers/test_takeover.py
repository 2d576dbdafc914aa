"""Consumers of both carriers on one subscription, whatever they do."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mock_server.carriers.timed_consumer import TimedConsumer, Times
from mock_server.clock import VirtualClock
from mock_server.history.log import History
from mock_server.model import CommandResult, Message, ProcessStatus
from mock_server.queue.consumer import About, Consumer, Permits, ReceiverQueue
from mock_server.queue.queue import Queue
from mock_server.state.journal import Journal
from tests.support import NOON, examples


class TakeoverMachine(RuleBasedStateMachine):
    """Messages are conserved: each is acknowledged once, or still to come, to the active consumer and no other.

    The machine keeps its own order of publication, its own set of what was acknowledged, and what has come to each
    consumer since it was last rewound.
    """

    @initialize(partitions=st.sampled_from((0, 1)))
    def start(self, partitions: int) -> None:
        """A subscription without partitions, or of one partition, where a newcomer may take over."""
        self.clock = VirtualClock(NOON)
        queue = Queue("id", self.clock, History(self.clock.now_ms), Journal(), partitions)
        self.publish_to = queue.publish
        [self.main] = queue.mains
        self.published: list[str] = []
        self.acknowledged: set[str] = set()
        self.connected: list[Consumer] = []
        self.came: list[str] = []

    @rule(count=st.integers(1, 4))
    def publish(self, count: int) -> None:
        """Messages come from the lots."""
        for _ in range(count):
            name = f"m{len(self.published) + 1}"
            self.published.append(name)
            self.publish_to(
                Message(name, "", NOON, CommandResult(name, "lot", NOON, ProcessStatus.SUCCEEDED), "command")
            )

    @rule(name=st.sampled_from("abc"), size=st.integers(1, 3))
    def connect_websocket(self, name: str, size: int) -> None:
        """A consumer with a receiver queue, an ack timeout and a delay after what it refuses."""
        self._connect(
            lambda deliver: TimedConsumer(
                f"consumer-{len(self.connected)}",
                deliver,
                ReceiverQueue(size),
                about=About("websocket", "", name),
                subscription=self.main,
                clock=self.clock,
                times=Times(1000, 400),
            )
        )

    @rule(name=st.sampled_from("abc"), permits=st.integers(0, 4))
    def connect_native(self, name: str, permits: int) -> None:
        """A consumer with permits."""
        about = About("native", "", name)
        self._connect(
            lambda deliver: Consumer(f"consumer-{len(self.connected)}", deliver, Permits(permits), about=about)
        )

    def _connect(self, make: Callable[[Callable[[Message, int], None]], Consumer]) -> None:
        def deliver(message: Message, _: int) -> None:
            assert message.message_id not in self.acknowledged
            assert self.main._active is consumer
            self.came.append(message.message_id)

        consumer = make(deliver)
        self.connected.append(consumer)
        self.main.connect(consumer)

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """A connection is lost."""
        consumer = data.draw(st.sampled_from(self.connected))
        self.connected.remove(consumer)
        self.main.disconnect(consumer)

    @precondition(lambda self: self.connected)
    @rule(data=st.data(), permits=st.integers(0, 4))
    def flow(self, data: st.DataObject, permits: int) -> None:
        """A native consumer asks for more."""
        consumer = data.draw(st.sampled_from(self.connected))
        if isinstance(consumer.room, Permits):
            consumer.room.add(permits)
            self.main.go_on()

    @precondition(lambda self: self.connected and self.published)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """Any consumer acknowledges any message."""
        consumer, name = data.draw(st.sampled_from(self.connected)), data.draw(st.sampled_from(self.published))
        is_news = name not in self.acknowledged
        self.acknowledged.add(name)
        assert self.main.acknowledge(consumer, name) == is_news

    @precondition(lambda self: self.connected and self.published)
    @rule(data=st.data())
    def acknowledge_up_to(self, data: st.DataObject) -> None:
        """Everything before it is acknowledged too, and nothing behind it; of a settled message nothing is."""
        consumer, place = data.draw(st.sampled_from(self.connected)), data.draw(st.integers(1, len(self.published)))
        news = {*self.published[:place]} - self.acknowledged
        expected = news if self.published[place - 1] in news else set()
        self.acknowledged |= expected
        assert self.main.acknowledge_up_to(consumer, self.published[place - 1]) == len(expected)

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        """A WebSocket consumer refuses something that it holds."""
        consumer = data.draw(st.sampled_from(self.connected))
        if isinstance(consumer, TimedConsumer) and consumer.unacknowledged:
            consumer.refuse(data.draw(st.sampled_from(list(consumer.unacknowledged))))

    @precondition(lambda self: self.connected)
    @rule(data=st.data())
    def rewind(self, data: st.DataObject) -> None:
        """The active consumer gets what it has room for in the order of publication, from the oldest on."""
        consumer = data.draw(st.sampled_from(self.connected))
        self.came.clear()
        self.main.rewind(consumer)
        waiting = [name for name in self.published if name not in self.acknowledged]
        assert self.came == waiting[: len(self.came)]

    @rule(by_ms=st.sampled_from((0, 399, 400, 1000)))
    def advance(self, by_ms: int) -> None:
        """Time passes."""
        self.clock.advance(by_ms)

    @invariant()
    def nothing_is_lost(self) -> None:
        """What was published is acknowledged or pending, and no consumer but one has room while something waits."""
        if not hasattr(self, "published"):
            return
        pending = [message.message_id for message in self.main.pending_messages()]
        assert pending == [name for name in self.published if name not in self.acknowledged]
        held = [name for consumer in self.connected for name in (*consumer.unacknowledged, *consumer.set_aside)]
        assert len(held) == len(set(held))
        assert set(held) <= set(pending)
        active = self.main._active
        if active is not None and active.room.has_room():
            assert set(held) == set(pending), "something waits though there is room"

    def teardown(self) -> None:
        """A consumer that acknowledges everything gets the rest, and nothing is left to wait for."""
        if not hasattr(self, "published"):
            return
        for consumer in self.connected:
            self.main.disconnect(consumer)

        def acknowledge(message: Message, _: int) -> None:
            self.main.acknowledge(last, message.message_id)

        last = Consumer("last", acknowledge)
        self.main.connect(last)
        assert (self.main.pending, self.clock.pending) == (0, 0)
        assert self.main.acknowledged == len(self.published)


TestTakeover = TakeoverMachine.TestCase
TestTakeover.settings = settings(max_examples=examples(30), stateful_step_count=30)
