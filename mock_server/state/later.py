"""What happens later: each with its due time and what it needs in a row, so that it survives the process."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from mock_server.clock import Clock, Timer
from mock_server.state.journal import Journal
from mock_server.state.rows import Absent, Table


class Happening(Protocol):
    """Something that happens later: a frozen value. `what` says in words what is pending."""

    @property
    def what(self) -> str:
        """What is pending."""


H = TypeVar("H", bound=Happening)


class Due(Struct, frozen=True, gc=False):
    """What happens at a time in epoch milliseconds."""

    at_ms: int
    happening: Happening


class Later:
    """All that happens later in a project, in the order of the times, then in that of `at`. The rows `due` have it."""

    rows_name = "due"

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self.journal = journal
        self._due: Table[int, Due] = Table(self.rows_name, journal.note, sorted_by_key=True)
        self._timers: dict[int, Timer] = {}
        self._handlers: dict[type[Any], Callable[[Any], object]] = {}
        self._number = journal.number("due")
        journal.add(self)

    def on(self, kind: type[H], handler: Callable[[H], object]) -> None:
        """Call `handler` with what happens of that kind."""
        self._handlers[kind] = handler

    def at(self, at_ms: int, happening: Happening) -> int:
        """Let something happen at a time, or soon where that has passed; the number by which it can be cancelled."""
        self._number.value = number = self._number.value + 1
        self._due.put(number, Due(at_ms, happening))
        self._start(number, at_ms, happening)
        return int(number)

    def cancel(self, number: int) -> None:
        """Do not let it happen. Without effect where it has."""
        if number in self._due:
            self._timers.pop(number).cancel()
            self._due.drop(number)

    def close(self) -> None:
        """Let nothing happen any more."""
        self.load({})
        self._handlers.clear()

    def value(self, key: int) -> Due | Absent:
        """The row of a number, or `ABSENT`."""
        return self._due.value(key)

    def rows(self) -> dict[int, Due]:
        """All of it."""
        return self._due.rows()

    def load(self, rows: Mapping[int, Due]) -> None:
        """Let this happen, and nothing of what was to happen."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._due.load(rows)
        for number, due in self._due.items():
            self._start(number, due.at_ms, due.happening)

    def _start(self, number: int, at_ms: int, happening: Happening) -> None:
        self._timers[number] = self._clock.call_at(at_ms, partial(self._happen, number), happening.what)

    def _happen(self, number: int) -> None:
        with self.journal:
            del self._timers[number]
            happening = self._due.drop(number).happening
            self._handlers[type(happening)](happening)
