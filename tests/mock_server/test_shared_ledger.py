"""Tests of servers that share a PostgreSQL store: who has a project, who may have it, and what the others say."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any

import psycopg
import pytest
import requests
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from mock_server.carriers.native import NativeConnections
from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.shared_ledger import HOLD_S, SharedLedger
from mock_server.state.database import Database
from mock_server.state.postgresql import PostgresStore
from mock_server.state.store import HeldElsewhereError, StoreError
from mock_server.web.lab.projects import Projects
from mock_server.web.server import Server, ThreadedServer
from mock_server.web.serving.committer import Committer
from mock_server.wire.errors import ErrorCode
from mock_server.wire.pulsar_commands import CommandConnected, ServerError
from tests.command_line import run_here
from tests.mock_server.signed_client import SignedClient
from tests.mock_server.state.works import Work, advanced, differences, kept, profiles, works
from tests.mock_server.test_cli import first_line, serving
from tests.mock_server.test_store_option import A_PASS, client_of
from tests.mock_server.web.lab_consumer import consuming
from tests.native_client import NativeClient, only
from tests.postgresql import Cluster, connected
from tests.sdk.world import wait_until
from tests.support import ACCESS_ID, ACCESS_SECRET, ADDRESSES, LOT, examples, make_project

HELD = "held_elsewhere"


class Sharing:
    """A server's part without its addresses: a cloud and its ledger."""

    def __init__(self, database: Database, profile: Profile | None = None) -> None:
        self.cloud = Cloud()
        self.store = PostgresStore(database, "off")
        self.ledger = SharedLedger(self.cloud, self.store)
        self.ledger.open(ACCESS_ID, lambda: make_project(profile, random_seed=7))

    @property
    def project(self) -> Project:
        """The project, which is this server's."""
        project = self.cloud.get(ACCESS_ID)
        assert project is not None
        return project

    def work(self, number: int) -> None:
        """Something happens to the project."""
        kept(number, "deliver")(self.project)

    def do(self, work: Work) -> None:
        """Something happens to the project, and is kept."""
        work(self.project)
        self.ledger.touch(self.project)
        self.ledger.commit()


def end_leases(database: Database) -> None:
    """Let the lease of every server be over, as after a long pause."""
    with connected(database.url) as connection:
        connection.execute("UPDATE parking_mock.servers SET until = clock_timestamp() - interval '1 s'")


@pytest.fixture
def two(database: Database) -> Iterator[tuple[Sharing, Sharing]]:
    """Two servers of one database; the first has the project."""
    one, other = Sharing(database), Sharing(database)
    yield one, other
    for each in (one, other):
        each.ledger.close()


@pytest.fixture(scope="module")
def own_database(cluster: Cluster) -> Database:
    """A database for all examples of a property."""
    return cluster.database()


