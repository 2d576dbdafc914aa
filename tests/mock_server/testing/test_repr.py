"""What a debugger or a failing assertion shows: what a thing is, without plates and secrets."""

import pytest

from mock_server import MockParking, ServedParking
from mock_server.lab_client import LabClient
from mock_server.lots.seed import NewRecord
from tests.mock_server.signed_client import SignedClient
from tests.support import LOT, NOON

pytestmark = pytest.mark.parking_mock(clock="virtual", now_ms=NOON)

PLATE = "京A12345"


def test_each_thing_says_what_it_is(parking_mock: MockParking) -> None:
    """Records, lots, messages, re-reports, clocks, projects, parkings."""
    lot = parking_mock.add_lot(LOT)
    record = lot.enter(PLATE, at=NOON - 1, image_url="https://images.example/secret.jpg")
    bill = lot.bill(at=NOON - 1, uplink="lose")
    first, *_ = parking_mock.consume()
    with SignedClient(parking_mock) as client:
        client.connect().sync(0)
    shown = {
        repr(record): f"<Record pass-000001: enter at {NOON - 1}, 京A***5, lot {LOT}, with image_url>",
        repr(bill): f"<Record bill-000001: bill at {NOON - 1}, no plate, lot {LOT}>",
        repr(lot): f"<Lot {LOT}>",
        repr(first): f"<QueueMessage vehicle_pass_record of pass-000001, message {first.message_id}>",
        repr(next(parking_mock.consume())): (
            f"<QueueMessage vehicle_pass_record of pass-000001, message {first.message_id}, redelivered 1 x>"
        ),
        repr(parking_mock.rereports[0]): (
            f"<RereportOf lot {LOT}, passes, enter, 2022-05-17 11:00:00.000 - 12:00:00.000: "
            "claimed 0, the lot had 1: pass-000001>"
        ),
        repr(parking_mock.clock): f"<ParkingClock at {NOON}>",
        repr(parking_mock.project): f"<Project {parking_mock.access_id}: 1 devices, 2 records>",
        repr(parking_mock): f"<MockParking of {parking_mock.project!r}>",
        repr(NewRecord.of(record, "lose")): f"<New{record!r}, uplink lose>",
    }
    assert list(shown) == list(shown.values())
    everything = "".join(shown)
    assert (PLATE in everything, parking_mock.access_secret in everything, "secret.jpg" in everything) == (False,) * 3


def test_the_lab_client_shows_no_token(parking_server: ServedParking) -> None:
    """Address and project, not what opens them."""
    with LabClient("http://127.0.0.1:8290/", token="not-to-be-seen") as lab:
        assert (repr(lab), repr(lab.project("p"))) == (
            "<LabClient of http://127.0.0.1:8290>",
            "<LabProject p of http://127.0.0.1:8290>",
        )
    assert repr(parking_server).startswith("<ServedParking of <Project ")
