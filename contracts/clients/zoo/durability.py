"""Clients that lose something, or take it twice, when they are killed."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from contracts.client.interface import DumpedRecord
from contracts.clients.record_store import CellRow, RecordStore, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.receiving import KeylessStore
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE

BLOCK = 512
"""Bytes of a block: all that reaches the file of a journal that is never flushed are whole blocks."""


@breaks("REC-UPSERT")
class DedupesInMemory(ReferenceClient):
    """Knows in memory what it has stored, in a table without a unique key: after a restart all is new."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._known: set[tuple[object, ...]] = set()

    store_kind = KeylessStore

    def keep(self, record: Stored) -> bool:
        if record[:3] in self._known:
            return False
        self._known.add(record[:3])
        super().keep(record)
        return True


@breaks("REC-PERSIST-ACK")
class WritesEveryTenMinutes(ReferenceClient):
    """Acknowledges what has come, keeps it in memory, and writes that to the file every ten minutes."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._unwritten: list[Stored] = []
        self._written_ms = 0

    def keep(self, record: Stored) -> bool:
        is_known = any(each[:3] == record[:3] for each in self._unwritten) or self._store.has(record)
        self._unwritten.append(record)
        return not is_known

    def count(self, cell: CellRow) -> int:
        self.write()
        return super().count(cell)

    def write(self) -> None:
        """Write what is in memory."""
        for record in self._unwritten:
            self._store.keep(record)
        self._unwritten.clear()
        self._written_ms = self.now_ms()

    def reconcile(self, window: Any = None) -> None:
        if self.now_ms() - self._written_ms >= 10 * MINUTE:
            self.write()
        super().reconcile(window)

    def dump(self) -> list[DumpedRecord]:
        self.write()
        return super().dump()

    def wakes_at(self) -> int | None:
        later = self._written_ms + 10 * MINUTE
        return min(later, super().wakes_at() or later) if self._unwritten else super().wakes_at()


class RecordJournal(RecordStore):
    """Records as lines of a file, read at the start. What is in the table is gone with the process."""

    flushes = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = path.with_name("journal.jsonl")
        self._db.execute("DELETE FROM records")
        self._tail = b""
        for record in self.records():
            super().keep(record)

    def records(self) -> Iterator[Stored]:
        """The records of the lines up to the first one that cannot be read."""
        with suppress(ValueError):
            for line in self._file.read_bytes().splitlines() if self._file.exists() else ():
                yield Stored(*json.loads(line))

    def keep(self, record: Stored) -> bool:
        self.append(json.dumps(record).encode())
        return super().keep(record)

    def append(self, line: bytes) -> None:
        """Append a line to the file: at once, or in whole blocks."""
        self._tail += line + b"\n"
        ready = len(self._tail) if self.flushes else len(self._tail) // BLOCK * BLOCK
        self.write(self._tail[:ready])
        self._tail = self._tail[ready:]

    def write(self, text: bytes) -> None:
        """Write at the end of the file."""
        with self._file.open("ab") as file:
            file.write(text)


class BlockJournal(RecordJournal):
    """A journal that writes whole blocks, and the rest when it is closed."""

    flushes = False


class OpenEndedJournal(RecordJournal):
    """A journal that ends a line when it begins the next one."""

    def append(self, line: bytes) -> None:
        self.write(self._tail + line)
        self._tail = b"\n"


@breaks("REC-PERSIST-ACK")
class WritesInBlocks(ReferenceClient):
    """Writes a journal through a buffer that it never flushes: a crash tears its last line."""

    store_kind = BlockJournal


@breaks("REC-PERSIST-ACK")
class AppendsToATornLine(ReferenceClient):
    """Flushes a journal, but goes on writing behind a line that a crash has torn: none of that is read again."""

    store_kind = OpenEndedJournal
