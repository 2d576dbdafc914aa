"""The durable state of the reference client: each record once, the cells that it asks about, its progress per lot."""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from contracts.client.interface import DumpedRecord, Effect

NO_DIRECTION = -1
"""Stored as the direction of bills. NULL would not do: in a key NULL is never equal to NULL."""

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS records (
    device_id TEXT, data_type INTEGER, record_id TEXT, direction INTEGER, event_ms INTEGER, content TEXT,
    PRIMARY KEY (device_id, data_type, record_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_time ON records (device_id, data_type, direction, event_ms);
CREATE TABLE IF NOT EXISTS cells (
    device_id TEXT, data_type INTEGER, direction INTEGER, start_ms INTEGER, end_ms INTEGER,
    due_ms INTEGER, asked_ms INTEGER DEFAULT 0, heard_ms INTEGER DEFAULT 0, claimed INTEGER DEFAULT -1,
    silent INTEGER DEFAULT 0, fruitless INTEGER DEFAULT 0, visited INTEGER DEFAULT 0, sn TEXT DEFAULT '',
    PRIMARY KEY (device_id, data_type, direction, start_ms)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cells_by_due ON cells (device_id, due_ms);
CREATE TABLE IF NOT EXISTS lots (
    device_id TEXT PRIMARY KEY, planned_ms INTEGER, state TEXT DEFAULT '', failed INTEGER DEFAULT 0,
    retry_ms INTEGER DEFAULT 0, tries INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS effects (kind TEXT, record_id TEXT);
CREATE TABLE IF NOT EXISTS quarantine (message_id TEXT PRIMARY KEY, reason TEXT);
CREATE TABLE IF NOT EXISTS alarms (at_ms INTEGER, reason TEXT);
"""


class Stored(NamedTuple):
    """A record as it is stored. `direction` is NO_DIRECTION for bills."""

    device_id: str
    data_type: int
    record_id: str
    direction: int
    event_ms: int
    content: str


class CellRow(NamedTuple):
    """A cell that the client asks about, with the state of asking.

    Times are epoch milliseconds: `due_ms` of the next ask (None: no more), `asked_ms` of the last one, `heard_ms` of
    the last message since then (0: none). `claimed` is the last count, -1 before the first ask. `silent` is the number
    of asks in a row with the same count and no message after; `fruitless` of those with the same count and a re-report.
    """

    device_id: str
    data_type: int
    direction: int
    start_ms: int
    end_ms: int
    due_ms: int | None
    asked_ms: int
    heard_ms: int
    claimed: int
    silent: int
    fruitless: int
    visited: int
    sn: str


class LotRow(NamedTuple):
    """A lot: its windows are planned up to `planned_ms`; it is not asked before `retry_ms`, nor ever with a `state`."""

    device_id: str
    planned_ms: int
    state: str
    failed: int
    retry_ms: int
    tries: int


class RecordStore:
    """A SQLite file. What is written inside `with store.transaction():` is durable when the block ends, as a whole."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(SCHEMA)

    def transaction(self) -> AbstractContextManager[object]:
        """A context manager: commits at the end of the block, rolls back on an exception."""
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def has(self, record: Stored) -> bool:
        """Whether a record with its device, type and id is stored."""
        query = "SELECT 1 FROM records WHERE device_id = ? AND data_type = ? AND record_id = ?"
        return self._db.execute(query, record[:3]).fetchone() is not None

    def keep(self, record: Stored) -> bool:
        """Insert a record, or replace the content of the one with its id. True if it is new."""
        is_new = not self.has(record)
        self._db.execute(
            """INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET direction = excluded.direction, event_ms = excluded.event_ms,
               content = excluded.content""",
            record,
        )
        return is_new

    def count(self, device_id: str, data_type: int, direction: int, low_ms: int, high_ms: int) -> int:
        """The number of records of a lot, data type and direction with low_ms <= event time < high_ms."""
        query = """SELECT count(*) FROM records WHERE device_id = ? AND data_type = ? AND direction = ?
                   AND event_ms >= ? AND event_ms < ?"""
        return int(self._db.execute(query, (device_id, data_type, direction, low_ms, high_ms)).fetchone()[0])

    def heard(self, record: Stored, now_ms: int, due_ms: int, give_up_after: int) -> None:
        """Note a message for a cell that was asked about, and make the cell due at `due_ms`.

        A cell with `give_up_after` fruitless asks or more keeps its due time.
        """
        self._db.execute(
            """UPDATE cells SET heard_ms = ?, due_ms = CASE WHEN fruitless < ? THEN ? ELSE due_ms END
               WHERE device_id = ? AND data_type = ? AND direction = ? AND asked_ms > 0
               AND start_ms <= ? AND end_ms >= ?""",
            (now_ms, give_up_after, due_ms, *record[:2], record.direction, record.event_ms, record.event_ms),
        )

    def plan(self, cells: Iterable[tuple[str, int, int, int, int, int]], device_id: str, until_ms: int) -> None:
        """Insert new cells (device, type, direction, start, end, due), and set up to where the lot is planned."""
        self._db.executemany(
            "INSERT OR IGNORE INTO cells (device_id, data_type, direction, start_ms, end_ms, due_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            cells,
        )
        self._db.execute("UPDATE lots SET planned_ms = ? WHERE device_id = ?", (until_ms, device_id))

    def stop_asking(self, device_id: str, before_ms: int) -> None:
        """Make the cells of a lot that start before a time no longer due."""
        query = "UPDATE cells SET due_ms = NULL WHERE device_id = ? AND start_ms < ? AND due_ms IS NOT NULL"
        self._db.execute(query, (device_id, before_ms))

    def due_cells(self, device_id: str, data_type: int, now_ms: int, limit: int) -> list[CellRow]:
        """At most `limit` cells that are due now, oldest first."""
        query = """SELECT * FROM cells WHERE device_id = ? AND data_type = ? AND due_ms <= ?
                   ORDER BY start_ms, direction LIMIT ?"""
        return [CellRow(*row) for row in self._db.execute(query, (device_id, data_type, now_ms, limit))]

    def cells_between(self, device_id: str, data_type: int, start_ms: int, end_ms: int) -> list[CellRow]:
        """The cells that overlap [start_ms, end_ms), due or not."""
        query = "SELECT * FROM cells WHERE device_id = ? AND data_type = ? AND end_ms > ? AND start_ms < ?"
        return [CellRow(*row) for row in self._db.execute(query, (device_id, data_type, start_ms, end_ms))]

    def next_due_ms(self) -> int | None:
        """When the next cell of a lot without a state is due; None if no cell is."""
        query = """SELECT min(max((SELECT min(due_ms) FROM cells WHERE cells.device_id = lots.device_id), retry_ms))
                   FROM lots WHERE state = ''"""
        due: int | None = self._db.execute(query).fetchone()[0]
        return due

    def put_cell(self, cell: CellRow) -> None:
        """Insert or replace a cell."""
        self._db.execute(f"INSERT OR REPLACE INTO cells VALUES ({', '.join('?' * len(cell))})", cell)  # noqa: S608 marks only

    def unask(self, sn: str, due_ms: int) -> None:
        """Make the cells of a command that did not succeed due again: they were not asked about."""
        self._db.execute("UPDATE cells SET silent = 0, due_ms = ? WHERE sn = ?", (due_ms, sn))

    def add_lot(self, device_id: str, planned_ms: int) -> None:
        """Add a lot to reconcile with from a time on. A lot that is known stays as it is."""
        self._db.execute("INSERT OR IGNORE INTO lots (device_id, planned_ms) VALUES (?, ?)", (device_id, planned_ms))

    def lots(self) -> list[LotRow]:
        """Every lot, by device id."""
        return [LotRow(*row) for row in self._db.execute("SELECT * FROM lots ORDER BY device_id")]

    def put_lot(self, lot: LotRow) -> None:
        """Insert or replace a lot."""
        self._db.execute("INSERT OR REPLACE INTO lots VALUES (?, ?, ?, ?, ?, ?)", lot)

    def alarm(self, at_ms: int, reason: str) -> None:
        """Raise an alarm for the operator of this client."""
        self._db.execute("INSERT INTO alarms VALUES (?, ?)", (at_ms, reason))

    def alarms(self) -> list[str]:
        """The alarms that were raised."""
        return [reason for (reason,) in self._db.execute("SELECT reason FROM alarms")]

    def set_aside(self, message_id: str, reason: str) -> None:
        """Put a message that cannot be read into quarantine, for a person to look at."""
        self._db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?)", (message_id, reason))

    def add_effect(self, kind: str, record_id: str) -> None:
        """Note an effect of a record."""
        self._db.execute("INSERT INTO effects VALUES (?, ?)", (kind, record_id))

    def effects(self) -> list[Effect]:
        """The effects, in order."""
        return [Effect(*row) for row in self._db.execute("SELECT kind, record_id FROM effects")]

    def dump(self) -> list[DumpedRecord]:
        """Every record that is stored."""
        rows = self._db.execute("SELECT device_id, data_type, record_id, direction, event_ms, content FROM records")
        return [_dumped(Stored(*row)) for row in rows]


def _dumped(record: Stored) -> DumpedRecord:
    direction = None if record.direction == NO_DIRECTION else record.direction
    return DumpedRecord(
        record.record_id, record.device_id, record.data_type, direction, record.event_ms, record.content
    )
