"""The log of a project: every event with its number and its time, oldest first, bounded."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from itertools import islice

from mock_server.history.events import Event
from mock_server.model import AskedEntry, Cell, JsonObject

DEFAULT_LIMIT = 50_000
"""How many entries a history keeps before it lets go of the oldest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the history: `seq` counts from 1 without gaps, `time` is the project's clock."""

    seq: int
    time: int
    event: Event

    def to_json(self) -> JsonObject:
        """The entry as one JSON object: seq, time, kind and the event's own fields."""
        event = self.event
        own = {name.name: _plain(getattr(event, name.name)) for name in fields(event)}
        return {"seq": self.seq, "time": self.time, "kind": event.kind, **own}


def _plain(value: object) -> object:
    if isinstance(value, Cell):
        return value._asdict()
    if isinstance(value, tuple):
        return [_asked(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def _asked(entry: AskedEntry) -> JsonObject:
    """One entry of a sync body; `raw` only where it says more than the rest."""
    own: JsonObject = {"cell": None if entry.cell is None else entry.cell._asdict(), "claimed": entry.claimed}
    return own if entry.raw is None else own | {"raw": entry.raw}


class History:
    """A bounded log. `dropped` tells how many of the oldest entries are gone, `resets` how often it was cleared."""

    def __init__(self, now_ms: Callable[[], int], limit: int = DEFAULT_LIMIT) -> None:
        self._now_ms = now_ms
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._last = 0
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
        self._last += 1
        self._entries.append(Entry(self._last, self._now_ms(), event))
        if self._listeners:
            self.wake()
        return self._last

    def after(self, seq: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """The entries with a number above `seq` that are still kept, `limit` of them at most."""
        skip = max(0, seq - self.dropped)
        return islice(self._entries, skip, None if limit is None else skip + limit)

    @property
    def last(self) -> int:
        """The number of the newest entry."""
        return self._last

    @property
    def dropped(self) -> int:
        """How many entries were let go."""
        return self._last - len(self._entries)

    def clear(self) -> None:
        """Start again at number 1."""
        self._entries.clear()
        self._last = 0
        self.resets += 1
