"""Tests of the store in PostgreSQL: what it keeps, and what it says when it cannot."""

from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import pytest

from mock_server.state import postgresql_session
from mock_server.state.database import Database
from mock_server.state.postgresql import PostgresStore
from mock_server.state.postgresql_session import PostgresSession
from mock_server.state.store import ProjectChanges, ProjectsLostError, StoredRow, StoreError
from tests.postgresql import Cluster, connected

ONE = ProjectChanges("one", "{}", about="{}")


def opened(database: Database) -> PostgresStore:
    """The store of a server."""
    return PostgresStore(database, "off")


def done(database: Database, *statements: LiteralString) -> None:
    """What somebody else does in the database."""
    with connected(database.url) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_is_written_is_there(database: Database) -> None:
    """In the order of its coming, also when it is written again, in more than one batch, and after other servers."""
    store = opened(database)
    rows = [StoredRow("records", str(number), "{}") for number in range(2_100)]
    store.write([ProjectChanges("one", "{}", about="{}", put=rows, lines=[(1, "first"), (2, "second")])])
    for _ in range(2):
        gone = [(row.name, row.key) for row in rows[5:]]
        put = [
            StoredRow("records", "0", "new"),
            StoredRow("devices", "1", "\u0000 \ud800".encode("unicode_escape").decode()),
        ]
        store.write([ProjectChanges("one", "later", put=put, gone=gone, lines=[(3, "third")], dropped=1)])
    store.close()
    again = opened(database)
    (kept,) = again.projects()
    assert (kept.access_id, kept.about, kept.moment, kept.lines) == ("one", "{}", "later", ("second", "third"))
    assert kept.rows == (put[0], *rows[1:5], put[1])
    assert again.take("one") == kept
    again.close()


def test_checkpoints_are_kept_beside_the_state(database: Database) -> None:
    """In the order of their making. What is made anew keeps them; a project that is removed, and its name, do not."""
    store = opened(database)
    named = [("b", "{}"), ("a", "{}")]
    store.write([ProjectChanges("one", "{}", about="{}", checkpoints=named)])
    for _ in range(2):
        again = [("b", "other")]
        store.write([ProjectChanges("one", "{}", about="new", checkpoints=again, forgotten=["b"])])
    assert [each.checkpoints for each in store.projects()] == [(("a", "{}"), ("b", "other"))]
    store.write([ProjectChanges("one", "{}", about="newer", put=[StoredRow("devices", "1", "{}")])], ("one",))
    assert [(each.about, len(each.rows), each.checkpoints) for each in store.projects()] == [("newer", 1, ())]
    store.write([], ("one",))
    assert not [*store.projects(), *store.access_ids()]
    with connected(database.url) as connection:
        assert connection.execute("SELECT FROM parking_mock.rows").fetchall() == []
    store.close()


def test_a_change_that_fails_in_the_middle_changes_nothing(database: Database) -> None:
    """Of no project; and the next one works."""
    store = opened(database)
    store.write([ONE])
    row = StoredRow("devices", "1", "{}")
    with pytest.raises(StoreError):
        store.write([ProjectChanges("two", "{}", about="{}"), ProjectChanges("one", "{}", put=[row, row])])
    assert store.access_ids() == ["one"]
    store.write([ProjectChanges("one", "{}", put=[row])])
    store.close()


def test_two_servers_may_make_the_tables_at_once(database: Database) -> None:
    """One waits for the other."""
    with ThreadPoolExecutor(2) as threads:
        stores = list(threads.map(opened, [database, database]))
    assert len({store.server for store in stores}) == 2
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://parking:secret@127.0.0.1:1/lots", "the database does not answer: is it started"),
        ("postgresql://parking:secret@{here}/none", "there is no such database: createdb makes it"),
        ("postgresql://guarded:secret@{here}/postgres", "the database refuses the password"),
        ("postgresql://guarded@{here}/postgres?passfile=/none", "the database wants a password"),
        ("postgresql://parking:secret@no-host.invalid/lots", "there is no such host"),
        ("postgresql://parking:secret@{here}/lots?nonsense=1", "this is no URL of a database"),
    ],
)
def test_who_cannot_connect_is_told_what_to_do(cluster: Cluster, url: str, text: str) -> None:
    """Without the password."""
    if "guarded" in url:
        cluster.guard("guarded", "right")
    with pytest.raises(StoreError, match=text) as raised:
        opened(Database(url.format(here=f"127.0.0.1:{cluster.port}")))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        (["CREATE SCHEMA parking_mock"], "its schema parking_mock is another program's: name another database"),
        (["CREATE SCHEMA parking_mock", "CREATE TABLE parking_mock.store (name text)"], "is another program's"),
        (
            ["CREATE SCHEMA parking_mock", "CREATE TABLE parking_mock.store AS SELECT 99 AS version"],
            "it was written by a later version: use that, or another database",
        ),
        (
            ["ALTER ROLE CURRENT_USER IN DATABASE {name} SET default_transaction_read_only = on"],
            "it may not be written",
        ),
    ],
)
def test_a_database_that_cannot_be_used_says_why(
    database: Database, statements: list[LiteralString], text: str
) -> None:
    """At the start."""
    name = database.url.rpartition("/")[2]
    with connected(database.url) as connection:
        for statement in statements:
            connection.execute(statement.replace("{name}", name).encode())
    with pytest.raises(StoreError, match=text):
        opened(database)


