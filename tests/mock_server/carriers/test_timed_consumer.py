import pytest

from mock_server.carriers.timed_consumer import TimedConsumer
from mock_server.history.events import MessageDelivered
from tests.mock_server.queue_world import World
from tests.support import NOON, keep_passes, make_project


@pytest.fixture
def world() -> World:
    """An empty queue."""
    return World()


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
    consumer.refuse("m1")
    consumer.refuse("m1")
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
    consumer.refuse("m1")
    assert in_flight == [0]


def test_a_negative_acknowledgement_makes_room(world: World) -> None:
    """A message that waits for its second delivery is not held by the consumer."""
    consumer = world.connect("one", size=1, negative_ack_delay_ms=100)
    world.publish(2)
    consumer.refuse("m1")
    assert world.news() == [("one", "m1", 0), ("one", "m2", 0)]


def test_an_acknowledgement_after_a_negative_one_is_final(world: World) -> None:
    """The message does not come again, and nothing is left to wait for."""
    consumer = world.connect("one", negative_ack_delay_ms=60_000)
    world.publish()
    consumer.refuse("m1")
    assert world.main.acknowledge(consumer, "m1")
    world.news()
    assert world.clock.pending == 0
    world.clock.advance(60_000)
    assert (world.news(), world.main.pending) == ([], 0)


def test_a_consumer_that_leaves_takes_its_negative_acknowledgements_along(world: World) -> None:
    """The next consumer gets the message at once and once."""
    consumer = world.connect("one", negative_ack_delay_ms=60_000)
    world.publish(2)
    consumer.refuse("m1")
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
    consumer = world.connect("one", ack_timeout_ms=1000, size=2)
    world.publish(3)
    consumer.refuse("m1")
    world.news()
    world.main.load({})
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


def test_a_refusal_is_in_the_history() -> None:
    """Whoever reads the history sees that a message was delivered and refused, not only that it came again."""
    project = make_project()
    subscription = project.queue.main
    consumer = TimedConsumer("c", lambda *_: None, subscription=subscription, clock=project.clock)
    subscription.connect(consumer)
    (record,) = keep_passes(project, NOON, fate="deliver")
    (message,) = subscription.pending_messages()
    consumer.refuse(message.message_id)
    told = [entry.to_json() for entry in project.history.after() if entry.event.kind == "message.refused"]
    assert [(each["message_id"], each["consumer"]) for each in told] == [(message.message_id, "c")]
    assert message.subject == record
