"""The state of a server's projects in one SQLite file.

The file has no index to count by: counting is the memory's. It has one row of text for each row of a project's state,
one for each line of its history, one for each checkpoint, and what the project is made from.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mock_server.state.store import ProjectChanges, StoredProject, StoredRow, StoreError, Sync

APPLICATION_ID = 0x70_6B_6D_6B
"""The mark of our files (SQLite's own field for it): "pkmk" in ASCII."""

VERSION = 2
"""Raised when the tables change; a file of an earlier version is then brought forward when it is opened."""

_TABLES = """
CREATE TABLE projects (access_id TEXT PRIMARY KEY, about TEXT NOT NULL, moment TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (access_id TEXT, name TEXT, key TEXT, value TEXT NOT NULL,
                   PRIMARY KEY (access_id, name, key));
CREATE TABLE lines (access_id TEXT, seq INTEGER, entry TEXT NOT NULL, PRIMARY KEY (access_id, seq)) WITHOUT ROWID;
"""

_CHECKPOINTS = """
CREATE TABLE checkpoints (access_id TEXT, name TEXT, moment TEXT NOT NULL, PRIMARY KEY (access_id, name));
"""

_STEPS = {0: _TABLES, 1: _CHECKPOINTS}
"""What brings a file to the next version, by the version that it has; 0 is an empty one."""

CHECKPOINT_AFTER = 1_000
"""How many rows and lines are written before the file takes over what its journal has (SQLite's own: 1,000 pages)."""

_ROWS = "SELECT name, key, value FROM rows WHERE access_id = ? ORDER BY rowid"
_PUT = "INSERT INTO rows VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DROP = "DELETE FROM rows WHERE access_id = ? AND name = ? AND key = ?"
_CHECKPOINTS_OF = "SELECT name, moment FROM checkpoints WHERE access_id = ? ORDER BY rowid"
_KEEP = "INSERT INTO checkpoints VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moment = excluded.moment"
_FORGET = "DELETE FROM checkpoints WHERE access_id = ? AND name = ?"

_STATE = ("projects", "rows", "lines")
"""The tables of what a project is; its checkpoints are beside it."""


class SqliteStore:
    """An open file. StoreError if it cannot be opened, is none of ours, or another server has it."""

    def __init__(self, path: Path, sync: Sync = "normal") -> None:
        self.path = path
        self.checkpoint_after = CHECKPOINT_AFTER
        self._written = 0
        try:
            path.touch(mode=0o600)  # secrets and tokens are in it
        except OSError as error:
            raise self._error(_ADVICE["SQLITE_CANTOPEN"]) from error
        with self._errors():
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._open(sync)
            except BaseException:
                self._db.close()
                raise

    def _open(self, sync: Sync) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        mark, version = map(self._pragma, ("application_id", "user_version"))
        is_empty = not self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if mark != APPLICATION_ID and not is_empty:
            raise self._error("it is another program's database: name a file of its own")
        if version > VERSION:
            raise self._error("it was written by a later version: use that, or another file")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA wal_autocheckpoint = 0")  # it would be silent about a disk that fails
        self._db.execute(f"PRAGMA synchronous = {sync}")
        with self._transaction():
            for step in range(0 if is_empty else version, VERSION):
                for statement in _STEPS[step].split(";")[:-1]:
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def projects(self) -> Iterator[StoredProject]:
        """Every project, in the order of their access ids; its rows in the order of their coming."""
        with self._errors():
            kept = self._db.execute("SELECT access_id, about, moment FROM projects ORDER BY access_id").fetchall()
            for access_id, about, moment in kept:
                rows = self._db.execute(_ROWS, (access_id,))
                lines = self._db.execute("SELECT entry FROM lines WHERE access_id = ? ORDER BY seq", (access_id,))
                found = tuple(StoredRow(*row) for row in rows)
                told = tuple(line for (line,) in lines)
                checkpoints = tuple(self._db.execute(_CHECKPOINTS_OF, (access_id,)))
                yield StoredProject(access_id, about, moment, found, told, checkpoints)

    def write(self, changed: Sequence[ProjectChanges], removed: Sequence[str] = ()) -> None:
        """Keep all of these changes or none."""
        with self._errors(), self._transaction():
            for access_id in removed:
                self._forget(access_id, (*_STATE, "checkpoints"))
            for access_id in (each.access_id for each in changed if each.about is not None):
                self._forget(access_id, _STATE)
            for each in changed:
                self._write(each)
        self._checkpoint(sum(1 + len(each.put) + len(each.gone) + len(each.lines) for each in changed))

    def _checkpoint(self, written: int) -> None:
        """Let the file take over what its journal has, now and then. StoreError if it cannot: the journal has it still.

        With the promise `normal` this alone waits for the disk, so that nothing else would tell of one that fails.
        """
        self._written += written
        if self._written >= self.checkpoint_after:
            with self._errors():
                self._db.execute("PRAGMA wal_checkpoint").fetchone()
            self._written = 0

    def _forget(self, access_id: str, tables: Iterable[str]) -> None:
        for table in tables:
            self._db.execute(f"DELETE FROM {table} WHERE access_id = ?", (access_id,))  # noqa: S608 our own names

    def _write(self, changes: ProjectChanges) -> None:
        own = changes.access_id
        if changes.about is not None:
            self._db.execute("INSERT INTO projects VALUES (?, ?, ?)", (own, changes.about, changes.moment))
        else:
            self._db.execute("UPDATE projects SET moment = ? WHERE access_id = ?", (changes.moment, own))
        self._db.executemany(_DROP, ((own, *key) for key in changes.gone))
        self._db.executemany(_PUT, ((own, *row) for row in changes.put))
        self._db.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?, ?)", ((own, *line) for line in changes.lines))
        if changes.dropped:
            self._db.execute("DELETE FROM lines WHERE access_id = ? AND seq <= ?", (own, changes.dropped))
        self._db.executemany(_FORGET, ((own, name) for name in changes.forgotten))
        self._db.executemany(_KEEP, ((own, *checkpoint) for checkpoint in changes.checkpoints))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _error(self, text: str) -> StoreError:
        return StoreError(f"cannot use the store {self.path}: {text}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._error(_advice(error)) from error


_ADVICE = {
    "SQLITE_BUSY": "another server has it open: stop that one, or name another file",
    "SQLITE_CANTOPEN": "it cannot be opened: is its folder there, and may you write in it?",
    "SQLITE_CORRUPT": "it is damaged: restore a copy, or name another file",
    "SQLITE_FULL": "the disk is full: make room, and it goes on by itself",
    "SQLITE_IOERR": "the disk fails: see the machine's log; it goes on by itself when the disk does",
    "SQLITE_NOMEM": "there is no memory left: stop something, and it goes on by itself",
    "SQLITE_NOTADB": "it is no database: name another file",
    "SQLITE_READONLY": "it may not be written: change its permissions, or name another file",
}


def _advice(error: sqlite3.Error) -> str:
    """What went wrong, and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    return next((text for code, text in _ADVICE.items() if name.startswith(code)), f"{error} ({name or 'SQLite'})")
