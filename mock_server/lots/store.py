"""The interface of a store: the records of all lots of one project."""

from collections.abc import Iterator
from typing import Protocol

from mock_server.model import Line, Record, RecordKey


class Store(Protocol):
    """Records by lot, data type, direction and time. Counting must not take longer as a lot grows."""

    def put(self, record: Record) -> Record | None:
        """Keep a record; return the version that it replaces, or None. A record counts once, in its newest version."""

    def get(self, key: RecordKey) -> Record | None:
        """The record of that key, or None."""

    def remove(self, key: RecordKey) -> Record | None:
        """Remove a record; return it, or None."""

    def count(self, line: Line, start: int, end: int) -> int:
        """The number of records of the line with start <= time < end."""

    def fetch(self, line: Line, start: int, end: int) -> list[Record]:
        """The records of the line with start <= time < end, ordered by their times."""

    def records(self) -> Iterator[Record]:
        """Every record, in the order in which their keys were first kept."""

    def __len__(self) -> int:
        """The number of records."""
