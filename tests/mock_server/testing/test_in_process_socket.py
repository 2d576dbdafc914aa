"""Tests of the message queue's connection in process."""

import base64
import json
from collections.abc import Iterator

import pytest

from contracts.clients.messages import decrypt
from mock_server import mock_parking
from mock_server.carriers.access import AccessRefusedError
from mock_server.faults.catalogue import FaultKind
from mock_server.testing.in_process import MockParking
from mock_server.testing.in_process_socket import InProcessSocket
from mock_server.web.queue.handshake import STATUS
from mock_server.wire.encryption import queue_password


@pytest.fixture
def parking() -> Iterator[MockParking]:
    """A parking on a virtual clock."""
    with mock_parking(clock="virtual", now_ms=1_652_779_000_000) as started:
        yield started


def consume(parking: MockParking, query: str = "subscriptionType=Failover") -> InProcessSocket:
    """A consumer as a client opens one."""
    name = parking.access_id
    url = f"wss://mqe.tuyacn.com:8285/ws/v2/consumer/persistent/{name}/out/event/{name}-sub?{query}"
    return parking.open_socket(url, {"Username": name, "password": queue_password(name, parking.access_secret)})


def test_frames_are_those_of_a_real_connection(parking: MockParking) -> None:
    """A frame carries the encrypted status report of a record."""
    lot, socket = parking.add_lot(), consume(parking)
    record = lot.enter("京A12345")
    frame = json.loads(socket.receive() or "")
    outer = json.loads(base64.b64decode(frame["payload"]))
    report = json.loads(decrypt(outer["data"], parking.access_secret, "aes_ecb"))
    assert json.loads(report["status"][0]["value"])["recordId"] == record.record_id
    assert socket.receive() is None


def test_an_acknowledged_message_is_gone_and_another_comes_again(parking: MockParking) -> None:
    """What was not acknowledged when the client leaves comes to the next one."""
    lot, socket = parking.add_lot(), consume(parking)
    lot.enter("京A12345")
    lot.enter("京A12346")
    first, second = json.loads(socket.receive() or ""), json.loads(socket.receive() or "")
    socket.send(json.dumps({"messageId": first["messageId"]}))
    socket.close()
    again = json.loads(consume(parking).receive() or "")
    assert again["messageId"] == second["messageId"]


@pytest.mark.parametrize(("kind", "code"), [(FaultKind.SOCKET_CLOSE, 1011), (FaultKind.SOCKET_IDLE, 1001)])
def test_a_broken_connection_is_closed_when_it_is_read(parking: MockParking, kind: FaultKind, code: int) -> None:
    """`socket.close` and `socket.idle` strike when a message is due; it comes over the next connection."""
    lot, socket = parking.add_lot(), consume(parking)
    parking.add_fault(kind)
    lot.enter("京A12345")
    assert socket.receive() is None
    assert socket.closed == code
    assert consume(parking).receive() is not None


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "what"}', '{"messageId": "\ud800"}'])
def test_a_frame_that_is_none_closes_the_connection(parking: MockParking, text: str) -> None:
    """As over a real connection, with a reason."""
    socket = consume(parking)
    socket.send(text)
    assert socket.closed == 1007
    assert "frame is" in socket.reason
    socket.send(text)
    assert socket.closed == 1007


def test_a_handshake_is_checked(parking: MockParking) -> None:
    """Parameters out of range are refused with the status of the real endpoint."""
    with pytest.raises(AccessRefusedError) as refused:
        consume(parking, "subscriptionType=Shared")
    assert STATUS[refused.value.reason] == 400
