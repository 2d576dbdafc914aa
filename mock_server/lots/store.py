"""What outlives a call: the records of all lots of one project."""

from collections.abc import Iterator
from typing import Protocol

from mock_server.model import Line, Record, RecordKey


class Store(Protocol):
    """Records by lot, data type, direction and time. Counting must not cost more as a lot grows."""

    def put(self, record: Record) -> Record | None:
        """Keep a record; return the version that it replaces, or None. A record counts once, in its newest version."""

    def get(self, key: RecordKey) -> Record | None:
        """The record of that key, or None."""

    def remove(self, key: RecordKey) -> Record | None:
        """Forget a record; return it, or None."""

    def count(self, line: Line, start: int, end: int) -> int:
        """How many records of the line have start <= time < end."""

    def fetch(self, line: Line, start: int, end: int) -> list[Record]:
        """The records of the line with start <= time < end, in the order of their times."""

    def records(self) -> Iterator[Record]:
        """Every record, in the order in which they first came."""

    def __len__(self) -> int:
        """How many records there are."""
