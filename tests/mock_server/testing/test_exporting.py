"""Tests of parkings that go on from a file."""

from pathlib import Path
from typing import Any

import pytest

from mock_server import mock_parking
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.testing.served import serve_project
from mock_server.web.server import Server, ThreadedServer
from tests.support import NOON


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A parking on a virtual clock, with a record, a message and a checkpoint."""
    with mock_parking(clock="virtual", now_ms=NOON) as parking:
        lot = parking.add_lot()
        lot.enter("京A12345", record_id="r1")
        parking.checkpoint("one car")
        lot.enter("京B12345", record_id="r2", uplink="lose")
        parking.export(tmp_path / "lunch.gz")
    return tmp_path / "lunch.gz"


def test_a_parking_goes_on_from_a_file(file: Path) -> None:
    """In process, as often as it is started, with the file's devices, messages, time and checkpoints."""
    assert file.stat().st_mode & 0o777 == 0o600
    parking = mock_parking(project=file)
    for _ in range(2):
        with parking:
            assert [record.record_id for record in parking.records] == ["r1", "r2"]
            assert [message.record_id for message in parking.consume()] == ["r1"]
            assert parking.project.clock.now_ms() == NOON
            parking.project.go_back(parking.project.checkpoints.find("one car").moment)
            assert [record.record_id for record in parking.records] == ["r1"]


def test_a_parking_on_a_server_goes_on_from_a_file(file: Path) -> None:
    """With keys of its own there, too."""
    with ThreadedServer(Server(Cloud())) as threaded, serve_project(threaded, project=file) as parking:
        assert [record.record_id for record in parking.records] == ["r1", "r2"]
        assert list(parking.project.devices) == ["6ce0000000000001"]


def test_a_clock_that_stands_still_at_the_moment_of_the_file(tmp_path: Path) -> None:
    """Also for a project that ran on the system's clock."""
    with mock_parking() as parking:
        parking.add_lot()
        written = parking.project.clock.now_ms()
        parking.export(tmp_path / "now.gz")
    with mock_parking(project=tmp_path / "now.gz", clock="virtual") as parking:
        assert isinstance(parking.project.clock, VirtualClock)
        assert 0 <= parking.project.clock.now_ms() - written < 60_000


@pytest.mark.parametrize("settings", [{"seed": 7}, {"profile": "strict"}, {"now_ms": NOON}, {"devices": []}])
def test_what_a_file_has_is_not_given_beside_it(file: Path, settings: Any) -> None:
    """It is refused, and not passed over."""
    with pytest.raises(ValueError, match=f"{next(iter(settings))}: the project of a file has its own"):
        mock_parking(project=file, **settings)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """Is told as the lab does."""
    (tmp_path / "letter").write_text("hello")
    with pytest.raises(ValueError, match="letter: it is no exported project"):
        mock_parking(project=tmp_path / "letter")
    with pytest.raises(FileNotFoundError):
        mock_parking(project=tmp_path / "nothing")
