"""What the client does on a bad day. It is 8:00 when a test begins."""

from collections.abc import Callable
from typing import Any

import pytest
from mock_server import MockParking
from mock_server.testing.parking import Lot

from reconciler import HOUR_MS, Reconciler, Store

MINUTE_MS = 60_000
EIGHT = 1652745600000
NINE = EIGHT + HOUR_MS

pytestmark = pytest.mark.parking_mock(clock="virtual", now_ms=EIGHT)

Receive = Callable[[], None]


def claims(parking: MockParking) -> dict[int, Any]:
    """What the last call told the lot about entering cars: a count for each hour's start."""
    infos = parking.requests[-1].body["recordSyncInfos"]
    return {info["startTime"]: info["totalCount"] for info in infos if info["passDirection"] == 0}


def test_what_was_lost_comes_again(
    parking_mock: MockParking, lot: Lot, reconciler: Reconciler, receive: Receive
) -> None:
    """A lost pass is reported again after the count, and the next count agrees."""
    lot.enter("京A12345")
    lost = lot.enter("京B67890", uplink="lose")
    parking_mock.clock.advance_to(NINE)
    receive()

    reconciler.run()
    assert lost in parking_mock.wait_for_rereport().records
    receive()
    reconciler.run()

    parking_mock.assert_no_rereport(after=1)


def test_a_doubled_message_is_one_pass(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """The line sends a message twice; the client has one pass and says so."""
    lot.enter("京A12345", uplink="duplicate")
    parking_mock.clock.advance_to(NINE)
    receive()

    reconciler.run()

    parking_mock.assert_no_rereport()
    parking_mock.assert_converged(store.record_ids())


def test_a_late_pass_belongs_to_its_own_hour(
    parking_mock: MockParking, lot: Lot, reconciler: Reconciler, receive: Receive
) -> None:
    """A car of 8:58 is reported at 9:03, and is counted in the hour from 8:00 to 9:00."""
    parking_mock.clock.advance(58 * MINUTE_MS)
    lot.enter("京A12345", uplink={"delay_ms": 5 * MINUTE_MS})
    parking_mock.clock.advance(5 * MINUTE_MS)
    receive()

    reconciler.run()

    parking_mock.assert_no_rereport()
    assert claims(parking_mock)[EIGHT] == 1


def test_an_hour_of_nothing_is_asked_about(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """When the whole hour was lost, only a count of zero brings it back."""
    lot.enter("京A12345", uplink="lose")
    parking_mock.clock.advance_to(NINE)

    reconciler.run()
    receive()

    parking_mock.assert_converged(store.record_ids())
    assert claims(parking_mock)[EIGHT] == 0


def test_the_two_directions_are_counted_apart(
    parking_mock: MockParking, lot: Lot, reconciler: Reconciler, receive: Receive
) -> None:
    """Two cars enter and one leaves."""
    lot.enter("京A12345")
    lot.enter("京B67890")
    lot.leave("京A12345")
    parking_mock.clock.advance_to(NINE)
    receive()

    reconciler.run()

    parking_mock.assert_no_rereport()


def test_a_dead_token_is_replaced(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """Another process has refreshed the token: the call is refused with 1010 and made again with a new one."""
    reconciler.run()
    lot.enter("京A12345", uplink="lose")
    parking_mock.clock.advance_to(NINE)
    parking_mock.expire_token()

    assert reconciler.run() == {lot.device_id: "asked"}
    receive()

    parking_mock.assert_converged(store.record_ids())


def test_a_token_is_renewed_before_it_ends(parking_mock: MockParking, reconciler: Reconciler) -> None:
    """In a day of runs no call is refused, though a token lives two hours."""
    for _ in range(24):
        reconciler.run()
        parking_mock.clock.advance(HOUR_MS)
    assert {each.code for each in parking_mock.requests} == {None}


def test_a_busy_cloud_is_asked_again(
    parking_mock: MockParking, lot: Lot, reconciler: Reconciler, pauses: list[float]
) -> None:
    """Twice busy, then well: one run is enough, with growing pauses."""
    parking_mock.add_fault("answer.busy", times=2)

    assert reconciler.run() == {lot.device_id: "asked"}

    assert pauses == [2.0, 4.0]


def test_an_answer_that_never_came_does_no_harm(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """The lot has heard the count, the client does not know: it asks again, and has each pass once."""
    lot.enter("京A12345", uplink="lose")
    parking_mock.clock.advance_to(NINE)
    parking_mock.add_fault("answer.lose")

    assert reconciler.run() == {lot.device_id: "no usable answer"}
    assert reconciler.run() == {lot.device_id: "asked"}
    receive()

    parking_mock.assert_converged(store.record_ids())


def test_a_jieshun_lot_is_left_alone_and_only_that(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """A lot that cannot sync is asked once; the lot behind it in the list gets its sync all the same."""
    jieshun = parking_mock.add_lot(supplier_code="jieshun")
    reconciler.lots = [jieshun.device_id, lot.device_id]
    lot.enter("京A12345", uplink="lose")
    parking_mock.clock.advance_to(NINE)

    assert reconciler.run() == {jieshun.device_id: "2003 function not support", lot.device_id: "asked"}
    receive()
    reconciler.run()

    assert sum(jieshun.device_id in each.path for each in parking_mock.requests) == 1
    parking_mock.assert_converged(store.record_ids())


def test_an_offline_lot_is_asked_when_it_is_back(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """Its hours stay open, even when it is away longer than the client looks back."""
    lot.enter("京A12345", uplink="lose")
    parking_mock.clock.advance_to(NINE)
    lot.go_offline()
    assert reconciler.run() == {lot.device_id: "2001 device is offline"}
    parking_mock.clock.advance(10 * HOUR_MS)

    lot.go_online()
    reconciler.run()
    receive()

    parking_mock.assert_converged(store.record_ids())


@pytest.mark.parking_mock(chaos="rough", seed=7)
def test_a_rough_day(
    parking_mock: MockParking, lot: Lot, store: Store, reconciler: Reconciler, receive: Receive
) -> None:
    """Lost, doubled, late, garbled and refused at random: after a day and a calm hour nothing is missing."""
    for _ in range(24 * 4):
        lot.enter()
        lot.leave()
        parking_mock.clock.advance(15 * MINUTE_MS)
        receive()
        reconciler.run()
    assert len(parking_mock.faults_struck) > 5
    parking_mock.calm()
    for _ in range(4):
        parking_mock.clock.advance(15 * MINUTE_MS)
        reconciler.run()
        receive()

    parking_mock.assert_converged(store.record_ids())
