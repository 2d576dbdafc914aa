"""Tests of the native consumer, against the emulator's native port in process and over a socket."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contracts.client.link import RealLink
from contracts.client.pulsar import PulsarConsumer, Subscribed
from contracts.clients.messages import password
from contracts.play.in_process_world import InProcessWorld
from contracts.play.scenario import BEGIN, Happens, Scenario, Strikes
from contracts.play.served_world import ServedWorld
from contracts.play.world import World
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import MessageAcknowledged, MessageDelivered, MessageDiscarded

Consume = Callable[..., PulsarConsumer]


def consumer_in(world: World, **asked: Any) -> PulsarConsumer:
    """A consumer of the project's own subscription."""
    access_id, secret = world.parking.access_id, world.parking.access_secret
    subscribed = Subscribed(f"persistent://{access_id}/out/event", f"{access_id}-sub", **asked)
    stream = world.link.open(str(world.exports["pulsar"]))
    return PulsarConsumer(stream, access_id, password(access_id, secret), subscribed)


@pytest.fixture
def world() -> Iterator[World]:
    """A world in process."""
    with InProcessWorld(Scenario()) as made:
        yield made


def happen(world: World, *names: str) -> None:
    """Let vehicles pass, in one lot."""
    for name in names:
        world.happens(Happens(BEGIN, name))


def ids(consumer: PulsarConsumer) -> list[int]:
    """The entries of the messages that have come."""
    return [message.message_id.entry for message in iter(consumer.receive, None)]


def test_messages_come_in_order_until_they_are_acknowledged(world: World) -> None:
    """Singly or up to one of them; what is left comes again when the client asks."""
    consumer = consumer_in(world)
    happen(world, "r1", "r2", "r3", "r4")
    messages = [*iter(consumer.receive, None)]
    assert [each.message_id.entry for each in messages] == [1, 2, 3, 4]
    assert {each.properties["em"] for each in messages} == {"aes_ecb"}
    consumer.acknowledge(messages[3])
    consumer.acknowledge_up_to(messages[1])
    consumer.redeliver()
    assert ids(consumer) == [3]
    assert world.parking.project.queue.main.pending == 1


def test_the_local_queue_has_a_size(world: World) -> None:
    """No more is delivered than was asked for; more is asked for when half of it was received, acknowledged or not."""
    consumer = consumer_in(world, queue_size=4)
    happen(world, *(f"r{number}" for number in range(9)))
    delivered = [each.event for each in world.entries() if isinstance(each.event, MessageDelivered)]
    assert len(delivered) == 4
    assert ids(consumer) == [*range(1, 10)]


def test_every_partition_is_consumed() -> None:
    """An acknowledgement up to a message is one of its partition."""
    with InProcessWorld(Scenario(lots=("tuya",) * 6, profile={"queue_partitions": 3})) as world:
        consumer = consumer_in(world)
        for lot in range(6):
            world.happens(Happens(BEGIN, f"r{lot}", lot=lot))
        messages = [*iter(consumer.receive, None)]
        assert len({each.partition for each in messages}) > 1
        consumer.acknowledge_up_to(messages[-1])
        last = messages[-1].partition
        acknowledged = [each.event for each in world.entries() if isinstance(each.event, MessageAcknowledged)]
        assert len(acknowledged) == sum(each.partition == last for each in messages)


def test_a_message_with_a_wrong_checksum_is_discarded(world: World) -> None:
    """The application never sees it, and the queue is told."""
    world.strikes(Strikes(BEGIN, FaultKind.MESSAGE_BAD_CHECKSUM))
    consumer = consumer_in(world)
    happen(world, "r1", "r2")
    assert ids(consumer) == [2]
    assert [each.event.message_id for each in world.entries() if isinstance(each.event, MessageDiscarded)]


@pytest.mark.parametrize(
    ("kind", "code"), [(FaultKind.SOCKET_CLOSE, 1006), (FaultKind.SOCKET_IDLE, 1001), (FaultKind.CONSUMER_CLOSE, 1001)]
)
def test_the_end_shows(world: World, kind: FaultKind, code: int) -> None:
    """Whether the connection breaks, is closed in order, or only the consumer is closed: then it may come again."""
    world.strikes(Strikes(BEGIN, kind))
    consumer = consumer_in(world)
    happen(world, "r1")
    assert consumer.receive() is None
    assert consumer.closed == code
    assert ids(consumer_in(world)) == [1]


@pytest.mark.parametrize("fault", [None, FaultKind.SUBSCRIBE_REFUSE])
def test_a_refusal_is_an_error(world: World, fault: FaultKind | None) -> None:
    """For a wrong subscription, or a fault."""
    if fault is not None:
        world.strikes(Strikes(BEGIN, fault))
    access_id, secret = world.parking.access_id, world.parking.access_secret
    topic, name = f"persistent://{access_id}/out/event", "sub" if fault is None else f"{access_id}-sub"
    stream = world.link.open(str(world.exports["pulsar"]))
    with pytest.raises(ConnectionRefusedError):
        PulsarConsumer(stream, access_id, password(access_id, secret), Subscribed(topic, name))
    assert stream.closed is not None


def test_a_wrong_password_ends_the_connection(world: World) -> None:
    """It is no endless wait."""
    stream = world.link.open(str(world.exports["pulsar"]))
    with pytest.raises(ConnectionError):
        PulsarConsumer(stream, world.parking.access_id, "wrong", Subscribed("t", "s"))


def test_it_is_the_same_over_a_socket() -> None:
    """Messages, acknowledgements, redelivery, and the end of the connection."""
    with ServedWorld(Scenario()) as world:
        consumer = consumer_in(world)
        happen(world, "r1", "r2", "r3")
        first, *_ = messages = [*iter(consumer.receive, None)]
        assert [each.message_id.entry for each in messages] == [1, 2, 3]
        consumer.acknowledge(first)
        consumer.redeliver()
        assert ids(consumer) == [2, 3]
        world.do(world.parking.project.queue.close)
        assert consumer.receive() is None
        assert consumer.closed is not None
        consumer.close()


def test_nobody_at_an_address_is_an_error() -> None:
    """A real link says so."""
    with pytest.raises(OSError, match="refused"):
        RealLink().open("pulsar://127.0.0.1:1")
