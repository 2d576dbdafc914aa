"""Tests of stores that an earlier version wrote: what is in them goes on."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.history.events import SyncAsked
from mock_server.ledger import Ledger
from mock_server.project import Project
from mock_server.state.sqlite import VERSION, SqliteStore
from tests.support import ACCESS_ID, NOON, published

FILE = Path(__file__).parent.parent.parent / "fixtures" / "store-version-1.db.gz"
"""Written by the server of that version: an hour with records, a sync with two re-reports, faults, and a fork."""


def opened(path: Path) -> tuple[Ledger, Cloud]:
    """The projects of a file."""
    cloud = Cloud(VirtualClock(NOON))
    ledger = Ledger(cloud, SqliteStore(path))
    ledger.open(ACCESS_ID, lambda: Project.__new__(Project))  # there is one already
    return ledger, cloud


def test_a_store_of_version_1(tmp_path: Path) -> None:
    """Its projects are there with their messages, timers, tokens and history, and are kept on."""
    path = tmp_path / "lots.db"
    path.write_bytes(gzip.decompress(FILE.read_bytes()))
    ledger, cloud = opened(path)
    project, fork = cloud
    assert (project.access_id, fork.access_id) == (ACCESS_ID, "other")
    assert [record.record_id for record in project.store.records()] == [
        "pass-000001", "pass-000002", "pass-000003", "bill-000001",
    ]  # fmt: skip
    first, delayed = "bill-000001 pass-000002 pass-000001 pass-000003 pass-000002", "pass-000003 pass-000003"
    assert published(project) == [*first.split(), *delayed.split()]
    assert (project.idle().messages, project.idle().timers, project.history.last) == (8, 3, 47)
    assert project.tokens.pair is not None
    asked = [entry.event for entry in project.history.after() if isinstance(entry.event, SyncAsked)]
    assert [each.claimed for each in asked[0].entries] == [1, 9]
    project.set_online("6ce0000000000002", online=True)
    project.checkpoint("kept by the version of today")
    ledger.close()
    again, cloud = opened(path)
    found = next(iter(cloud))
    assert (found.history.last, [each.name for each in found.checkpoints]) == (48, ["kept by the version of today"])
    again.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)
