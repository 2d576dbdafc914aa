"""What the entries of histories take of the memory, and how much all histories of a server may take together."""

from collections.abc import Callable
from sys import getsizeof
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from mock_server.history.events import Event, FaultInjected, RecordKept, RequestAnswered, RequestReceived, SyncAsked

if TYPE_CHECKING:
    from mock_server.history.log import History

ENTRY = 300
"""The bytes of an entry with its event, whose texts are ids and names (measured, rounded up)."""

ASKED = 300
"""The bytes of one entry of a sync body: a cell, a count, and the key of its device (measured, rounded up)."""

RAW = 600
"""The bytes that one of them takes in addition where its fields are kept as sent."""

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes that the entries of one history take (our choice): 50,000 of the usual size are below it."""

MAX_ALL_BYTES = 256 * 1024 * 1024
"""The most bytes that the histories of all projects of a server take together (our choice)."""

_KEPT = 0.75


def weigh(event: Event) -> int:
    """About how many bytes an entry with this event takes."""
    own = _OWN.get(type(event))
    return ENTRY if own is None else ENTRY + own(event)


def _of_request(event: RequestReceived) -> int:
    texts = (event.path, event.query, event.body, *event.headers.values())
    return sum(map(getsizeof, texts)) + getsizeof(event.headers)


def _of_asked(event: SyncAsked) -> int:
    raw = sum(entry.raw is not None for entry in event.entries)
    return len(event.entries) * ASKED + raw * RAW


_OWN: dict[type[Any], Callable[[Any], int]] = {
    RequestReceived: _of_request,
    SyncAsked: _of_asked,
    RequestAnswered: lambda event: getsizeof(event.msg),
    FaultInjected: lambda event: getsizeof(event.operation),
    RecordKept: lambda event: sum(map(getsizeof, event.details.values())) + getsizeof(event.details),
}


class SharedBudget:
    """The bytes of several histories together. Beyond `limit` the largest of them drops a quarter of its own."""

    def __init__(self, limit: int = MAX_ALL_BYTES) -> None:
        self._limit = limit
        self._total = 0
        self._histories: WeakSet[History] = WeakSet()

    def join(self, history: "History") -> None:
        """Count a history from now on."""
        self._histories.add(history)
        history.budget = self
        self.spend(history.bytes)

    def leave(self, history: "History") -> None:
        """Count it no more."""
        self._histories.discard(history)
        history.budget = None
        self._total -= history.bytes

    def spend(self, count: int) -> None:
        """Note by how many bytes a history has grown, or shrunk."""
        self._total += count
        if self._total > self._limit:
            largest = max(self._histories, key=lambda history: history.bytes)
            largest.shrink(int(largest.bytes * _KEPT))
