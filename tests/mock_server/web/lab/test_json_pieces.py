"""Long answers in pieces: the same JSON as in one, of the moment of the call."""

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from mock_server.lots.seed import Seed
from mock_server.model import Cell, DataType, PassDirection, Rereport
from mock_server.project import Project
from mock_server.web.lab import json_pieces
from mock_server.web.lab.json_pieces import PIECE_BYTES, PIECE_PARTS, answer_in_pieces, rereport_parts, seed_parts
from tests.support import LOT, NOON, keep_passes, make_project


@pytest.fixture
def project() -> Project:
    """A project with 1,000 records, each of which waits for its acknowledgement."""
    project = make_project()
    keep_passes(project, *range(NOON, NOON + 1000))
    return project


def test_a_snapshot_is_of_the_moment_of_the_call(project: Project) -> None:
    """What changes while it is sent is not in it; a piece is short."""
    expected = Seed(tuple(project.devices.values()), tuple(filter(None, project.snapshot_records()))).to_json()
    with Flask("pieces").test_request_context():
        parts = seed_parts(tuple(project.devices.values()), project.snapshot_records())
        pieces: Iterator[bytes] = answer_in_pieces(parts).iter_encoded()
        first = next(pieces)
        project.reset()
        keep_passes(project, NOON, fate=5_000)
        sent: list[bytes] = [first, *pieces]
    assert json.loads(b"".join(sent)) == expected
    assert len(sent) > 1000 / PIECE_PARTS
    assert max(map(len, sent)) < PIECE_BYTES + 1_000


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_rereports_of_any_size(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are cut into parts, commas stand between all of them."""
    monkeypatch.setattr(json_pieces, "IDS_A_PART", 2)
    ids = tuple(f'é"{number}' for number in range(size))
    cell = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON, NOON + 1)
    rereports = [Rereport(f"sn{number}", NOON, cell, 0, size, ids, ids[1:]) for number in range(size)]
    told = json.loads(b"".join(rereport_parts(rereports)))
    assert [each["sn"] for each in told] == [f"sn{number}" for number in range(size)]
    assert all((each["record_ids"], each["message_ids"]) == (list(ids), list(ids[1:])) for each in told)


def test_a_seed_without_records() -> None:
    """Is an empty list of them."""
    assert json.loads(b"".join(seed_parts((), iter([None]))))["records"] == []
