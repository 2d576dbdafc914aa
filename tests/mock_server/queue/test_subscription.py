import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.history.events import ConsumerChanged, MessageAcknowledged
from mock_server.queue.consumer import MAX_PERMITS, Consumer, Permits
from mock_server.queue.subscription import SubscriptionBusyError
from tests.mock_server.queue_world import World


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


def test_unknown_and_repeated_acknowledgements_change_nothing(world: World) -> None:
    """They are answered with False and leave no trace."""
    consumer = world.connect("one")
    world.publish()
    assert not world.main.acknowledge(consumer, "unknown")
    consumer.refuse("unknown")
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
    """Pushing stops at as many unacknowledged messages and goes on with each acknowledgement."""
    world = World()
    consumer = world.connect("one", size=size)
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


def test_acknowledging_inside_deliver_does_not_recurse(world: World) -> None:
    """Ten thousand messages pass through a consumer that acknowledges at once, however small its queue is."""
    consumer = world.consumer("one", lambda name: world.main.acknowledge(consumer, name), size=1)
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


def native(world: World, name: str, permits: Permits) -> Consumer:
    """A consumer that gets as many messages as it has asked for, and notes them."""
    consumer = Consumer(name, lambda message, count: world.got.append((name, message.message_id, count)), permits)
    world.main.connect(consumer)
    return consumer


def test_a_permit_is_for_one_delivery(world: World) -> None:
    """Nothing comes without one, an acknowledgement brings none back, and a sum of them has a bound."""
    permits = Permits()
    consumer = native(world, "one", permits)
    world.publish(4)
    assert world.news() == []
    permits.add(2)
    world.main.go_on()
    world.main.acknowledge(consumer, "m1")
    assert [name for _, name, _ in world.news()] == ["m1", "m2"]
    permits.add(0)
    permits.add(2**32)
    assert permits.count == MAX_PERMITS
    world.main.go_on()
    assert [name for _, name, _ in world.news()] == ["m3", "m4"]


def test_everything_up_to_a_message_is_acknowledged_in_the_order_of_publication(world: World) -> None:
    """Whoever has it, delivered or not; one event a message; what comes behind stays."""
    permits = Permits(3)
    one = native(world, "one", permits)
    world.publish(6)
    world.main.acknowledge(one, "m2")
    assert world.main.acknowledge_up_to(one, "m4") == 3
    assert [message.message_id for message in world.main.pending_messages()] == ["m5", "m6"]
    told = [each.event for each in world.history.after() if isinstance(each.event, MessageAcknowledged)]
    assert [each.message_id for each in told] == ["m2", "m1", "m3", "m4"]
    world.news()
    permits.add(10)
    world.main.go_on()
    assert world.news() == [("one", "m5", 0), ("one", "m6", 0)]


def test_an_unknown_or_settled_message_acknowledges_nothing_before_it(world: World) -> None:
    """A cumulative acknowledgement that comes twice, or names nothing, changes nothing."""
    one = native(world, "one", Permits(10))
    world.publish(3)
    world.main.acknowledge(one, "m2")
    last = world.history.last
    assert [world.main.acknowledge_up_to(one, name) for name in ("m2", "m9", "")] == [0, 0, 0]
    assert (world.history.last, world.main.pending) == (last, 2)


def test_who_takes_over_gets_everything_in_the_order_of_publication(world: World) -> None:
    """Also what had been refused, or waited for room: a cumulative acknowledgement of the newest covers all before."""
    old = world.connect("old", size=3, ack_timeout_ms=1000)
    world.publish(5)
    old.refuse("m2")
    world.main.redeliver(old, ["m1"])
    world.news()
    world.main.disconnect(old)
    native(world, "one", Permits(9))
    assert world.news() == [("one", "m1", 2), ("one", "m2", 1), ("one", "m3", 1), ("one", "m4", 1), ("one", "m5", 0)]


def test_a_rewind_brings_everything_again_in_the_order_of_publication(world: World) -> None:
    """Also what waits behind it and what another consumer still holds; what is acknowledged does not come."""
    old = world.connect("old", size=3, ack_timeout_ms=1000)
    world.publish(5)
    old.refuse("m2")
    world.main.disconnect(old)
    one = native(world, "one", Permits(3))
    world.main.acknowledge(one, "m3")
    world.news()
    one.room = Permits(9)
    assert world.main.rewind(one) == 2
    assert [name for _, name, _ in world.news()] == ["m1", "m2", "m4", "m5"]
    assert world.clock.pending == 0


def test_only_the_active_consumer_rewinds(world: World) -> None:
    """As at a broker: who waits for its turn has nothing to get again."""
    native(world, "one", Permits(9))
    two = native(world, "two", Permits(9))
    world.publish(2)
    world.news()
    assert (world.main.rewind(two), world.news()) == (0, [])


def test_a_message_that_stays_keeps_no_other(world: World) -> None:
    """What is settled behind one that is not leaves the memory, and the order holds."""
    one = native(world, "one", Permits(10**6))
    world.publish(1600)
    for number in range(2, 1600):
        world.main.acknowledge(one, f"m{number}")
    assert len(world.main._order) < 1100
    assert world.main.acknowledge_up_to(one, "m1600") == 2
