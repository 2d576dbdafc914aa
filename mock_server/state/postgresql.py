"""The state of projects in a PostgreSQL database, which several servers may share.

A project belongs to one server at a time, and only that one writes it: each transaction locks the rows of its projects
in `projects`, and ends if one of them is another server's. So a server that was paused for longer than its lease can
change nothing of what another one has taken over, whatever it believes.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from mock_server.state.database import Database
from mock_server.state.lease import LEASE_S, Lease, channel_of
from mock_server.state.postgresql_schema import prepare_schema
from mock_server.state.postgresql_session import PostgresConnection, PostgresSession
from mock_server.state.store import (
    HeldElsewhereError,
    ProjectChanges,
    ProjectsLostError,
    StoredProject,
    StoredRow,
    Sync,
)

T = TypeVar("T")

_SYNC = {"off": "off", "normal": "local", "full": "on"}
"""`synchronous_commit` for each promise. PostgreSQL loses the last commits at most: it damages nothing."""

_BATCH = 2_000
"""Rows in one statement: the database is to answer within a second or two."""

_CLAIM = (
    "INSERT INTO projects (access_id, about, moment, server) VALUES (%s, '', '', %s) ON CONFLICT (access_id) DO NOTHING"
)
_HELD = "SELECT access_id FROM projects WHERE access_id = ANY(%s) AND server = %s ORDER BY access_id FOR UPDATE"
_MOMENT = "UPDATE projects SET moment = %s, about = coalesce(%s, about) WHERE access_id = %s"
_DROP = (
    "DELETE FROM rows USING unnest(%s::text[], %s::text[]) AS gone (name, key) "
    "WHERE rows.access_id = %s AND rows.name = gone.name AND rows.key = gone.key"
)
_PUT = (
    "INSERT INTO rows (name, key, value, access_id) SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[]) "
    "ON CONFLICT (access_id, name, key) DO UPDATE SET value = excluded.value"
)
_LINES = (
    "INSERT INTO lines (seq, entry, access_id) SELECT *, %s FROM unnest(%s::bigint[], %s::text[]) "
    "ON CONFLICT (access_id, seq) DO UPDATE SET entry = excluded.entry"
)
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity, projects JOIN servers ON servers.id = projects.server "
    "WHERE access_id = %s AND until <= clock_timestamp() AND application_name = 'parking-mock ' || servers.id::text"
)
"""Ends the connections of a dead server: one that is paused in the middle of a transaction holds locks."""

_KEEP = (
    "INSERT INTO checkpoints (access_id, name, moment) VALUES (%s, %s, %s) "
    "ON CONFLICT (access_id, name) DO UPDATE SET moment = excluded.moment"
)
_TAKE = (
    "UPDATE projects SET server = %(own)s, wanted = NULL WHERE access_id = %(project)s AND (server IS NULL "
    "OR server = %(own)s OR NOT EXISTS (SELECT FROM servers WHERE id = projects.server AND until > clock_timestamp())) "
    "RETURNING true"
)
_WANT = (
    "UPDATE projects SET wanted = coalesce(%s::uuid, wanted) FROM servers "
    "WHERE access_id = %s AND servers.id = projects.server RETURNING servers.id::text, servers.url"
)
_FREE = (
    "UPDATE projects SET wanted = NULL, server = "
    "(SELECT id FROM servers WHERE id = projects.wanted AND until > clock_timestamp()) "
    "WHERE access_id = ANY(%s) AND server = %s"
)


class PostgresStore:
    """The database as one server uses it. StoreError if it cannot be used."""

    def __init__(self, database: Database, sync: Sync = "normal") -> None:
        self._session = PostgresSession(database, f"SET synchronous_commit = {_SYNC[sync]}; ")
        prepare_schema(self._session)
        ((self.server,),) = self._session.run(
            "INSERT INTO servers (until) VALUES (clock_timestamp() + make_interval(secs => %s)) RETURNING id::text",
            LEASE_S,
        )
        named = f"SET application_name = 'parking-mock {self.server}'; "
        self._session.set(named)
        self.lease = Lease(PostgresSession(database, named), self.server)

    def projects(self) -> Iterator[StoredProject]:
        """Every project, whosever it is, in the order of their access ids; its rows in the order of their coming."""
        for access_id in self.access_ids():
            found = self.project(access_id)
            if found is not None:
                yield found

    def access_ids(self) -> list[str]:
        """The access ids of every project, whosever it is."""
        return [access_id for (access_id,) in self._session.run("SELECT access_id FROM projects ORDER BY access_id")]

    def project(self, access_id: str) -> StoredProject | None:
        """A project, whosever it is, as it is kept; None if there is none."""
        with self._session.use() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return _read(connection, access_id)

    def take(self, access_id: str, *, wants: bool = True) -> StoredProject | None:
        """A project that is this server's from now on; None if there is none.

        HeldElsewhereError if another server that lives has it, which is told if it is wanted here.
        """
        values = {"own": self.server, "project": access_id}
        self._session.run(_END, access_id)
        with self._session.use() as connection, connection.transaction():
            if connection.execute(_TAKE, values).fetchone():
                return _read(connection, access_id)
            holder = connection.execute(_WANT, (self.server if wants else None, access_id)).fetchone()
            if holder is None:
                return None
            if wants:
                connection.execute("SELECT pg_notify(%s, %s)", (channel_of(holder[0]), access_id))
        raise HeldElsewhereError(access_id, holder[1])

    def free(self, access_ids: Sequence[str]) -> None:
        """Let the servers that want these projects have them, and any server those that nobody wants.

        They are not anybody's before: a consumer that comes here again meanwhile would have them stay.
        """
        with self._session.use() as connection:
            connection.execute(_FREE, (list(access_ids), self.server))

    def held(self) -> set[str]:
        """The projects that are this server's, whose lease begins anew. Its connections may have been ended."""
        self._session.close()
        self.lease.renew(self._session)
        rows = self._session.run("SELECT access_id FROM projects WHERE server = %s", self.server)
        return {access_id for (access_id,) in rows}

    def write(self, changed: Sequence[ProjectChanges], removed: Sequence[str] = ()) -> None:
        """Keep all of these changes or none. ProjectsLostError if some of the projects are another server's."""
        wanted = [each.access_id for each in changed]
        anew = [each.access_id for each in changed if each.about is not None]
        with self._session.use() as connection:
            held = self._locked(connection, [*wanted, *removed], anew)
            lost = [access_id for access_id in wanted if access_id not in held]
            with connection.pipeline():
                if not lost:
                    _write(connection, changed, [access_id for access_id in removed if access_id in held])
                connection.execute("ROLLBACK" if lost else "COMMIT")
        if lost:
            raise ProjectsLostError(lost)

    def _locked(self, connection: PostgresConnection, access_ids: list[str], anew: list[str]) -> set[str]:
        """Begin a transaction and lock the projects that are this server's; those that are new are from now on."""
        with connection.pipeline():
            connection.execute("BEGIN")
            for access_id in anew:
                connection.execute(_CLAIM, (access_id, self.server))
            locked = connection.execute(_HELD, (access_ids, self.server))
        return {access_id for (access_id,) in locked}

    def close(self) -> None:
        """Let go of every project, and of the database."""
        self.lease.close(self._session)
        try:
            with self._session.use() as connection:
                connection.execute("DELETE FROM servers WHERE id = %s", (self.server,))
        finally:
            self._session.close()


