"""How a user's own tests use the public API. Nothing here is run: it only has to pass strict type checks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from unittest import TestCase

import pytest

from mock_server import Lot, MockParking, Parking, ServedParking, mock_parking
from mock_server.model import JsonObject, Record
from mock_server.profile import Profile
from mock_server.testing.parking import ClientRequest, QueueMessage, RereportOf


def everything(parking: Parking) -> None:
    """Whatever a parking can do, with the type of each answer."""
    lot = assert_type(parking.add_lot("6ce0000000000001", supplier_code="jieshun", online=False), Lot)
    assert_type(parking.add_lane(), str)
    assert_type(lot.enter("京A12345", at=datetime.now(UTC), uplink="lose", car_type=2), Record)
    assert_type(lot.leave(at=1, uplink=500), Record)
    assert_type(lot.bill(uplink={"delay_ms": 500}, paid_amount=100), Record)
    assert_type(lot.count(0, 1, None), int)
    assert_type(lot.count(datetime.now(UTC), datetime.now(UTC)), int)
    for message in assert_type(parking.consume(limit=3), Iterator[QueueMessage]):
        assert_type(message.record_id, str | None)
        message.ack()
    assert_type(parking.rereports, list[RereportOf])
    assert_type(parking.rereports[-1].records, list[Record])
    assert_type(parking.wait_for_rereport(timeout_s=1.5), RereportOf)
    assert_type(parking.wait_until_idle(), bool)
    assert_type(parking.requests, list[ClientRequest])
    assert_type(parking.history, list[JsonObject])
    assert_type(parking.exports, JsonObject)
    parking.add_fault("answer.late", delay_ms=5)
    parking.clock.advance_to(datetime.now(UTC), timeout_s=1)
    parking.clock.advance(timedelta(hours=1))
    parking.assert_converged(["a", {"record_id": "b"}, lot.records()[0]])


with mock_parking(profile=Profile(), clock="virtual", now_ms=1, seed=2, elsewhere="refuse", real_vendor="pass") as held:
    assert_type(held, MockParking)
    everything(held)


@mock_parking(chaos={"preset": "rough", "seed": 1}, devices=[{"device_id": "d"}])
def decorated(number: int, parking: Parking) -> str:
    """A function that gets a parking."""
    return parking.access_id * number


@mock_parking()
async def coroutine(parking: MockParking) -> int:
    """A coroutine function that gets one."""
    return len(parking.records)


@mock_parking(profile="gcm")
class Cases(TestCase):
    """A class whose methods may ask for one."""

    def test(self, parking: MockParking) -> None:
        """A test method."""
        everything(parking)


async def callers() -> None:
    """Whoever calls what is decorated gives no parking and gets the answer's type."""
    assert_type(decorated(3), str)
    assert_type(await coroutine(), int)
    assert_type(Cases(), Cases)


@pytest.fixture(scope="session")
def parking_server_options() -> dict[str, Any]:
    """How a suite chooses where its server listens."""
    return {"host": "127.0.0.1", "port": 0}


@pytest.mark.parking_mock(chaos="gentle", clock="virtual")
def with_fixtures(parking_mock: MockParking, parking_server: ServedParking) -> None:
    """Both fixtures are parkings: helpers need not know which."""
    everything(parking_mock)
    everything(parking_server)
