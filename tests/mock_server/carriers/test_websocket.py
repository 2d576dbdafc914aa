import json
from collections.abc import Iterator
from typing import Any

import pytest

from mock_server import mock_parking
from mock_server.carriers.access import AccessRefusedError
from mock_server.faults.catalogue import FaultKind
from mock_server.model import MINUTE
from mock_server.testing.in_process import MockParking
from mock_server.testing.in_process_socket import InProcessSocket
from mock_server.web.queue.handshake import STATUS
from mock_server.wire.encryption import queue_password
from mock_server.words import mask
from tests.support import NOON, keep_passes


@pytest.fixture(name="parking")
def parking_fixture(request: pytest.FixtureRequest) -> Iterator[MockParking]:
    """A parking on a virtual clock, with the profile that the test names."""
    with mock_parking(clock="virtual", now_ms=NOON, profile=getattr(request, "param", "default")) as started:
        yield started


def consume(parking: MockParking, query: str = "", topic: str = "event", **headers: str) -> InProcessSocket:
    """A connected consumer."""
    name = parking.access_id
    url = f"wss://queue/ws/v2/consumer/persistent/{name}/out/{topic}/{name}-sub?subscriptionType=Failover&{query}"
    credentials = {"username": name, "password": queue_password(name, parking.access_secret)}
    return parking.open_socket(url, credentials | headers)


def frames(socket: InProcessSocket) -> list[dict[str, Any]]:
    """What has come and was not read."""
    return [json.loads(text) for text in iter(socket.receive, None)]


def acknowledge(socket: InProcessSocket, frame: dict[str, Any]) -> None:
    """Acknowledge a message."""
    socket.send(json.dumps({"messageId": frame["messageId"]}))


def told(parking: MockParking, kind: str) -> list[dict[str, Any]]:
    """The events of a kind."""
    return [each for each in parking.history if each["kind"] == kind]


def test_a_closed_consumer_is_subscribed_again_behind_the_connection(parking: MockParking) -> None:
    """`consumer.close`: what was not acknowledged comes again, to another consumer, and the client is not told."""
    lot, socket = parking.add_lot(), consume(parking)
    lot.enter("京A12345")
    [first] = frames(socket)
    parking.add_fault(FaultKind.CONSUMER_CLOSE)
    lot.enter("京A12346")
    parking.clock.advance(0)
    again = frames(socket)
    assert (len(again), again[0]["messageId"], socket.closed) == (2, first["messageId"], None)
    for each in again:
        acknowledge(socket, each)
    assert parking.idle.idle
    changes = [each["change"] for each in told(parking, "consumer")]
    assert changes == ["connected", "active", "disconnected", "connected", "active"]
    assert len({each["consumer"] for each in told(parking, "consumer")}) == 2


def test_a_reset_comes_before_the_broker_closes_a_consumer(parking: MockParking) -> None:
    """The consumer stays the one that it is, and gets what comes afterwards."""
    socket = consume(parking)
    parking.add_fault(FaultKind.CONSUMER_CLOSE)
    keep_passes(parking.project, NOON, fate="deliver")  # not by `run`, which lets what is due happen
    parking.reset()
    parking.add_lot().enter("京A12346")
    assert len(frames(socket)) == 1


@pytest.mark.parametrize("reconnects", [False, True])
def test_a_lost_acknowledgement_brings_its_message_again(parking: MockParking, reconnects: bool) -> None:  # noqa: FBT001
    """`ack.lose`: after the next connection or after its time, once; until then it takes no room of the consumer."""
    lot, socket = parking.add_lot(), consume(parking, "receiverQueueSize=1")
    parking.add_fault(FaultKind.ACK_LOSE, after_ms=MINUTE)
    lot.enter("京A12345")
    lot.enter("京A12346")
    [lost] = frames(socket)
    acknowledge(socket, lost)
    [other] = frames(socket)
    acknowledge(socket, other)
    assert parking.idle.messages == 1
    if reconnects:
        socket.close()
        socket = consume(parking)
    else:
        parking.clock.advance(MINUTE)
    [again] = frames(socket)
    assert again["messageId"] == lost["messageId"]
    acknowledge(socket, again)
    parking.clock.advance(MINUTE)
    assert (parking.idle.idle, frames(socket)) == (True, [])
    assert [each["message_id"] for each in told(parking, "fault")] == [lost["messageId"]]


@pytest.mark.parametrize(("code", "status"), [(5, 409), (6, 503)])
def test_a_subscription_may_be_refused(parking: MockParking, code: int, status: int) -> None:
    """`subscribe.refuse`: with a status of its own, and an event; the next attempt is let in."""
    parking.add_fault(FaultKind.SUBSCRIBE_REFUSE, code=code)
    with pytest.raises(AccessRefusedError) as refused:
        consume(parking, **{"User-Agent": "client\n1"})
    assert STATUS[refused.value.reason] == status
    assert [(each["carrier"], each["client"], each["message"]) for each in told(parking, "consumer.refused")] == [
        ("websocket", "client?1", str(refused.value))
    ]
    assert consume(parking).closed is None


def test_a_refused_handshake_is_in_the_history(parking: MockParking) -> None:
    """Whose project it is, is known by the access id, whatever the password; and where there is only one."""
    said = f"client {parking.access_secret}"
    with pytest.raises(AccessRefusedError):
        consume(parking, password="wrong", **{"User-Agent": said})
    with pytest.raises(AccessRefusedError):
        consume(parking, "ackTimeoutMillis=1")
    with pytest.raises(AccessRefusedError):
        parking.open_socket("wss://queue/ws/v2/consumer/persistent/nobody/out/event/nobody-sub", {})
    reasons = [each["reason"] for each in told(parking, "consumer.refused")]
    assert reasons == ["credentials", "parameter", "credentials"]
    consume(parking, **{"User-Agent": said})
    clients = {each["client"] for kind in ("consumer.refused", "consumer") for each in told(parking, kind)}
    assert clients == {"", f"client {mask(parking.access_secret)}"}


