"""Tests of clients that go on from an exported project."""

from pathlib import Path

import pytest

from contracts.client.interface import MakeClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsOneMore
from contracts.play.going_on import WentOn, go_on
from contracts.play.resumed import Resumed
from mock_server import mock_parking
from mock_server.history.events import MessageAcknowledged, Rereported
from tests.command_line import run_here
from tests.support import NOON


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parking at noon: six cars have entered, three of whose messages were lost; one was told to another client.

    There is a record of long ago, about which nobody will ask.
    """
    path = tmp_path_factory.mktemp("going on") / "noon.gz"
    with mock_parking(clock="virtual", now_ms=NOON) as parking:
        lot = parking.add_lot()
        lot.enter("京A10000", at=NOON - 400 * 86_400_000, uplink="lose")
        for minute in range(1, 7):
            lot.enter("京A12345", at=NOON - minute * 60_000, uplink="lose" if minute % 2 else "deliver")
        next(iter(parking.consume(1))).ack()
        parking.export(path)
    return path


def went_on(file: Path, make_client: MakeClient) -> WentOn:
    """How a client did."""
    return go_on(Resumed.of(file), make_client)


def test_a_right_client_agrees_whatever_another_was_told_before(file: Path) -> None:
    """Its store is empty, and a record was acknowledged by another: it asks, and gets it again."""
    done = went_on(file, ReferenceClient)
    assert done.has_agreed
    assert done.agreed_after_ms is not None
    assert done.count(Rereported) >= 1
    assert done.count(MessageAcknowledged) >= 6
    assert (done.pending, done.unequal, done.deaths) == (0, [], [])


@pytest.mark.slow
def test_a_wrong_count_differs(file: Path) -> None:
    """The windows tell by how much."""
    done = went_on(file, CountsOneMore)
    assert not done.has_agreed
    assert {each.claimed - each.counted for each in done.unequal} == {1}


class Silent(ReferenceClient):
    """Never asks, and takes no message."""

    def start(self, start: object) -> None:
        """Do nothing."""

    def advance(self, now_ms: int) -> None:
        """Do nothing."""

    def quiet(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def test_a_client_that_does_nothing_differs(file: Path) -> None:
    """What nobody asked about is no agreement."""
    done = went_on(file, Silent)
    assert (done.has_agreed, done.compared, done.pending) == (False, {}, 2)


def test_as_a_user_meets_it(file: Path) -> None:
    """0 where client and lots agree, 1 where they differ, 2 for what cannot be played."""
    reference = "contracts.clients.reference:ReferenceClient"
    done = run_here("replay", file.name, "--client", reference, cwd=file.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"AGREES  {reference}\n  noon.gz goes on behind line ")
    done = run_here("replay", file.name, "--client", f"{__name__}:Silent", cwd=file.parent)
    assert done.returncode == 1
    assert done.stdout.startswith("DIFFERS  ")
    assert "it asked about no window in two days\n  2 messages not acknowledged\n" in done.stdout
    (file.parent / "cut.gz").write_bytes(file.read_bytes()[:-9])
    for arguments, text in (
        ((file.name,), "noon.gz names no client: use --client"),
        ((file.name, "--show"), "noon.gz is an exported project: give it without --show"),
        (("cut.gz", "--client", reference), "Error: cannot use cut.gz: it is cut off: export the project again"),
    ):
        done = run_here("replay", *arguments, cwd=file.parent)
        assert (done.returncode, done.stdout) == (2, "")
        assert text in done.stderr
