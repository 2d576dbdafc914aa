"""Tests of `serve --store`: a fake cloud that is killed and started again, and one whose disk is full."""

import json
import signal
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from mock_server.clock import wall_clock_ms
from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient
from mock_server.ledger import Ledger
from mock_server.project import Project
from mock_server.state.sqlite import SqliteStore
from mock_server.state.store import StoreError
from mock_server.web.server import Server, ThreadedServer
from tests.command_line import run_here
from tests.mock_server.signed_client import SignedClient
from tests.mock_server.test_cli import first_line, serving
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import wait_until
from tests.support import ACCESS_ID, LOT, NOON, make_project

A_PASS = {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1000, "plate_no": "京A12345", "uplink": "deliver"}


def client_of(exports: Any, token: str = "", now_ms: int | None = None) -> SignedClient:
    """A client of a project that is served, at the machine's time or a virtual one."""
    clock = SimpleNamespace(now_ms=wall_clock_ms() if now_ms is None else now_ms)
    keys = (exports["access_id"], exports["access_secret"])
    client = SignedClient(SimpleNamespace(exports=exports, access_id=keys[0], access_secret=keys[1], clock=clock))  # type: ignore[arg-type]  # all of a parking that a client needs
    client.token = token
    return client


def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """The token lives; what was acknowledged is gone, what was not comes again with its id; a command has its end."""
    flags = ("--json", "--chaos", "off", "--store", f"sqlite:///{tmp_path / 'world.db'}")
    with serving(*flags) as process, ExitStack() as open_:
        exports = json.loads(first_line(process))
        project = open_.enter_context(LabClient(exports["lab"])).project(exports["access_id"])
        client = open_.enter_context(client_of(exports)).connect()
        project.add_record(LOT, **A_PASS)
        with consuming(exports) as consumer:
            wait_until(lambda: consumer.message_ids and not project.show()["pending"]["messages"], "an acknowledgement")
        project.add_record(LOT, **A_PASS)
        answer = client.sync(0)
        assert answer["success"] is True
        with consuming(exports, acknowledges=False) as unsure:
            wait_until(lambda: len(unsure.message_ids) >= 3, "a record and two of the re-report")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(*flags) as process, ExitStack() as open_:
        exports = json.loads(first_line(process))
        client = open_.enter_context(client_of(exports, client.token))
        project = open_.enter_context(LabClient(exports["lab"])).project(exports["access_id"])
        with consuming(exports) as again:
            wait_until(lambda: set(unsure.message_ids) <= set(again.message_ids), "what was not acknowledged")
            assert not set(consumer.message_ids) & set(again.message_ids)
            wait_until(lambda: status_of(client, answer["result"]["sn"]) == 3, "the end of the command")
        assert len(project.rereports()) == 1
        project.add_record(LOT, **A_PASS)
        with consuming(exports) as later:
            wait_until(lambda: bool(later.message_ids), "a new message")
        assert not set(later.message_ids) & {*consumer.message_ids, *again.message_ids}, "no id is given twice"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


def status_of(client: SignedClient, sn: str) -> int:
    """How far a command has come."""
    return int(client.call("GET", f"/v1.0/expand/cmds/{sn}")["result"]["process_status"])


def test_a_store_that_fails_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """The vendor's 500 and the lab's 503 with what to do; once there is room again all of it is kept."""
    cloud = Cloud()
    store = SqliteStore(tmp_path / "world.db", "off")
    ledger = Ledger(cloud, store)
    ledger.open(ACCESS_ID, make_project)
    write = store.write

    def fail(*_: object) -> None:
        raise StoreError("the disk is full: make room")

    project: Project = next(iter(cloud))
    with ThreadedServer(Server(cloud, ledger=ledger)) as threaded:
        exports: Any = threaded.server.exports(project)
        with client_of(exports, now_ms=NOON) as client:
            client.connect()
            threaded.run(lambda: setattr(store, "write", fail))
            failed = client.sync(5)
            assert (failed["code"], failed["success"]) == (500, False)
            assert "the disk is full: make room" in failed["msg"]
            refused = requests.get(f"{exports['lab']}/_lab/projects/{ACCESS_ID}", timeout=20)
            assert (refused.status_code, refused.json()["error"]["message"]) == (503, "the disk is full: make room")
            issued = len(project.commands._commands)
            assert client.sync(5)["code"] == 500
            assert len(project.commands._commands) == issued, "while it fails nothing more is done"
            threaded.run(lambda: setattr(store, "write", write))
            assert client.sync(0)["success"] is True
    again = Cloud()
    other = Ledger(again, SqliteStore(tmp_path / "world.db"))
    other.open(ACCESS_ID, make_project)
    assert next(iter(again)).history.last == project.history.last
    assert len(next(iter(again)).commands._commands) == issued + 1
    other.close()


@pytest.mark.parametrize("url", ["postgres", "sqlite://", "sqlite:///", "file.db"])
def test_a_place_that_is_none_ends_with_2(url: str) -> None:
    """And says what a place is."""
    done = run_here("serve", "--store", url)
    assert done.shown.startswith("exit code: 2\n")
    assert "use memory, sqlite:///FILE, or postgresql://USER@HOST/NAME" in done.shown


def test_a_file_that_cannot_be_used_ends_with_2(tmp_path: Path) -> None:
    """And says why, and what to do."""
    (tmp_path / "letter").write_bytes(b"a letter and no database, which is long enough to be one")
    done = run_here("serve", "--store", f"sqlite:///{tmp_path / 'letter'}")
    assert done.shown.startswith("exit code: 2\n")
    assert "it is no database: name another file" in done.shown
