"""A connection to PostgreSQL that is made again when it was lost, never waits for long, and says what to do.

psycopg alone, without a layer for SQL dialects: the statements of two stores are few, and they differ where such a
layer does not help (rows in batches, leases, locks).
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.abc import PQGen

from mock_server.clock import monotonic_s
from mock_server.state.database import Database
from mock_server.state.store import StoreError

SCHEMA = "parking_mock"
"""The schema that has all our tables: the rest of the database may be anybody's."""

CONNECT_S = 3
"""Seconds in which a connection has to be made (our choice)."""

SILENCE_S = 10
"""Seconds that the database may take for an answer, before it is taken for lost (our choice)."""

AGAIN_S = 0.5
"""Seconds between two attempts to connect: between, callers are told at once that the last one failed."""

IDLE_MS = 5_000
"""How long a transaction may wait for its server, in milliseconds. The database then ends it: a server that is paused
in the middle of one must not keep others from its projects."""

LOCK_MS = 3_000
"""How long a statement may wait for a lock, in milliseconds (our choice)."""

_SETTINGS = (
    f"SET search_path = {SCHEMA}; SET idle_in_transaction_session_timeout = {IDLE_MS}; SET lock_timeout = {LOCK_MS}; "
    "SET client_min_messages = warning; "
)

Work: TypeAlias = Callable[["PostgresConnection"], None]

logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it warns of is raised here as well


class PostgresConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose answers come within `SILENCE_S`. OperationalError if one does not."""

    def wait(self, gen: PQGen[Any], *args: Any, **settings: Any) -> Any:
        """What the work has as its result."""
        return super().wait(_bounded(gen), *args, **settings)


def _bounded(work: PQGen[Any]) -> Generator[Any, Any, Any]:
    """The same work, which ends when nothing was heard of the database for too long."""
    heard = monotonic_s()
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if ready:
                heard = monotonic_s()
            elif monotonic_s() > heard + SILENCE_S:
                raise psycopg.OperationalError(f"no answer in {SILENCE_S} s")
            wanted = work.send(ready)
    except StopIteration as end:
        return end.value


class PostgresSession:
    """The connection of one thread to a database. `prepare` is called with each new one.

    StoreError from whatever fails; the connection is then another one the next time.
    """

    def __init__(self, database: Database, settings: str = "") -> None:
        self._database = database
        self._settings = _SETTINGS + settings
        self.prepare: Work = lambda _: None
        self._connection: PostgresConnection | None = None
        self._failed: tuple[float, str] | None = None

    @contextmanager
    def use(self) -> Iterator[PostgresConnection]:
        """The connection, for as long as a `with` lasts."""
        try:
            yield self._connected()
        except psycopg.Error as error:
            self.close()
            raise self.error(advice(error)) from error
        except BaseException:
            self.close()
            raise

    def run(self, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement, in a transaction of its own."""
        with self.use() as connection:
            return connection.execute(query, values).fetchall()

    def set(self, settings: str) -> None:
        """Have these settings too, now and with each new connection."""
        self._settings += settings
        with self.use() as connection:
            connection.execute(settings.encode())

    def error(self, text: str) -> StoreError:
        """The error that says which store it is."""
        return StoreError(f"cannot use the store {self._database.shown}: {text}")

    def close(self) -> None:
        """Close the connection; the next use makes another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> PostgresConnection:
        if self._connection is None:
            if self._failed is not None and monotonic_s() < self._failed[0] + AGAIN_S:
                raise self.error(self._failed[1])
            self._failed = None
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> PostgresConnection:
        try:
            made = PostgresConnection.connect(self._database.url, autocommit=True, connect_timeout=CONNECT_S)
        except psycopg.Error as error:
            self._failed = (monotonic_s(), connecting_advice(error))
            raise self.error(self._failed[1]) from error
        try:
            made.execute(self._settings.encode())
            self.prepare(made)
        except BaseException:
            made.close()
            raise
        return made


_ADVICE = {
    "25006": "it may not be written: name the primary server and not a standby, or let it be written",
    "42501": f"its user lacks a right: GRANT CREATE ON DATABASE, or the rights on the schema {SCHEMA}",
    "53100": "the disk of the database is full: make room, and it goes on by itself",
    "53200": "the database has no memory left: give it more, and it goes on by itself",
    "55P03": "another session holds a lock on it: it is tried again; if that stays so, end the session",
    "57014": "the database has cancelled the work: it is tried again",
}
"""What to do by the beginning of a SQLSTATE."""

_ENDED = ("08", "25P03", "57P")
"""The beginnings of the SQLSTATEs that end a connection."""

_LOST = "the connection is lost: it goes on by itself once the database can be reached again"

_REFUSED = {
    "password authentication failed": "the database refuses the password: put the right one into the URL, PGPASSWORD or"
    " ~/.pgpass",
    "no password supplied": "the database wants a password: put it into the URL, PGPASSWORD or ~/.pgpass",
    "no pg_hba.conf entry": "the database lets nobody in from here: add a line to its pg_hba.conf",
    "database": "there is no such database: createdb makes it",
    "role": "there is no such user: createuser makes it, or name another one in the URL",
    "too many clients": "the database has too many connections: end some, and it goes on by itself",
    "remaining connection slots": "the database has too many connections: end some, and it goes on by itself",
    "starting up": "the database starts: it goes on by itself once it has",
    "shutting down": "the database stops: it goes on by itself once it is started again",
    "could not translate host": "there is no such host: look at the URL",
    "failed to resolve host": "there is no such host: look at the URL",
}
"""What to do by what PostgreSQL says when it lets nobody in: libpq gives its words only, and no SQLSTATE."""


def advice(error: psycopg.Error) -> str:
    """What went wrong with a connection that was there, and what to do."""
    state = error.sqlstate or ""
    if known := _ADVICE.get(state):
        return known
    text = _first_line(error)
    return f"{_LOST} ({text})" if not state or state.startswith(_ENDED) else f"{text} (SQLSTATE {state})"


def connecting_advice(error: psycopg.Error) -> str:
    """Why no connection can be made, and what to do."""
    if isinstance(error, psycopg.ProgrammingError):
        return "this is no URL of a database: use postgresql://USER@HOST:PORT/NAME"
    text = str(error)
    refused = next((todo for said, todo in _REFUSED.items() if _says(text, said)), None)
    return refused or f"the database does not answer: is it started, and is the URL right? ({_first_line(error)})"


def _says(text: str, said: str) -> bool:
    return f'{said} "' in text and "does not exist" in text if said in ("database", "role") else said in text


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
