"""Waits while a test has frozen or moved the machine's time: bounded in real time, with a reason."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import time_machine
from freezegun import freeze_time

from mock_server import ServedParking, mock_parking
from tests.mock_server.signed_client import SignedClient
from tests.support import LOT

STOPPED: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "freezegun": lambda: freeze_time("2024-05-01"),
    "time-machine": lambda: time_machine.travel("2024-05-01", tick=False),
}


@pytest.mark.parametrize("stopped", STOPPED.values(), ids=STOPPED)
@pytest.mark.parametrize("has_other_threads", [False, True])
def test_a_wait_ends_while_time_stands_still(
    stopped: Callable[[], AbstractContextManager[Any]], *, has_other_threads: bool
) -> None:
    """Where a test has frozen the machine's clock a wait ends in real time, and says that time stands still."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    if has_other_threads:
        thread.start()
    with stopped(), mock_parking() as parking, SignedClient(parking) as client:
        parking.add_lot(LOT)
        client.connect().sync(0, until=parking.clock.now_ms)
        with pytest.raises(AssertionError, match=r"(?s)not idle: .*command status.*time stands still.*virtual"):
            parking.wait_until_idle(timeout_s=60)
        with pytest.raises(AssertionError, match=r"(?s)no re-report came.*time stands still"):
            parking.wait_for_rereport(timeout_s=0.1)
    ended.set()


@pytest.mark.parametrize(
    "moved", [lambda: freeze_time("2024-05-01", tick=True), lambda: time_machine.travel("2024-05-01")]
)
def test_a_wait_while_time_is_another(moved: Callable[[], AbstractContextManager[Any]]) -> None:
    """A clock that was moved and goes on runs the timers; what is idle is found to be."""
    with moved(), mock_parking() as parking, SignedClient(parking) as client:
        parking.add_lot(LOT)
        client.connect().sync(0, until=parking.clock.now_ms)
        parking.wait_until(lambda: bool(parking.project.queue.pending), timeout_s=60)
        for message in parking.consume():
            message.ack()
        assert parking.wait_until_idle(timeout_s=60)


@pytest.mark.parametrize("stopped", STOPPED.values(), ids=STOPPED)
def test_a_wait_on_a_server_ends_too(
    parking_server: ServedParking, stopped: Callable[[], AbstractContextManager[Any]]
) -> None:
    """The same on a server, which goes on serving while the test's time stands still."""
    with stopped():
        parking_server.add_lot(LOT).enter(uplink=1)
        with pytest.raises(AssertionError, match=r"(?s)delayed message.*time stands still.*virtual"):
            parking_server.wait_until_idle(timeout_s=60)
        with pytest.raises(AssertionError, match="no re-report came"):
            parking_server.wait_for_rereport(timeout_s=0.1)


@pytest.mark.parametrize("stopped", STOPPED.values(), ids=STOPPED)
def test_a_timer_that_is_years_away_since_time_was_frozen(stopped: Callable[[], AbstractContextManager[Any]]) -> None:
    """A wait that no time left could fulfil ends at once, and still says that time stands still."""
    with mock_parking() as parking:
        parking.add_lot(LOT).enter(uplink=600_000)
        with stopped(), pytest.raises(AssertionError, match=r"(?s)delayed message.*time stands still.*virtual"):
            parking.wait_until_idle(timeout_s=60)


def test_a_timer_that_is_far_away_while_time_goes_on() -> None:
    """Where the time goes on nothing says that it stands still."""
    with mock_parking() as parking:
        parking.add_lot(LOT).enter(uplink=600_000)
        with pytest.raises(AssertionError, match="delayed message") as refused:
            parking.wait_until_idle(timeout_s=1)
        assert "stands still" not in str(refused.value)
