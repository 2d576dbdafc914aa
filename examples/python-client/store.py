"""What must outlive a crash, in SQLite: records, each once; cells, which are hours of a lot's line; lots."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

BILL = 1
NO_DIRECTION = -1


class Record(NamedTuple):
    """A vehicle pass or a bill. Its id makes it the same record, whatever message brings it."""

    device_id: str
    type: int
    record_id: str
    direction: int
    at: int
    content: str


class Cell(NamedTuple):
    """An hour of a lot's line, and what is known of it. `told` is the last count, -1 if none was told."""

    device_id: str
    type: int
    direction: int
    start: int
    end: int
    due: int | None
    told: int = -1
    heard: int = 0
    silent: int = 0
    fruitless: int = 0
    visited: int = 0
    sn: str = ""


class Lot(NamedTuple):
    """A lot, how far its hours are planned, and why it is left alone, if it is."""

    device_id: str
    planned: int
    turn: int
    state: str = ""
    failed: int = 0
    tries: int = 0
    retry_at: int = 0


CELLS = """
    CREATE TABLE IF NOT EXISTS cells (
        device_id TEXT, type INT, direction INT, start INT, end INT, due INT, told INT, heard INT, silent INT,
        fruitless INT, visited INT, sn TEXT, PRIMARY KEY (device_id, type, direction, start)
    )
"""
LOTS = """
    CREATE TABLE IF NOT EXISTS lots (
        device_id TEXT PRIMARY KEY, planned INT, turn INT, state TEXT, failed INT, tries INT, retry_at INT
    )
"""


QUARANTINE = "CREATE TABLE IF NOT EXISTS quarantine (message_id TEXT PRIMARY KEY, payload TEXT)"


class Store:
    """The file. `with store.db:` makes a change as a whole."""

    records = """
        CREATE TABLE IF NOT EXISTS records (
            device_id TEXT, type INT, record_id TEXT, direction INT, at INT, content TEXT,
            PRIMARY KEY (device_id, type, record_id)
        )
    """

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, check_same_thread=False)
        for table in (self.records, CELLS, LOTS, QUARANTINE):
            self.db.execute(table)

    def keep(self, record: Record) -> None:
        """Its newest version takes the place of an older one."""
        self.db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)", record)

    def set_aside(self, message_id: str, payload: str) -> None:
        """Keep a message that nobody can read."""
        with self.db:
            self.db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?)", (message_id, payload))

    def count(self, cell: Cell, low: int, high: int) -> int:
        query = """SELECT count(*) FROM records
                   WHERE device_id = ? AND type = ? AND direction = ? AND at >= ? AND at < ?"""
        return int(self.db.execute(query, (cell.device_id, cell.type, cell.direction, low, high)).fetchone()[0])

    def all_records(self) -> list[Record]:
        return [Record(*row) for row in self.db.execute("SELECT * FROM records")]

    def cells(self, where: str, *values: object) -> list[Cell]:
        query = f"SELECT * FROM cells WHERE {where} ORDER BY start, direction"  # noqa: S608 our own words
        return [Cell(*row) for row in self.db.execute(query, values)]

    def put_cells(self, cells: Iterable[Cell]) -> None:
        self.db.executemany("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", cells)

    def lot(self, device_id: str) -> Lot | None:
        row: Any = self.db.execute("SELECT * FROM lots WHERE device_id = ?", (device_id,)).fetchone()
        return Lot(*row) if row else None

    def lots(self) -> list[Lot]:
        """Those that are not left alone."""
        return [Lot(*row) for row in self.db.execute("SELECT * FROM lots WHERE state = '' ORDER BY device_id")]

    def put_lot(self, lot: Lot) -> None:
        self.db.execute("INSERT OR REPLACE INTO lots VALUES (?, ?, ?, ?, ?, ?, ?)", lot)
