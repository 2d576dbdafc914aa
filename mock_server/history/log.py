"""The log of a project: every event with its number and its time, oldest first, bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import islice
from types import NoneType

from msgspec import Struct, structs

from mock_server.history.events import Event
from mock_server.history.weight import MAX_BYTES, SharedBudget, weigh
from mock_server.model import AskedEntry, Cell, JsonObject

DEFAULT_LIMIT = 50_000
"""The most entries that a history keeps; it may take fewer to fill its bytes."""


class Entry(Struct, frozen=True, gc=False):
    """One entry of the history: `seq` counts from 1 without gaps, `time` is the project's clock."""

    seq: int
    time: int
    event: Event

    def to_json(self) -> JsonObject:
        """The entry as one JSON object: seq, time, kind and the event's own fields."""
        event = self.event
        told: JsonObject = {"seq": self.seq, "time": self.time, "kind": event.kind}
        for name in event.__struct_fields__:
            value = getattr(event, name)
            told[name] = value if type(value) in _AS_THEY_ARE else _plain(value)
        return told


_AS_THEY_ARE = frozenset((str, int, bool, NoneType, dict))
"""The types of most values: a store writes every entry."""


def _plain(value: object) -> object:
    if isinstance(value, Cell):
        return structs.asdict(value)
    if isinstance(value, tuple):
        return [_asked(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def _asked(entry: AskedEntry) -> JsonObject:
    """One entry of a sync body; `raw` only where it says more than the rest."""
    own: JsonObject = {"cell": None if entry.cell is None else structs.asdict(entry.cell), "claimed": entry.claimed}
    return own if entry.raw is None else own | {"raw": entry.raw}


class History:
    """A log bounded in entries and bytes.

    `last` is the number of the newest entry, 0 before the first; `dropped` tells how many of the oldest are gone.

    `resets` counts how often it was cleared, `bytes` about what its entries take of the memory. `budget` is what it
    shares with other histories. The newest entry is always kept.
    """

    def __init__(self, now_ms: Callable[[], int], limit: int = DEFAULT_LIMIT, max_bytes: int = MAX_BYTES) -> None:
        self._now_ms = now_ms
        self._entries: deque[Entry] = deque()
        self._limit = limit
        self._max_bytes = max_bytes
        self.last = 0
        self.bytes = 0
        self.budget: SharedBudget | None = None
        self.resets = 0
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wake(self) -> None:
        """Tell the listeners that something may have changed."""
        for listener in tuple(self._listeners):
            listener()

    def add(self, event: Event) -> int:
        """Append an event at the present; return its number."""
        self.last += 1
        self._entries.append(Entry(self.last, self._now_ms(), event))
        self._grow(weigh(event))
        while len(self._entries) > self._limit:
            self._drop_oldest()
        self.shrink(self._max_bytes)
        if self._listeners:
            self.wake()
        return self.last

    def shrink(self, most: int) -> None:
        """Drop the oldest entries until the others take at most so many bytes."""
        while self.bytes > most and len(self._entries) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._grow(-weigh(self._entries.popleft().event))

    def _grow(self, count: int) -> None:
        self.bytes += count
        if self.budget is not None:
            self.budget.spend(count)

    def after(self, seq: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """The entries with a number above `seq` that are still kept, `limit` of them at most."""
        skip = max(0, seq - self.dropped)
        new = len(self._entries) - skip
        if new < skip:  # a deque is walked through from an end: followers want the newest
            newest = list(islice(reversed(self._entries), max(0, new)))
            return islice(reversed(newest), limit)
        return islice(self._entries, skip, None if limit is None else skip + limit)

    @property
    def newest(self) -> Entry | None:
        """The newest entry."""
        return self._entries[-1] if self._entries else None

    @property
    def dropped(self) -> int:
        """How many entries were let go."""
        return self.last - len(self._entries)

    def load(self, entries: Iterable[Entry], last: int) -> None:
        """Have these entries, the last of which has this number, in place of the present ones; 0 if there are none."""
        self._entries = deque(entries)
        self._grow(sum(weigh(entry.event) for entry in self._entries) - self.bytes)
        self.last = last
        self.resets += 1
