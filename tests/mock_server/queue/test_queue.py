import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.history.events import ConsumerChanged, MessageAcknowledged, MessageDelivered
from mock_server.history.log import History
from mock_server.model import CommandResult, Message, ProcessStatus
from mock_server.queue.queue import (
    UNATTENDED_LIMIT,
    Consumer,
    Queue,
    Subscription,
    SubscriptionBusyError,
    pulsar_message_id,
)
from tests.support import NOON, keep_passes, make_project


class World:
    """A queue on a virtual clock, and what its consumers get."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOON)
        self.history = History(self.clock.now_ms)
        self.queue = Queue("id", self.clock, self.history)
        self.main: Subscription = self.queue.main
        self.got: list[tuple[str, str, int]] = []
        self._published = 0

    def publish(self, count: int = 1) -> None:
        """Publish messages named m1, m2, ..."""
        for _ in range(count):
            self._published += 1
            name = f"m{self._published}"
            result = CommandResult(name, "lot", NOON, ProcessStatus.SUCCEEDED)
            self.queue.publish(Message(name, name, self.clock.now_ms(), result, "command"))

    def consumer(self, name: str, deliver: Callable[[str], object] | None = None, **settings: Any) -> Consumer:
        """A consumer that notes what it gets, not yet connected."""

        def note(message: Message, redelivery_count: int) -> None:
            self.got.append((name, message.message_id, redelivery_count))
            if deliver is not None:
                deliver(message.message_id)

        return Consumer(name, note, **settings)

    def connect(self, name: str, **settings: Any) -> Consumer:
        """A consumer of the main subscription that notes what it gets."""
        consumer = self.consumer(name, **settings)
        self.main.connect(consumer)
        return consumer

    def news(self) -> list[tuple[str, str, int]]:
        """What was delivered since the last call: consumer, message, redelivery count."""
        news, self.got = self.got, []
        return news


@pytest.fixture
def world() -> World:
    """An empty queue."""
    return World()


def test_the_first_of_three_consumers_gets_everything_until_it_leaves(world: World) -> None:
    """Failover: one is active, the others wait; what the leaver had not acknowledged goes to the next one first."""
    one, two, _three = (world.connect(name) for name in ("one", "two", "three"))
    world.publish(3)
    assert world.news() == [("one", "m1", 0), ("one", "m2", 0), ("one", "m3", 0)]
    world.main.acknowledge(one, "m2")
    world.main.disconnect(one)
    assert world.news() == [("two", "m1", 1), ("two", "m3", 1)]
    world.publish()
    world.main.disconnect(two)
    assert world.news() == [("two", "m4", 0), ("three", "m1", 2), ("three", "m3", 2), ("three", "m4", 1)]


def test_an_idle_consumer_that_leaves_changes_nothing(world: World) -> None:
    """Only the active one holds messages; leaving twice is leaving once."""
    world.connect("one")
    two = world.connect("two")
    world.publish()
    world.news()
    world.main.disconnect(two)
    world.main.disconnect(two)
    assert world.news() == []
    changes = [entry.event for entry in world.history.after() if isinstance(entry.event, ConsumerChanged)]
    assert [(each.consumer, each.change) for each in changes] == [
        ("one", "connected"),
        ("one", "active"),
        ("two", "connected"),
        ("two", "disconnected"),
    ]


def test_an_unacknowledged_message_comes_again_after_the_timeout(world: World) -> None:
    """Each message has its own deadline and a count that grows; an acknowledged one does not come again."""
    consumer = world.connect("one", ack_timeout_ms=3000)
    world.publish()
    world.clock.advance(1000)
    world.publish(2)
    world.main.acknowledge(consumer, "m2")
    world.news()
    world.clock.advance(1999)
    assert world.news() == []
    world.clock.advance(1)
    assert world.news() == [("one", "m1", 1)]
    world.clock.advance(1000)
    assert world.news() == [("one", "m3", 1)]
    world.clock.advance(2000)
    assert world.news() == [("one", "m1", 2)]


def test_without_a_timeout_nothing_comes_again(world: World) -> None:
    """A consumer may ask for no ack timeout; then only a lost connection brings messages back."""
    world.connect("one", ack_timeout_ms=0)
    world.publish()
    world.news()
    world.clock.advance(10**9)
    assert world.news() == []


def test_a_consumer_that_comes_back_gets_what_it_left(world: World) -> None:
    """Unacknowledged messages come again after a reconnect, in order and before new ones; timeouts still work."""
    consumer = world.connect("one", ack_timeout_ms=1000)
    world.publish(2)
    world.main.disconnect(consumer)
    world.publish()
    world.news()
    world.main.connect(consumer)
    assert world.news() == [("one", "m1", 1), ("one", "m2", 1), ("one", "m3", 0)]
    world.clock.advance(1000)
    assert world.news() == [("one", "m1", 2), ("one", "m2", 2), ("one", "m3", 1)]


def test_a_negative_acknowledgement_brings_a_message_again_after_its_delay(world: World) -> None:
    """Not at once, not twice, and the ack timeout no longer counts for it."""
    consumer = world.connect("one", ack_timeout_ms=3000, negative_ack_delay_ms=10_000)
    world.publish()
    world.news()
    world.main.negative_acknowledge(consumer, "m1")
    world.main.negative_acknowledge(consumer, "m1")
    world.clock.advance(9_999)
    assert world.news() == []
    world.clock.advance(1)
    assert world.news() == [("one", "m1", 1)]


def test_a_negative_acknowledgement_wakes_who_waits_for_the_consumer(world: World) -> None:
    """As whoever moves a clock does: the message is in flight no more."""
    consumer = world.connect("one")
    world.publish()
    in_flight: list[int] = []
    world.history.listen(lambda: in_flight.append(world.queue.in_flight))
    world.main.negative_acknowledge(consumer, "m1")
    assert in_flight == [0]


def test_a_negative_acknowledgement_makes_room(world: World) -> None:
    """A message that waits for its second delivery is not held by the consumer."""
    consumer = world.connect("one", receiver_queue_size=1, negative_ack_delay_ms=100)
    world.publish(2)
    world.main.negative_acknowledge(consumer, "m1")
    assert world.news() == [("one", "m1", 0), ("one", "m2", 0)]


def test_an_acknowledgement_after_a_negative_one_is_final(world: World) -> None:
    """The message does not come again, and nothing is left to wait for."""
    consumer = world.connect("one", negative_ack_delay_ms=60_000)
    world.publish()
    world.main.negative_acknowledge(consumer, "m1")
    assert world.main.acknowledge(consumer, "m1")
    world.news()
    assert world.clock.pending == 0
    world.clock.advance(60_000)
    assert (world.news(), world.main.pending) == ([], 0)


def test_a_consumer_that_leaves_takes_its_negative_acknowledgements_along(world: World) -> None:
    """The next consumer gets the message at once and once."""
    consumer = world.connect("one", negative_ack_delay_ms=60_000)
    world.publish(2)
    world.main.negative_acknowledge(consumer, "m1")
    world.news()
    world.main.disconnect(consumer)
    world.connect("two")
    assert sorted(world.news()) == [("two", "m1", 1), ("two", "m2", 1)]
    assert world.clock.pending == 0


def test_a_late_acknowledgement_counts(world: World) -> None:
    """An acknowledgement after the timeout, from a consumer that is no longer active, still settles the message."""
    slow = world.connect("slow", ack_timeout_ms=1000)
    world.publish(2)
    world.clock.advance(1000)
    assert world.main.acknowledge(slow, "m1")
    world.main.disconnect(slow)
    world.news()
    assert world.main.acknowledge(slow, "m2")
    world.connect("next")
    assert world.news() == []
    assert world.main.pending == 0


def test_unknown_and_repeated_acknowledgements_change_nothing(world: World) -> None:
    """They are answered with False and leave no trace."""
    consumer = world.connect("one")
    world.publish()
    assert not world.main.acknowledge(consumer, "unknown")
    world.main.negative_acknowledge(consumer, "unknown")
    assert world.main.acknowledge(consumer, "m1")
    assert not world.main.acknowledge(consumer, "m1")
    events = [entry.event for entry in world.history.after()]
    assert len([event for event in events if isinstance(event, MessageAcknowledged)]) == 1
    assert world.clock.pending == 0


def test_a_consumer_without_a_turn_gets_the_rest_later(world: World) -> None:
    """Its transport says when it takes no more, and when it goes on: nothing is lost, twice or out of order."""
    turns = iter([True, True, False, True, False, True, True])
    world.publish(5)
    world.connect("one", has_turn=lambda: next(turns))
    assert [name for _, name, _ in world.got] == ["m1", "m2"]
    world.main.go_on()
    assert [name for _, name, _ in world.got] == ["m1", "m2", "m3"]
    world.main.go_on()
    assert [name for _, name, _ in world.got] == ["m1", "m2", "m3", "m4", "m5"]


@given(st.integers(min_value=1, max_value=5), st.integers(min_value=0, max_value=12))
def test_a_full_consumer_gets_no_more(size: int, published: int) -> None:
    """Pushing stops at `receiver_queue_size` unacknowledged messages and goes on with each acknowledgement."""
    world = World()
    consumer = world.connect("one", receiver_queue_size=size)
    world.publish(published)
    assert len(world.got) == min(size, published)
    for number in range(1, published + 1):
        world.main.acknowledge(consumer, f"m{number}")
        assert len(world.got) == min(size + number, published)
    assert [message for _, message, _ in world.got] == [f"m{number + 1}" for number in range(published)]


def test_the_backlog_waits_for_a_consumer(world: World) -> None:
    """Messages without a consumer are kept, in order."""
    world.publish(3)
    assert world.main.pending == 3
    world.connect("one")
    assert world.news() == [("one", "m1", 0), ("one", "m2", 0), ("one", "m3", 0)]


def test_an_exclusive_consumer_is_alone(world: World) -> None:
    """Neither a second one nor one of the other type may join, on either side; the next may once it has left."""
    exclusive = world.consumer("exclusive")
    exclusive.type = "Exclusive"
    failover = world.consumer("failover")
    world.main.connect(exclusive)
    for other in (failover, world.consumer("second")):
        other.type = "Exclusive" if other is not failover else "Failover"
        with pytest.raises(SubscriptionBusyError, match="exclusive"):
            world.main.connect(other)
    world.main.disconnect(exclusive)
    world.main.connect(failover)
    with pytest.raises(SubscriptionBusyError):
        world.main.connect(exclusive)


def test_both_topics_get_every_message_and_settle_for_themselves(world: World) -> None:
    """`event` and `event-test` are two copies: acknowledging one leaves the other."""
    test = world.queue.subscription("event-test", "id-sub")
    main_consumer, test_consumer = world.connect("main"), world.consumer("test")
    test.connect(test_consumer)
    world.publish()
    assert sorted(world.news()) == [("main", "m1", 0), ("test", "m1", 0)]
    world.main.acknowledge(main_consumer, "m1")
    assert (world.main.pending, test.pending, world.queue.pending) == (0, 1, 1)


def test_the_test_topic_counts_once_somebody_listens(world: World) -> None:
    """A test subscription that nobody ever used keeps a bounded backlog and does not keep the project busy."""
    test = world.queue.subscription("event-test", "id-sub")
    main = world.connect("main", receiver_queue_size=10**6)
    world.publish(UNATTENDED_LIMIT + 5)
    for number in range(UNATTENDED_LIMIT + 5):
        world.main.acknowledge(main, f"m{number + 1}")
    assert (test.pending, world.queue.pending) == (UNATTENDED_LIMIT, 0)
    assert test.pending_messages()[0].message_id == "m6", "the oldest are let go"
    test.connect(world.consumer("test"))
    assert world.queue.pending == UNATTENDED_LIMIT


def test_a_new_subscription_begins_now(world: World) -> None:
    """It gets what is published from now on, and asking for it again gives the same one."""
    world.publish()
    other = world.queue.subscription("event", "id-other")
    assert world.queue.subscription("event", "id-other") is other
    world.publish()
    assert [message.message_id for message in other.pending_messages()] == ["m2"]


def test_acknowledging_inside_deliver_does_not_recurse(world: World) -> None:
    """Ten thousand messages pass through a consumer that acknowledges at once, however small its queue is."""
    consumer = world.consumer("one", lambda name: world.main.acknowledge(consumer, name))
    consumer.receiver_queue_size = 1
    world.publish(10_000)
    world.main.connect(consumer)
    assert len(world.got) == 10_000
    assert (world.main.pending, world.clock.pending) == (0, 0)


def test_publishing_inside_deliver_keeps_the_order(world: World) -> None:
    """What a consumer causes while it gets a message comes after what was there before."""
    consumer = world.consumer("one", lambda name: world.publish() if name == "m1" else None)
    world.publish(2)
    world.main.connect(consumer)
    assert [name for _, name, _ in world.got] == ["m1", "m2", "m3"]


def test_leaving_inside_deliver_loses_nothing(world: World) -> None:
    """A consumer that goes while it gets a message gets no further one; the next consumer gets them all."""
    leaver = world.consumer("leaver", lambda _: world.main.disconnect(leaver))
    world.publish(3)
    world.main.connect(leaver)
    assert world.news() == [("leaver", "m1", 0)]
    world.connect("next")
    assert world.news() == [("next", "m1", 1), ("next", "m2", 0), ("next", "m3", 0)]


def test_a_consumer_that_fails_does_not_stop_the_subscription(world: World) -> None:
    """An error in `deliver` reaches the publisher, and the next publication is delivered all the same."""

    def fail(name: str) -> None:
        if name == "m1":
            raise RuntimeError(name)

    world.main.connect(world.consumer("one", fail))
    with pytest.raises(RuntimeError):
        world.publish()
    world.publish()
    assert [name for _, name, _ in world.news()] == ["m1", "m2"]


def test_subscribing_inside_deliver_is_possible(world: World) -> None:
    """A consumer may open another subscription while it gets a message."""
    world.main.connect(world.consumer("one", lambda _: world.queue.subscription("event", "id-new")))
    world.publish()
    assert world.queue.has_subscription("event", "id-new")


def test_idle_has_no_timers(world: World) -> None:
    """Once everything is acknowledged, nothing is left to expire."""
    consumer = world.connect("one", ack_timeout_ms=1000)
    world.publish(3)
    assert world.clock.pending == 1, "one timer a consumer, not one a message"
    for name in ("m2", "m1", "m3"):
        world.main.acknowledge(consumer, name)
    assert world.clock.pending == 0
    world.publish()
    world.main.disconnect(consumer)
    assert world.clock.pending == 0


def test_clear_forgets_messages_and_keeps_consumers(world: World) -> None:
    """After a reset nothing old is delivered, acknowledged or timed; new messages come as before."""
    consumer = world.connect("one", ack_timeout_ms=1000, receiver_queue_size=2)
    world.publish(3)
    world.main.negative_acknowledge(consumer, "m1")
    world.news()
    world.queue.clear()
    world.clock.advance(100_000)
    assert (world.news(), world.main.pending, world.clock.pending) == ([], 0, 0)
    assert not world.main.acknowledge(consumer, "m1")
    world.publish()
    world.clock.advance(1000)
    assert world.news() == [("one", "m4", 0), ("one", "m4", 1)]


def test_the_history_tells_every_delivery(world: World) -> None:
    """Topic, subscription, consumer and redelivery count."""
    world.connect("one", ack_timeout_ms=1000)
    world.publish()
    world.clock.advance(1000)
    events = [entry.event for entry in world.history.after()]
    assert [event for event in events if isinstance(event, MessageDelivered)] == [
        MessageDelivered("m1", "event", "id-sub", "one", count) for count in (0, 1)
    ]


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=0, max_value=2**64 - 1))
def test_message_ids_are_pulsars(ledger: int, entry: int) -> None:
    """Base64 of a protobuf with ledger (field 1), entry (field 2) and batch index 0 (field 4), read as varints."""
    raw = base64.b64decode(pulsar_message_id(ledger, entry), validate=True)
    numbers, place = [], 0
    for tag in (0x08, 0x10, 0x20):
        assert raw[place] == tag
        place, number, shift = place + 1, 0, 0
        while True:
            number |= (raw[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if raw[place - 1] < 0x80:
                break
        numbers.append(number)
    assert (numbers, place) == ([ledger, entry, 0], len(raw))


def test_a_known_message_id() -> None:
    """Ledger 1, entry 300, the first of its batch, encoded by hand."""
    assert pulsar_message_id(1, 300) == base64.b64encode(bytes([0x08, 1, 0x10, 0xAC, 0x02, 0x20, 0])).decode()


def test_a_refusal_is_in_the_history() -> None:
    """Whoever reads the history sees that a message was delivered and refused, not only that it came again."""
    project = make_project()
    subscription = project.queue.main
    consumer = Consumer("c", lambda _message, _count: None)
    subscription.connect(consumer)
    (record,) = keep_passes(project, NOON, fate="deliver")
    (message,) = subscription.pending_messages()
    subscription.negative_acknowledge(consumer, message.message_id)
    told = [entry.to_json() for entry in project.history.after() if entry.event.kind == "message.refused"]
    assert [(each["message_id"], each["consumer"]) for each in told] == [(message.message_id, "c")]
    assert message.subject == record


def test_what_a_topic_lets_go_is_in_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test topic keeps the newest messages until somebody listens; the history names those that are gone."""
    monkeypatch.setattr("mock_server.queue.queue.UNATTENDED_LIMIT", 2)
    project = make_project()
    keep_passes(project, NOON, NOON, NOON, fate="deliver")
    told = [entry.to_json() for entry in project.history.after() if entry.event.kind == "message.expired"]
    first = project.queue.main.pending_messages()[0].message_id
    assert [(each["message_id"], each["topic"]) for each in told] == [(first, "event-test")]
