"""The tables of a store in PostgreSQL, which have their version as SQLite's have."""

from mock_server.state.postgresql_session import SCHEMA, PostgresConnection, PostgresSession

VERSION = 2
"""The same as of SQLite's tables; there was none before in PostgreSQL. Raised when the tables change."""

_LOCK = 0x70_6B_6D_6B
"""The number of the advisory lock under which the tables are made: several servers may start at once."""

_TABLES = """
CREATE SCHEMA parking_mock;
CREATE TABLE store (version integer NOT NULL);
CREATE TABLE servers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), url text NOT NULL DEFAULT '', until timestamptz NOT NULL
);
CREATE TABLE projects (
    access_id text PRIMARY KEY, about text NOT NULL, moment text NOT NULL,
    server uuid REFERENCES servers ON DELETE SET NULL, wanted uuid REFERENCES servers ON DELETE SET NULL
);
CREATE INDEX projects_of_a_server ON projects (server);
CREATE TABLE rows (
    access_id text, name text, key text, value text NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (access_id, name, key)
);
CREATE TABLE lines (access_id text, seq bigint, entry text NOT NULL, PRIMARY KEY (access_id, seq));
CREATE TABLE checkpoints (
    access_id text, name text, moment text NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (access_id, name)
);
"""


def prepare_schema(session: PostgresSession) -> None:
    """Make the tables if there are none. StoreError if they are another program's, or of a later version."""
    with session.use() as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        version = _version(session, connection)
        if version is None:
            connection.execute(_TABLES)
            connection.execute("INSERT INTO store VALUES (%s)", (VERSION,))
        elif version > VERSION:
            raise session.error("it was written by a later version: use that, or another database")


def _version(session: PostgresSession, connection: PostgresConnection) -> int | None:
    """The version of the tables, None if there are none."""
    ((schema, table),) = connection.execute(
        "SELECT to_regnamespace(%s) IS NOT NULL, to_regclass(%s) IS NOT NULL", (SCHEMA, f"{SCHEMA}.store")
    ).fetchall()
    if not schema:
        return None
    foreign = session.error(f"its schema {SCHEMA} is another program's: name another database")
    if not table:
        raise foreign
    found = connection.execute("SELECT * FROM store").fetchall()
    if len(found) != 1 or len(found[0]) != 1 or not isinstance(found[0][0], int):
        raise foreign
    return found[0][0]
