"""Rows: the state of a component as keys and values, each change of which is noted."""

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""In place of a value: there is no row of that key."""

Absent: TypeAlias = Literal[_Absent.ABSENT]


class RowChange(Struct, frozen=True, gc=False):
    """A row that was put, changed or dropped: the name of its rows, its key, and its value before, perhaps `ABSENT`."""

    name: str
    key: Any
    before: Any


Note: TypeAlias = Callable[[RowChange], object]
"""Called with each change."""


class Rows(Protocol):
    """A component's rows. Keys and values are never changed in place: a changed row is another value."""

    rows_name: str
    """Unique among the rows of a project."""

    def value(self, key: Any) -> Any:
        """The value of that key, or `ABSENT`."""

    def rows(self) -> Mapping[Any, Any]:
        """All rows of this moment, in a mapping of their own."""

    def load(self, rows: Mapping[Any, Any]) -> None:
        """Take these rows in place of the present ones. The component then makes what follows from them."""


class Table(dict[K, V], Generic[K, V]):
    """Rows in a dict, in the order in which their keys were put. Written by `put`, `drop` and `load` only.

    A table whose rows come and go is `sorted_by_key`, and has keys that ascend in the order of their coming.
    """

    __slots__ = ("_note", "_sorted", "rows_name")

    def __init__(self, name: str, note: Note, *, sorted_by_key: bool = False) -> None:
        super().__init__()
        self.rows_name = name
        self._note = note
        self._sorted = sorted_by_key

    def put(self, key: K, value: V) -> None:
        """Add or change a row."""
        self._note(RowChange(self.rows_name, key, self.get(key, ABSENT)))
        self[key] = value

    def drop(self, key: K) -> V:
        """Remove a row; returns its value. KeyError if there is none."""
        value = self.pop(key)
        self._note(RowChange(self.rows_name, key, value))
        return value

    def value(self, key: K) -> V | Absent:
        """The value of that key, or `ABSENT`."""
        return self.get(key, ABSENT)

    def rows(self) -> dict[K, V]:
        """A copy."""
        return dict(self)

    def load(self, rows: Mapping[K, V]) -> None:
        """Take these rows in place of the present ones."""
        self.clear()
        self.update(sorted(rows.items(), key=_key_of) if self._sorted else rows)


def _key_of(row: tuple[Any, object]) -> Any:
    return row[0]
