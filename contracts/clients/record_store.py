"""What a client must not forget: the records, each once, the cells that it asks about, and how far it has planned."""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from contracts.client.interface import DumpedRecord, Effect

NO_DIRECTION = -1
"""What stands for the direction of bills: NULL is never equal to NULL in a key."""

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS records (
    device_id TEXT, data_type INTEGER, record_id TEXT, direction INTEGER, event_ms INTEGER, content TEXT,
    PRIMARY KEY (device_id, data_type, record_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_time ON records (device_id, data_type, direction, event_ms);
CREATE TABLE IF NOT EXISTS cells (
    device_id TEXT, data_type INTEGER, direction INTEGER, start_ms INTEGER, end_ms INTEGER,
    due_ms INTEGER, asked_ms INTEGER DEFAULT 0, heard_ms INTEGER DEFAULT 0, told INTEGER DEFAULT -1,
    silent INTEGER DEFAULT 0, fruitless INTEGER DEFAULT 0, visited INTEGER DEFAULT 0, sn TEXT DEFAULT '',
    PRIMARY KEY (device_id, data_type, direction, start_ms)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cells_by_due ON cells (due_ms);
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
    """A cell that the client asks about, and what it knows of it.

    `silent` asks in a row told the same count and heard nothing; `fruitless` ones told the same and heard a re-report.
    """

    device_id: str
    data_type: int
    direction: int
    start_ms: int
    end_ms: int
    due_ms: int | None
    asked_ms: int
    heard_ms: int
    told: int
    silent: int
    fruitless: int
    visited: int
    sn: str


class LotRow(NamedTuple):
    """A lot: how far its windows are planned, and why it is left alone, if it is."""

    device_id: str
    planned_ms: int
    state: str
    failed: int
    retry_ms: int
    tries: int


class RecordStore:
    """A SQLite file. What is written inside `with store:` is durable when the block ends, or was never there."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(SCHEMA)

    def transaction(self) -> AbstractContextManager[object]:
        """A block that is written as a whole."""
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def keep(self, record: Stored) -> bool:
        """Keep a record; one that is there already gets its newest content. True if it was not there."""
        before = self._db.execute("SELECT count(*) FROM records").fetchone()[0]
        self._db.execute(
            """INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET direction = excluded.direction, event_ms = excluded.event_ms,
               content = excluded.content""",
            record,
        )
        return bool(self._db.execute("SELECT count(*) FROM records").fetchone()[0] > before)

    def count(self, device_id: str, data_type: int, direction: int, low_ms: int, high_ms: int) -> int:
        """How many records of a line have low <= time < high."""
        query = """SELECT count(*) FROM records WHERE device_id = ? AND data_type = ? AND direction = ?
                   AND event_ms >= ? AND event_ms < ?"""
        return int(self._db.execute(query, (device_id, data_type, direction, low_ms, high_ms)).fetchone()[0])

    def heard(self, record: Stored, now_ms: int, due_ms: int, give_up_after: int) -> None:
        """A message came for a cell that was asked about: ask again once no more come, unless that has been useless."""
        self._db.execute(
            """UPDATE cells SET heard_ms = ?, due_ms = CASE WHEN fruitless < ? THEN ? ELSE due_ms END
               WHERE device_id = ? AND data_type = ? AND direction = ? AND asked_ms > 0
               AND start_ms <= ? AND end_ms >= ?""",
            (now_ms, give_up_after, due_ms, *record[:2], record.direction, record.event_ms, record.event_ms),
        )

    def plan(self, cells: Iterable[tuple[str, int, int, int, int, int]], device_id: str, until_ms: int) -> None:
        """New cells (device, type, direction, start, end, due), and how far the lot is planned with them."""
        self._db.executemany(
            "INSERT OR IGNORE INTO cells (device_id, data_type, direction, start_ms, end_ms, due_ms)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            cells,
        )
        self._db.execute("UPDATE lots SET planned_ms = ? WHERE device_id = ?", (until_ms, device_id))

    def let_go(self, device_id: str, before_ms: int) -> None:
        """Cells of a lot that begin before a time are no longer due."""
        query = "UPDATE cells SET due_ms = NULL WHERE device_id = ? AND start_ms < ? AND due_ms IS NOT NULL"
        self._db.execute(query, (device_id, before_ms))

    def due_cells(self, device_id: str, data_type: int, now_ms: int, limit: int) -> list[CellRow]:
        """The cells to ask about now, oldest first."""
        query = """SELECT * FROM cells WHERE device_id = ? AND data_type = ? AND due_ms <= ?
                   ORDER BY start_ms, direction LIMIT ?"""
        return [CellRow(*row) for row in self._db.execute(query, (device_id, data_type, now_ms, limit))]

    def cells_between(self, device_id: str, data_type: int, start_ms: int, end_ms: int) -> list[CellRow]:
        """The cells of a span, whenever they are due."""
        query = "SELECT * FROM cells WHERE device_id = ? AND data_type = ? AND end_ms > ? AND start_ms < ?"
        return [CellRow(*row) for row in self._db.execute(query, (device_id, data_type, start_ms, end_ms))]

    def next_due_ms(self) -> int | None:
        """When the next cell is due, if its lot is not left alone."""
        query = """SELECT min(max(cells.due_ms, lots.retry_ms)) FROM cells JOIN lots USING (device_id)
                   WHERE lots.state = ''"""
        due: int | None = self._db.execute(query).fetchone()[0]
        return due

    def put_cell(self, cell: CellRow) -> None:
        """Write what is known of a cell."""
        self._db.execute(f"INSERT OR REPLACE INTO cells VALUES ({', '.join('?' * len(cell))})", cell)  # noqa: S608 marks only

    def unask(self, sn: str, due_ms: int) -> None:
        """A command did not reach the lot: its cells were not asked about."""
        self._db.execute("UPDATE cells SET silent = 0, due_ms = ? WHERE sn = ?", (due_ms, sn))

    def add_lot(self, device_id: str, planned_ms: int) -> None:
        """A lot to reconcile with, from a time on. One that is known keeps what is known of it."""
        self._db.execute("INSERT OR IGNORE INTO lots (device_id, planned_ms) VALUES (?, ?)", (device_id, planned_ms))

    def lots(self) -> list[LotRow]:
        """Every lot."""
        return [LotRow(*row) for row in self._db.execute("SELECT * FROM lots ORDER BY device_id")]

    def put_lot(self, lot: LotRow) -> None:
        """Write what is known of a lot."""
        self._db.execute("INSERT OR REPLACE INTO lots VALUES (?, ?, ?, ?, ?, ?)", lot)

    def alarm(self, at_ms: int, reason: str) -> None:
        """Tell whoever runs this client."""
        self._db.execute("INSERT INTO alarms VALUES (?, ?)", (at_ms, reason))

    def alarms(self) -> list[str]:
        """What whoever runs this client was told."""
        return [reason for (reason,) in self._db.execute("SELECT reason FROM alarms")]

    def set_aside(self, message_id: str, reason: str) -> None:
        """A message that cannot be read: kept apart, for a person to look at."""
        self._db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?)", (message_id, reason))

    def add_effect(self, kind: str, record_id: str) -> None:
        """Something is done because of a record."""
        self._db.execute("INSERT INTO effects VALUES (?, ?)", (kind, record_id))

    def effects(self) -> list[Effect]:
        """What was done, in order."""
        return [Effect(*row) for row in self._db.execute("SELECT kind, record_id FROM effects")]

    def dump(self) -> list[DumpedRecord]:
        """Every record."""
        rows = self._db.execute("SELECT device_id, data_type, record_id, direction, event_ms, content FROM records")
        return [_dumped(Stored(*row)) for row in rows]


def _dumped(record: Stored) -> DumpedRecord:
    direction = None if record.direction == NO_DIRECTION else record.direction
    return DumpedRecord(
        record.record_id, record.device_id, record.data_type, direction, record.event_ms, record.content
    )