@settings(max_examples=examples(12))
@given(profiles, st.lists(st.tuples(works, st.booleans()), max_size=8))
def test_what_is_kept_is_there_at_whoever_has_the_project(
    own_database: Database, profile: Profile, done: list[tuple[Work, bool]]
) -> None:
    """All of it, however often it goes from one to the other, in the middle of whatever it does."""
    with connected(own_database.url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS parking_mock CASCADE")
    one, other = Sharing(own_database, profile), Sharing(own_database, profile)
    always = make_project(profile, random_seed=7)
    for work, moves in [*done, (advanced(10_000), True)]:
        work(always)
        one.do(work)
        if moves:
            one.ledger._hand_over([ACCESS_ID])
            found = other.cloud.find(ACCESS_ID)
            other.ledger._taken.clear()
            assert found is not None
            assert differences(found.moment(), always.moment()) == {}
            one, other = other, one
    one.ledger.close()
    other.ledger.close()


def test_a_project_is_at_one_server(two: tuple[Sharing, Sharing]) -> None:
    """The other knows it, and does not have it; where it has stopped the other takes it as it was."""
    one, other = two
    assert other.cloud.get(ACCESS_ID) is None
    assert one.cloud.access_ids == other.cloud.access_ids == [ACCESS_ID]
    with pytest.raises(HeldElsewhereError, match="at another server: ask again"):
        other.cloud.find(ACCESS_ID)
    one.work(1)
    was = one.project.moment()
    one.ledger.close()
    found = other.cloud.find(ACCESS_ID)
    assert found is not None
    assert differences(found.moment(), was) == {}
    assert other.cloud.find("nobody") is None


def test_what_is_taken_is_written_only_where_it_changes(two: tuple[Sharing, Sharing]) -> None:
    """A project of a million records costs nothing when it is taken, but reading it; and all of it is there later."""
    one, other = two
    one.work(1)
    one.ledger.close()
    other.cloud.find(ACCESS_ID)
    kept_of = other.ledger._kept[ACCESS_ID]
    other.work(2)
    changes = kept_of.changed()
    assert changes is not None
    assert changes.about is None
    other.ledger.commit()
    copy = other.ledger.look_at(ACCESS_ID)
    assert differences(copy.moment(), other.project.moment()) == {}


def test_who_wants_a_project_gets_it(two: tuple[Sharing, Sharing]) -> None:
    """Whole, and soon; but not while the other has taken it just now: they would take it from each other for ever."""
    one, other = two
    one.work(1)
    with pytest.raises(HeldElsewhereError):
        other.cloud.find(ACCESS_ID)
    one.ledger._hand_over([ACCESS_ID, "nobody"])
    assert one.cloud.get(ACCESS_ID) is None
    with pytest.raises(HeldElsewhereError):
        one.cloud.find(ACCESS_ID, wants=False)  # a consumer that has come again before the caller
    assert other.cloud.find(ACCESS_ID) is not None
    with pytest.raises(HeldElsewhereError):
        one.cloud.find(ACCESS_ID)
    other.work(2)
    other.ledger._hand_over([ACCESS_ID])
    was = other.project.moment()
    other.ledger._taken[ACCESS_ID] -= HOLD_S
    other.ledger._hand_over([ACCESS_ID])
    found = one.cloud.find(ACCESS_ID)
    assert found is not None
    assert differences(found.moment(), was) == {}


def test_what_came_to_a_server_for_nobody_goes_on_to_the_next(two: tuple[Sharing, Sharing]) -> None:
    """Whoever has wanted it has not asked again, and somebody else does elsewhere."""
    one, other = two
    for asking, holding in ((other, one), (one, other)):
        with pytest.raises(HeldElsewhereError):
            asking.cloud.find(ACCESS_ID)
        holding.ledger._hand_over([ACCESS_ID])
    assert other.cloud.get(ACCESS_ID) is None
    assert one.cloud.find(ACCESS_ID) is not None


def test_a_server_that_was_paused_too_long_writes_nothing(two: tuple[Sharing, Sharing], database: Database) -> None:
    """Another has taken its project over: it says so, lets it go, and keeps what others have not taken."""
    one, other = two
    one.cloud.add(one.project.fork("mine", ACCESS_SECRET, one.project.moment()))
    one.ledger.commit()
    end_leases(database)
    assert other.cloud.find(ACCESS_ID) is not None
    one.work(1)
    mine = one.cloud.get("mine")
    assert mine is not None
    kept(1, "deliver")(mine)
    with pytest.raises(StoreError, match="the connection is lost"):
        one.ledger.commit()
    with pytest.raises(HeldElsewhereError):
        one.ledger.commit()
    assert [each.access_id for each in one.cloud] == ["mine"]
    assert one.ledger.look_at("mine").history.last == mine.history.last
    assert one.ledger.look_at(ACCESS_ID).history.last == other.project.history.last


def test_a_server_that_was_paused_too_long_tells_nothing(two: tuple[Sharing, Sharing], database: Database) -> None:
    """Not even what needs no writing: the lease is looked at before. One whose projects nobody took goes on."""
    one, other = two
    one.store.lease._until = 0
    one.ledger.check()
    assert not one.store.lease.is_over
    end_leases(database)
    other.cloud.find(ACCESS_ID)
    one.store.lease._until = 0
    with pytest.raises(HeldElsewhereError):
        one.ledger.check()
    assert list(one.cloud) == []
    one.ledger.check()


def test_a_server_that_is_paused_in_the_middle_of_a_write_holds_nobody_up(
    two: tuple[Sharing, Sharing], database: Database
) -> None:
    """Its connections are ended by whoever takes its project over; its write has no effect."""
    one, other = two
    with one.store._session.use() as connection, suppress(psycopg.OperationalError), connection.pipeline():
        connection.execute("BEGIN")
        assert connection.execute("SELECT access_id FROM projects FOR UPDATE").fetchall() == [(ACCESS_ID,)]
        end_leases(database)
        assert other.cloud.find(ACCESS_ID) is not None
    one.store.lease._until = 0
    with pytest.raises(HeldElsewhereError):
        one.ledger.check()


def test_a_project_that_cannot_be_read_is_left_to_others(two: tuple[Sharing, Sharing], database: Database) -> None:
    """A later version may understand it."""
    one, other = two
    one.ledger.close()
    with connected(database.url) as connection:
        connection.execute("UPDATE parking_mock.projects SET about = '{}'")
    with pytest.raises(StoreError, match=f"the project {ACCESS_ID} cannot be read"):
        other.cloud.find(ACCESS_ID)
    with connected(database.url) as connection:
        assert connection.execute("SELECT server FROM parking_mock.projects").fetchall() == [(None,)]


def test_a_deleted_project_is_nowhere(two: tuple[Sharing, Sharing]) -> None:
    """At once, at both; and its name is free."""
    one, other = two
    one.cloud.remove(one.project)
    assert one.cloud.find(ACCESS_ID) is None
    assert one.cloud.access_ids == []
    one.ledger.commit()
    assert other.cloud.find(ACCESS_ID) is None
    other.cloud.add(make_project())
    other.ledger.commit()
    assert one.cloud.access_ids == [ACCESS_ID]


@contextmanager
def threaded(sharing: Sharing) -> Iterator[ThreadedServer]:
    """Its addresses."""
    with ThreadedServer(Server(sharing.cloud, ledger=sharing.ledger)) as server:
        yield server


def told(client: SignedClient) -> Any:
    """The code of a call, 0 for success."""
    return client.call("GET", "/v1.0/expand/devices?page_no=1&page_size=10").get("code", 0)


def test_who_asks_the_wrong_server_asks_again(database: Database) -> None:
    """1111 at the API, 503 and where it is at the lab plane, a refusal at the queue. The right one lets it go."""
    one, other = Sharing(database), Sharing(database)
    one.ledger._taken[ACCESS_ID] = float("inf")
    project = one.project
    with threaded(one) as first, threaded(other) as second, ExitStack() as open_:
        exports: Any = project.exports(second.server.addresses())
        client = open_.enter_context(client_of(exports, now_ms=project.clock.now_ms()))
        answer = client.call("GET", "/v1.0/token?grant_type=1")
        assert (answer["code"], answer["msg"]) == (1111, "system is busy, please retry later")
        refused = requests.get(f"{second.server.lab}/_lab/projects/{ACCESS_ID}", timeout=20)
        assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        error = refused.json()["error"]
        assert (error["code"], error["server"]) == (HELD, first.server.lab)
        assert requests.get(f"{second.server.lab}/?project={ACCESS_ID}", timeout=20).status_code == 503
        with pytest.raises(InvalidStatus) as shut, consuming(exports):
            pass
        assert shut.value.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        first.run(one.ledger._taken.clear)
        lab = open_.enter_context(LabClient(second.server.lab)).project(ACCESS_ID)
        assert lab.show()["records"][LOT] == 0
        assert told(client.connect()) == 0
        assert first.run(lambda: list(one.cloud)) == []


def test_a_native_client_of_the_wrong_server_connects_again(two: tuple[Sharing, Sharing]) -> None:
    """It is told that the service is not ready, which it tries again after, until the right one lets the project go."""
    one, other = two
    project, connections = one.project, NativeConnections(other.cloud)
    one.ledger._taken[ACCESS_ID] = float("inf")
    refused = NativeClient(project, connections)
    [error] = refused.connect()
    assert (error.error, refused.transport.ended) == (ServerError.SERVICE_NOT_READY, "closed")
    one.ledger._taken.clear()
    one.ledger._hand_over([ACCESS_ID])
    assert only(CommandConnected, NativeClient(project, connections).connect())


def test_another_server_goes_on(database: Database) -> None:
    """With the token, the backlog and its message ids. One that comes back from a pause tells nothing of before."""
    with serving("--json", "--chaos", "off", "--store", database.url) as process, ExitStack() as open_:
        exports = json.loads(first_line(process))
        client = open_.enter_context(client_of(exports)).connect()
        open_.enter_context(LabClient(exports["lab"])).project(exports["access_id"]).add_record(LOT, **A_PASS)
        with consuming(exports, acknowledges=False) as consumer:
            wait_until(lambda: consumer.message_ids, "a message")
        process.send_signal(signal.SIGSTOP)
        end_leases(database)
        other = open_.enter_context(threaded(Sharing(database)))
        others = exports | other.server.addresses()._asdict()
        again = open_.enter_context(client_of(others, client.token))
        wait_until(lambda: told(again) == 0, "the take-over")
        with consuming(others) as later:
            wait_until(lambda: later.message_ids == consumer.message_ids, "the same message")
        process.send_signal(signal.SIGCONT)
        answer = told(client)
        while answer == ErrorCode.SYSTEM_ERROR:  # at first, as its connection to the database was ended
            answer = told(client)
        assert answer == 1111


def test_without_the_driver_serve_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends with 2."""
    monkeypatch.setitem(sys.modules, "mock_server.shared_ledger", None)
    done = run_here("serve", "--store", "postgresql://127.0.0.1:1/lots")
    assert done.shown.startswith("exit code: 2\n")
    assert "a store in PostgreSQL needs psycopg: pip install 'parking-mock[postgresql]'" in done.shown


def test_a_database_that_is_not_there_ends_with_2() -> None:
    """And says what to do, without the password."""
    done = run_here("serve", "--store", "postgresql://me:secret@127.0.0.1:1/lots")
    assert done.shown.startswith("exit code: 2\n")
    assert "cannot use the store postgresql://me@127.0.0.1:1/lots: the database does not answer: is it" in done.shown


def test_who_waits_for_what_is_lost_is_told(two: tuple[Sharing, Sharing], database: Database) -> None:
    """Also where somebody else's call has found it out before: the next commit fails, once."""
    one, other = two
    one.ledger._touched.clear()
    one.work(1)
    end_leases(database)
    other.cloud.find(ACCESS_ID)
    one.store.lease._until = 0
    one.ledger._hand_over([])
    assert list(one.cloud) == []
    with pytest.raises(HeldElsewhereError):
        one.ledger.commit()
    one.ledger.commit()


def test_a_project_does_not_go_away_in_the_middle_of_a_piece_of_work(two: tuple[Sharing, Sharing]) -> None:
    """Such as the adding of many records, with turns for others between: the rest of it would be lost."""
    one, _ = two
    with Committer(one.ledger).in_the_middle():
        one.ledger._hand_over([ACCESS_ID])
        assert one.cloud.get(ACCESS_ID) is not None
    one.ledger._hand_over([ACCESS_ID])
    assert one.cloud.get(ACCESS_ID) is None


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_request_whose_project_went_away_meanwhile_is_refused(
    two: tuple[Sharing, Sharing], *, comes_back: bool
) -> None:
    """What only reads may be asked again, also by a program; of what may have been done halfway its caller is told."""
    one, other = two
    app, views = Flask("test"), Projects(one.cloud, lambda: ADDRESSES)
    for method, kind in (("GET", HeldElsewhereError), ("POST", StoreError)):
        with app.test_request_context(method=method):
            assert views.find(ACCESS_ID) is views.find(ACCESS_ID)
            one.ledger._taken.clear()
            one.ledger._hand_over([ACCESS_ID])
            if not comes_back:
                other.cloud.find(ACCESS_ID)
            with pytest.raises(StoreError) as refused:
                views.find(ACCESS_ID)
            assert type(refused.value) is kind
        other.ledger._taken.clear()
        other.ledger._hand_over([ACCESS_ID])
        one.cloud.find(ACCESS_ID)
