"""The default store: records in the memory of this process."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter

from mock_server.lots.time_index import TimeIndex
from mock_server.model import Line, Record, RecordKey
from mock_server.state.rows import ABSENT, Absent, Note, RowChange


class MemoryStore:
    """Records in a list, found by key through a dict and by time through one `TimeIndex` a line.

    `time_of` returns the time by which a record is in a window, in epoch milliseconds. The rows `records` have the
    records by their place in the list.
    """

    rows_name = "records"

    def __init__(
        self, time_of: Callable[[Record], int] = attrgetter("event_time"), note: Note = lambda _: None
    ) -> None:
        self._time_of = time_of
        self._note = note
        self._forget_all()

    def _forget_all(self) -> None:
        self._records: list[Record | None] = []
        self._slots: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        self._lines: defaultdict[Line, TimeIndex] = defaultdict(TimeIndex)
        self._size = 0

    def put(self, record: Record) -> Record | None:
        """Keep a record. One with a known key replaces the earlier version, which is returned."""
        slot = self._slots[record.device_id, record.data_type].get(record.record_id)
        if slot is None:
            slot, previous = len(self._records), None
            self._note(RowChange(self.rows_name, slot, ABSENT))
            self._records.append(None)
        else:
            previous = self._vacate(slot)
            self._note(RowChange(self.rows_name, slot, previous))
        self._occupy(slot, record)
        return previous

    def _occupy(self, slot: int, record: Record) -> None:
        """Put a record into the list, where its slot is empty, and into the index."""
        self._records[slot] = record
        self._slots[record.device_id, record.data_type][record.record_id] = slot
        self._lines[record.line].add(self._time_of(record), slot)
        self._size += 1

    def get(self, key: RecordKey) -> Record | None:
        """The record of that key, or None."""
        slot = self._slots[key[:2]].get(key[2])
        return None if slot is None else self._records[slot]

    def remove(self, key: RecordKey) -> Record | None:
        """Remove a record; return it, or None."""
        slot = self._slots[key[:2]].pop(key[2], None)
        if slot is None:
            return None
        previous = self._vacate(slot)
        self._note(RowChange(self.rows_name, slot, previous))
        while self._records and self._records[-1] is None:
            self._records.pop()
        return previous

    def count(self, line: Line, start: int, end: int) -> int:
        """The number of records of the line with start <= time < end, in O(log n)."""
        index = self._lines.get(line)
        return index.count(start, end) if index is not None else 0

    def fetch(self, line: Line, start: int, end: int) -> list[Record]:
        """The records of the line with start <= time < end, ordered by their times."""
        index = self._lines.get(line)
        if index is None:
            return []
        kept = (self._records[slot] for slot in index.slots(start, end))
        return [record for record in kept if record is not None]

    def records(self) -> Iterator[Record]:
        """Every record, in the order in which their keys were first kept."""
        return (record for record in self._records if record is not None)

    def __len__(self) -> int:
        return self._size

    def _vacate(self, slot: int) -> Record | None:
        """Remove the record of a slot from the list and the index; return it, or None if the slot is empty."""
        record = self._records[slot]
        if record is not None:
            self._lines[record.line].remove(self._time_of(record), slot)
            self._records[slot] = None
            self._size -= 1
        return record

    def value(self, key: int) -> Record | Absent:
        """The record at a place in the list, or `ABSENT`."""
        record = self._records[key] if key < len(self._records) else None
        return ABSENT if record is None else record

    def rows(self) -> dict[int, Record]:
        """The records by their places in the list."""
        return {slot: record for slot, record in enumerate(self._records) if record is not None}

    def load(self, rows: Mapping[int, Record]) -> None:
        """Keep these records, each at its place, in place of the present ones."""
        self._forget_all()
        self._records = [None] * (max(rows, default=-1) + 1)
        self._size = len(rows)
        entries: defaultdict[Line, list[tuple[int, int]]] = defaultdict(list)
        for slot in sorted(rows):
            self._records[slot] = record = rows[slot]
            self._slots[record.device_id, record.data_type][record.record_id] = slot
            entries[record.line].append((self._time_of(record), slot))
        for line, each in entries.items():
            self._lines[line] = TimeIndex.of(each)