def _read(connection: PostgresConnection, access_id: str) -> StoredProject | None:
    found = connection.execute("SELECT about, moment FROM projects WHERE access_id = %s", (access_id,)).fetchone()
    if found is None:
        return None
    about, moment = found
    rows = connection.execute("SELECT name, key, value FROM rows WHERE access_id = %s ORDER BY place", (access_id,))
    lines = connection.execute("SELECT entry FROM lines WHERE access_id = %s ORDER BY seq", (access_id,))
    named = connection.execute(
        "SELECT name, moment FROM checkpoints WHERE access_id = %s ORDER BY place", (access_id,)
    ).fetchall()
    kept = tuple(StoredRow(*row) for row in rows)
    checkpoints = tuple((name, kept_moment) for name, kept_moment in named)
    return StoredProject(access_id, about, moment, kept, tuple(line for (line,) in lines), checkpoints)


def _write(connection: PostgresConnection, changed: Sequence[ProjectChanges], removed: Sequence[str]) -> None:
    anew = {each.access_id for each in changed if each.about is not None}
    if gone := list(anew.union(removed)):
        connection.execute("DELETE FROM rows WHERE access_id = ANY(%s)", (gone,))
        connection.execute("DELETE FROM lines WHERE access_id = ANY(%s)", (gone,))
    if removed:
        connection.execute("DELETE FROM checkpoints WHERE access_id = ANY(%s)", (list(removed),))
        connection.execute(
            "DELETE FROM projects WHERE access_id = ANY(%s)", ([each for each in removed if each not in anew],)
        )
    for each in changed:
        _write_project(connection, each)


def _write_project(connection: PostgresConnection, changes: ProjectChanges) -> None:
    own = changes.access_id
    connection.execute(_MOMENT, (changes.moment, changes.about, own))
    for batch in _batches(changes.gone):
        connection.execute(_DROP, (*_columns(batch), own))
    for rows in _batches(changes.put):
        connection.execute(_PUT, (own, *_columns(rows)))
    for lines in _batches(changes.lines):
        connection.execute(_LINES, (own, *_columns(lines)))
    for name in changes.forgotten:
        connection.execute("DELETE FROM checkpoints WHERE access_id = %s AND name = %s", (own, name))
    for name, moment in changes.checkpoints:
        connection.execute(_KEEP, (own, name, moment))
    if changes.dropped:
        connection.execute("DELETE FROM lines WHERE access_id = %s AND seq <= %s", (own, changes.dropped))


def _batches(values: Sequence[T]) -> Iterator[list[T]]:
    each = iter(values)
    while batch := list(islice(each, _BATCH)):
        yield batch


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
    return map(list, zip(*rows, strict=True))