def test_a_user_without_rights_is_told(cluster: Cluster, database: Database) -> None:
    """Which one is lacking."""
    cluster.guard("weak", "right")
    with pytest.raises(StoreError, match="its user lacks a right: GRANT CREATE ON DATABASE"):
        opened(Database(database.url.replace("parking@", "weak:right@")))


FULL = """
CREATE FUNCTION parking_mock.full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON parking_mock.rows EXECUTE FUNCTION parking_mock.full();
"""


@pytest.mark.parametrize(
    ("away", "back", "text"),
    [
        (FULL, "DROP FUNCTION parking_mock.full() CASCADE", "the disk of the database is full: make room"),
        (
            "ALTER TABLE parking_mock.rows RENAME TO hidden",
            "ALTER TABLE parking_mock.hidden RENAME TO rows",
            "relation",
        ),
    ],
)
def test_what_fails_later_is_told_and_works_again(
    database: Database, away: LiteralString, back: LiteralString, text: str
) -> None:
    """Nothing of a change that failed is there, and the same works once it can."""
    store = opened(database)
    store.write([ONE])
    change = ProjectChanges("one", "later", put=[StoredRow("devices", "1", "{}")])
    done(database, away)
    for _ in range(2):
        with pytest.raises(StoreError, match=text):
            store.write([change])
    done(database, back)
    assert [each.moment for each in store.projects()] == ["{}"]
    store.write([change])
    assert [(each.moment, len(each.rows)) for each in store.projects()] == [("later", 1)]
    store.close()


def test_a_database_that_goes_away_is_found_again(
    cluster: Cluster, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the next write, without a restart. Between two attempts to connect callers are told of the last one."""
    store = opened(database)
    store.write([ONE])
    cluster.shut(database)
    with pytest.raises(StoreError, match="the connection is lost: it goes on by itself"):
        store.write([ProjectChanges("one", "later")])
    with pytest.raises(StoreError, match="not currently accepting connections"):
        store.write([ProjectChanges("one", "later")])
    cluster.open_again(database)
    monkeypatch.setattr(postgresql_session, "AGAIN_S", 60)
    with pytest.raises(StoreError, match="not currently accepting connections"):
        store.write([ProjectChanges("one", "later")])
    monkeypatch.setattr(postgresql_session, "AGAIN_S", 0)
    store.write([ProjectChanges("one", "later")])
    assert [each.moment for each in store.projects()] == ["later"]
    store.close()


def test_a_database_that_says_nothing_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server must not stand still with it."""
    monkeypatch.setattr(postgresql_session, "SILENCE_S", 0.05)
    session = PostgresSession(database)
    with pytest.raises(StoreError, match=r"the connection is lost: .*\(no answer in 0.05 s\)"):
        session.run("SELECT pg_sleep(20)")
    assert session.run("SELECT 1") == [(1,)]
    session.close()


def test_a_transaction_that_waits_for_its_server_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is paused in the middle of one keeps its projects from nobody."""
    store = opened(database)
    store.write([ONE])
    monkeypatch.setattr(postgresql_session, "_SETTINGS", postgresql_session._SETTINGS.replace("5000", "20"))
    session = PostgresSession(database)
    with session.use() as paused:
        paused.execute("BEGIN")
        paused.execute("SELECT FROM projects FOR UPDATE")
        store.write([ProjectChanges("one", "later")])
        assert [each.moment for each in store.projects()] == ["later"]
    session.close()
    store.close()


def test_what_another_server_has_is_not_written(database: Database) -> None:
    """Neither changed nor removed, nor made anew: it says whose projects are lost, and all of the change fails."""
    one, other = opened(database), opened(database)
    one.write([ONE, ProjectChanges("mine", "{}", about="{}")])
    one.free(["one"])
    assert other.take("one") is not None
    for changes in (ProjectChanges("one", "late"), ProjectChanges("one", "late", about="late")):
        with pytest.raises(ProjectsLostError, match="another server has taken over: one"):
            one.write([ProjectChanges("mine", "late"), changes])
    one.write([], ["one"])
    assert [(each.access_id, each.moment) for each in one.projects()] == [("mine", "{}"), ("one", "{}")]
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host:1/lots", "postgresql://me@host:1/lots"),
        (
            "postgresql:///lots?user=me&password=secret&sslpassword=secret",
            "postgresql:///lots?user=me&password=...&sslpassword=...",
        ),
        ("postgresql://me:se@cret@host/lots", "postgresql://me@host/lots"),
        ("postgresql://me@host/a:b@c", "postgresql://me@host/a:b@c"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    """Wherever a URL has it."""
    assert Database(url).shown == shown