def test_a_bad_checksum_does_not_strike_here(parking: MockParking) -> None:
    """A WebSocket frame has none: the fault waits for a native one."""
    lot, socket = parking.add_lot(), consume(parking)
    parking.add_fault(FaultKind.MESSAGE_BAD_CHECKSUM)
    lot.enter("京A12345")
    assert (len(frames(socket)), parking.faults_struck) == (1, {})


@pytest.mark.parametrize("parking", ["partitioned"], indirect=True)
def test_one_connection_consumes_all_partitions(parking: MockParking) -> None:
    """In one receiver queue; acknowledgements, refusals and the end of the connection are those of its partition."""
    lots = [parking.add_lot(f"6ce{number:013d}") for number in range(8)]
    socket = consume(parking, "receiverQueueSize=3&negativeAckRedeliveryDelay=1000", **{"user-agent": "test 1.0"})
    kept = [lot.enter("京A12345").record_id for lot in lots]
    held = frames(socket)
    assert len(held) == 3
    socket.send(json.dumps({"type": "negativeAcknowledge", "messageId": held[0]["messageId"]}))
    seen = held
    while more := frames(socket):
        seen = [*seen, *more]
        acknowledge(socket, seen[1])
        for each in more:
            acknowledge(socket, each)
    acknowledge(socket, held[2])
    parking.clock.advance(1000)
    [again] = frames(socket)
    assert again["messageId"] == held[0]["messageId"]
    acknowledge(socket, again)
    assert len({each["messageId"] for each in seen}) == len(kept)
    assert parking.idle.idle
    changes = told(parking, "consumer")
    assert {each["client"] for each in changes} == {"test 1.0"}
    assert {each["consumer"] for each in changes} == {"consumer-1"}
    assert sorted(each["partition"] for each in changes if each["change"] == "active") == list(range(11))


@pytest.mark.parametrize("parking", ["partitioned"], indirect=True)
def test_two_connections_share_the_partitions(parking: MockParking) -> None:
    """A newcomer takes some, with what waits for an answer there; the other's room is free for its own."""
    lots = [parking.add_lot(f"6ce{number:013d}") for number in range(12)]
    first = consume(parking, "receiverQueueSize=12")
    for lot in lots:
        lot.enter("京A12345")
    held = frames(first)
    second = consume(parking)
    taken = frames(second)
    assert 0 < len(taken) < len(held) == len(lots)
    for frame in held:
        acknowledge(first, frame)
    assert parking.idle.idle, "who has lost a partition may still acknowledge"
    for lot in lots:
        lot.leave("京A12345")
    assert len(frames(first)) + len(frames(second)) == len(lots)
    first.close()
    assert len(frames(second)) == len(lots) - len(taken)


@pytest.mark.parametrize("parking", ["partitioned"], indirect=True)
def test_a_connection_that_breaks_at_once_is_one_that_breaks(parking: MockParking) -> None:
    """A message of one partition breaks it, and it consumes no further one: nobody could take that for a return."""
    for number in range(12):
        parking.add_lot(f"6ce{number:013d}").enter("京A12345")
    parking.add_fault(FaultKind.SOCKET_CLOSE, times=5)
    socket = consume(parking)
    assert (frames(socket), socket.closed) == ([], 1011)
    assert parking.faults_struck == {"socket.close": 1}
    events = [each for each in parking.history if each["kind"] in ("fault", "consumer")]
    struck = next(place for place, each in enumerate(events) if each["kind"] == "fault")
    assert {each["change"] for each in events[struck + 1 :]} == {"disconnected"}


@pytest.mark.parametrize("parking", ["partitioned"], indirect=True)
def test_one_partition_may_be_consumed(parking: MockParking) -> None:
    """By its name, as Pulsar's clients do behind their own doors."""
    lots = [parking.add_lot(f"6ce{number:013d}") for number in range(8)]
    place = parking.project.queue.partition_of(lots[0].device_id)
    socket = consume(parking, topic=f"event-partition-{place}")
    for lot in lots:
        lot.enter("京A12345")
    mine = {lot.device_id for lot in lots if parking.project.queue.partition_of(lot.device_id) == place}
    assert {each["key"] for each in frames(socket)} == mine
    assert len(mine) < len(lots)


@pytest.mark.parametrize("parking", ["partitioned"], indirect=True)
def test_a_test_consumes_all_partitions(parking: MockParking) -> None:
    """`consume()` gets every message once, and what it does not acknowledge comes again."""
    lots = [parking.add_lot(f"6ce{number:013d}") for number in range(8)]
    kept = [lot.enter("京A12345").record_id for lot in lots]
    first = [message.record_id for message in parking.consume()]
    for message in parking.consume():
        message.ack()
    assert sorted(map(str, first)) == sorted(kept)
    assert parking.idle.idle


@pytest.mark.parametrize(
    ("parking", "counts"),
    [({"redelivery_count": "broker"}, [0, 0]), ({"redelivery_count": "counted"}, [0, 1])],
    indirect=["parking"],
)
def test_what_a_client_is_told_of_redeliveries(parking: MockParking, counts: list[int]) -> None:
    """0 as a broker says, or the count; the history always counts."""
    lot, socket = parking.add_lot(), consume(parking, "ackTimeoutMillis=1000")
    lot.enter("京A12345")
    parking.clock.advance(1000)
    assert [each["redeliveryCount"] for each in frames(socket)] == counts
    assert [each["redelivery_count"] for each in told(parking, "message.delivered")] == [0, 1]
