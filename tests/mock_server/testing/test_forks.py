"""Checkpoints and forks of a parking, in process and on a server."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from mock_server.state.checkpoints import CheckpointError
from mock_server.testing.in_process import mock_parking
from mock_server.testing.parking import Parking
from mock_server.testing.served import serve_project
from mock_server.web.server import ThreadedServer
from tests.mock_server.signed_client import SignedClient
from tests.support import LOT, NOON


@pytest.fixture(params=["in process", "on a server"])
def parking(request: pytest.FixtureRequest, parking_session_server: ThreadedServer) -> Iterator[Parking]:
    """A parking with one lot."""
    made: dict[str, AbstractContextManager[Parking]] = {
        "in process": mock_parking(clock="virtual", now_ms=NOON),
        "on a server": serve_project(parking_session_server, clock="virtual", now_ms=NOON),
    }
    with made[request.param] as started:
        started.add_lot(LOT)
        yield started


def test_what_the_other_client_would_have_done(parking: Parking) -> None:
    """Two worlds go on from one line: a client reaches the one whose keys it has."""
    parking.lot(LOT).enter("京A12345", at=NOON - 1, uplink="lose")
    line = parking.entries()[-1].seq
    with SignedClient(parking) as client:
        client.connect().sync(1)
    assert parking.rereports == []
    with parking.fork(at=line) as other:
        assert other.access_id != parking.access_id
        with SignedClient(other) as client:
            client.connect().sync(0)
        assert [each.claimed for each in other.rereports] == [0]
        other.clock.advance(1_000)
    assert parking.rereports == []
    assert parking.clock.now_ms == NOON


def test_a_checkpoint_is_restored_and_forked(parking: Parking) -> None:
    """It outlives a reset and its own restore."""
    lot = parking.lot(LOT)
    kept_record = lot.enter()
    kept = parking.checkpoint()
    lot.enter()
    parking.reset()
    kept.restore()
    assert len(parking.records) == 1
    lot.enter()
    with kept.fork() as other:
        assert (kept.name, kept.line) == ("checkpoint-1", other.project.journal.oldest)
        assert (len(other.records), len(parking.records)) == (1, 2)
        assert [message.record_id for message in other.consume()] == [kept_record.record_id]
    with pytest.raises(CheckpointError, match="'checkpoint-1' already"):
        parking.checkpoint(kept.name)
    kept.delete()
    parking.checkpoint(kept.name)


def test_what_cannot_be_kept_or_forked(parking: Parking) -> None:
    """An error says why."""
    with pytest.raises(ValueError, match="name must have 1 to 64 characters"):
        parking.checkpoint("")
    with pytest.raises(LookupError, match="there is no line 999 yet"):
        parking.fork(at=999)


def test_a_fork_that_fails_tells_its_own_story(parking: Parking) -> None:
    """As any parking does."""
    parking.lot(LOT).enter()
    fork = parking.fork()
    with pytest.raises(KeyError) as failed, fork:
        fork.lot("no such lot")
    assert "the story so far" in failed.value.__notes__[0]
    assert "1 record at the lots" in failed.value.__notes__[0]


def test_a_fork_of_a_fork(parking: Parking) -> None:
    """Each is a parking like any other."""
    with parking.fork() as other:
        other.lot(LOT).enter()
        with other.fork() as third:
            third.lot(LOT).enter()
            assert [len(each.records) for each in (parking, other, third)] == [0, 1, 2]
