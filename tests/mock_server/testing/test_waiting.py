"""Letting time pass, and waiting: the same in process, on a server and over the lab API, and never without an end."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mock_server import MockParking, Parking, ServedParking
from mock_server.clock import monotonic_s
from mock_server.lab_client import LabClient
from mock_server.model import HOUR, SECOND
from mock_server.wire.encryption import queue_password
from tests.mock_server.signed_client import SignedClient
from tests.mock_server.web.lab_consumer import consuming
from tests.support import LOT, NOON

virtual = pytest.mark.parking_mock(clock="virtual", now_ms=NOON)


def delivered(parking: Parking) -> int:
    """How many deliveries there were."""
    return Counter(each["kind"] for each in parking.history)["message.delivered"]


def by_fixture(parking: Parking, by_ms: int) -> None:
    """Move the clock in Python."""
    parking.clock.advance(by_ms)


def by_lab(parking: Parking, by_ms: int) -> None:
    """Move the clock over the lab API."""
    with LabClient(str(parking.exports["lab"])) as lab:
        lab.project(parking.access_id).advance(by_ms)


@contextmanager
def polling(parking: MockParking) -> Iterator[None]:
    """A consumer in process that a thread of its own reads, with an ack timeout of three seconds."""
    name, ended = parking.access_id, threading.Event()
    url = f"wss://mqe.tuyacn.com:8285/ws/v2/consumer/persistent/{name}/out/event/{name}-sub?ackTimeoutMillis=3000"
    keys = {"Username": name, "password": queue_password(name, parking.access_secret)}

    def read() -> None:
        socket = parking.open_socket(url, keys)
        while not ended.wait(0.001):
            while (frame := socket.receive()) is not None:
                socket.send(json.dumps({"messageId": json.loads(frame)["messageId"]}))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@virtual
@pytest.mark.parametrize("advance", [by_fixture, by_lab])
def test_an_hour_waits_for_a_consumer(parking_server: ServedParking, advance: Callable[[Parking, int], None]) -> None:
    """A consumer that acknowledges gets each message once, whoever lets how much time pass."""
    exports: Any = parking_server.exports
    with consuming(exports) as consumer:
        lot = parking_server.add_lot(LOT)
        for number in range(2):
            lot.enter(at=NOON - 1, uplink=number * SECOND)
        advance(parking_server, HOUR)
        assert (delivered(parking_server), len(consumer.message_ids)) == (2, 2)
    assert parking_server.clock.now_ms == NOON + HOUR


@virtual
def test_an_hour_waits_for_a_consumer_in_process(parking_mock: MockParking) -> None:
    """The same in process for a consumer that another thread reads."""
    lot = parking_mock.add_lot(LOT)
    with polling(parking_mock):
        for number in range(2):
            lot.enter(at=NOON - 1, uplink=number * SECOND)
        parking_mock.clock.advance(HOUR)
        assert delivered(parking_mock) == 2


@virtual
@pytest.mark.parametrize("fixture", ["parking_mock", "parking_server"])
def test_what_this_thread_holds_is_not_waited_for(request: pytest.FixtureRequest, fixture: str) -> None:
    """Time passes at once while a test holds messages itself: it cannot acknowledge meanwhile."""
    parking: Parking = request.getfixturevalue(fixture)
    parking.add_lot(LOT).enter(at=NOON - 1)
    began = monotonic_s()
    for _ in parking.consume():
        parking.clock.advance(HOUR, timeout_s=3_600)
    assert monotonic_s() - began < 1_800


@virtual
def test_a_consumer_that_never_acknowledges(parking_server: ServedParking) -> None:
    """It is waited for once, and then time passes without it: its messages are delivered again."""
    exports: Any = parking_server.exports
    with consuming(exports, acknowledges=False):
        parking_server.add_lot(LOT).enter(at=NOON - 1)
        parking_server.clock.advance(HOUR, timeout_s=0.01)
        assert parking_server.clock.now_ms == NOON + HOUR


@virtual
@pytest.mark.parametrize("fixture", ["parking_mock", "parking_server"])
def test_not_idle_says_why(request: pytest.FixtureRequest, fixture: str) -> None:
    """A command's timers are due at a time that nobody moves: that is said at once, with what to do and the story."""
    parking: Parking = request.getfixturevalue(fixture)
    parking.add_lot(LOT)
    with SignedClient(parking) as client:
        client.connect().sync(0)
    began = monotonic_s()
    with pytest.raises(AssertionError) as failed:
        parking.wait_until_idle(timeout_s=3_600)
    assert monotonic_s() - began < 1_800
    what, advice, *story = str(failed.value).split("\n  ")
    assert what == "not idle: pending are command status (2, the next in 50 ms)"
    assert "parking.clock.advance(...)" in advice
    assert any("claimed 0, equal" in line for line in story)
    parking.clock.advance(SECOND)
    (result,) = parking.consume()
    result.ack()
    assert parking.wait_until_idle()


@virtual
def test_not_idle_names_each_kind_of_work(parking_mock: MockParking) -> None:
    """Messages without an acknowledgement, delayed ones, a lot that is off line."""
    lot = parking_mock.add_lot(LOT)
    lot.enter(at=NOON - 1)
    lot.enter(at=NOON - 1, uplink=5)
    parking_mock.run(lambda: parking_mock.project.take_offline(LOT, 9))
    with pytest.raises(AssertionError, match="pending are") as failed:
        parking_mock.wait_until_idle()
    assert str(failed.value).split("\n")[0] == (
        f"not idle: pending are messages not acknowledged on {parking_mock.access_id}-sub of event "
        "(1, 0 of them with a consumer), "
        "delayed message (in 5 ms), lot off line (in 9 ms)"
    )


def test_a_timer_beyond_the_timeout_is_not_waited_for(parking_mock: MockParking) -> None:
    """On the system's clock, too, nobody waits for what cannot come in time."""
    parking_mock.add_lot(LOT).enter(uplink=3 * HOUR)
    began = monotonic_s()
    with pytest.raises(AssertionError, match="delayed message"):
        parking_mock.wait_until_idle(timeout_s=3_600)
    assert monotonic_s() - began < 1_800


@virtual
def test_the_lab_says_what_is_pending(parking_server: ServedParking) -> None:
    """`idle` of the lab API names it in the same words."""
    parking_server.add_lot(LOT).enter(at=NOON - 1, uplink=5)
    with LabClient(str(parking_server.exports["lab"])) as lab:
        assert lab.project(parking_server.access_id).idle(timeout_ms=0)["waits_for"] == ["delayed message (in 5 ms)"]
