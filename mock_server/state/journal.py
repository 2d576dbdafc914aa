"""The journal of a project's state: what changed, step by step, so that an earlier moment can be made again.

Components keep their state in rows, and each change of a row is noted with the value before. Small values that change
with nearly everything, such as counters, are registers: they are read at the end of each step instead. A step is what
is done at once, for a request, a timer or a frame; within one the rows may not fit together.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from types import TracebackType
from typing import Any, Protocol, Self

from msgspec import Struct

from mock_server.state.rows import ABSENT, Note, RowChange, Rows, Table


class Register(Protocol):
    """A small part of the state. Its value is never changed in place, but replaced."""

    @property
    def value(self) -> Any:
        """What it is now."""

    def go_to(self, value: Any) -> None:
        """Let it be this again."""


class Lines(Protocol):
    """What a journal needs to know of the history: the number of its newest line, and how many it has let go."""

    @property
    def last(self) -> int:
        """The number of the newest line, 0 before the first."""

    @property
    def dropped(self) -> int:
        """How many of the oldest are gone."""


class Number:
    """A register that is a number, or a tuple of some."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def go_to(self, value: Any) -> None:
        """Let it be this again."""
        self.value = value


@dataclass(frozen=True, slots=True)
class State:
    """The rows of a moment by their names, where there are any, and the registers."""

    rows: Mapping[str, Mapping[Any, Any]]
    registers: Mapping[str, Any]


class _Step(Struct, frozen=True, gc=False):
    """The last lines of the history before and behind it, the changes noted up to its end, and the registers then.

    What was added to the history between two steps has changed no row.
    """

    before: int
    last: int
    changes: int
    registers: tuple[Any, ...]


class _NoLines:
    """A history without lines."""

    last = dropped = 0


class ForgottenError(LookupError):
    """A moment that the journal does not reach back to. `oldest` is the first line that it does."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            f"the state of that moment is forgotten: the oldest that is kept is the one behind line {oldest};"
            " a checkpoint keeps a moment for good, also over a restart"
        )
        self.oldest = oldest


class NotThereYetError(LookupError):
    """A line that the history does not have yet. The text says which there are."""

    def __init__(self, line: int, oldest: int, newest: int) -> None:
        super().__init__(f"there is no line {line} yet: those from {oldest} to {newest} can be gone back to")


class Journal:
    """The rows and registers of one project, and the way back: as far as the history reaches.

    As a context manager it holds a step, or a part of one; `note` is called within. `beginning` counts how often
    everything was made anew.
    """

    def __init__(self, lines: Lines | None = None) -> None:
        self._lines: Lines = lines or _NoLines()
        self._rows: dict[str, Rows] = {}
        self._registers: dict[str, Register] = {}
        self._in_order: tuple[Register, ...] = ()
        self._changes: deque[RowChange] = deque()
        self.note: Note = self._changes.append
        self._forgotten = 0
        self._steps: deque[_Step] = deque()
        self._depth = 0
        self._before = 0
        self.beginning = 0

    def add(self, rows: Rows) -> None:
        """Have the state of a component in these rows. ValueError if their name is taken."""
        if rows.rows_name in self._rows:
            raise ValueError(f"there are rows named {rows.rows_name} already")
        self._rows[rows.rows_name] = rows

    def table(self, name: str, *, sorted_by_key: bool = False) -> Table[Any, Any]:
        """New rows in a dict."""
        table: Table[Any, Any] = Table(name, self.note, sorted_by_key=sorted_by_key)
        self.add(table)
        return table

    def remove(self, rows: Rows) -> None:
        """Have a component's rows no more, which are all dropped."""
        del self._rows[rows.rows_name]

    def number(self, name: str, initial: Any = 0) -> Number:
        """A new register."""
        number = Number(initial)
        self.register(name, number)
        return number

    def register(self, name: str, register: Register) -> None:
        """Have a register of another kind."""
        self._registers[name] = register
        self._in_order = tuple(self._registers.values())

    def __enter__(self) -> Self:
        if not self._depth:
            self._before = self._lines.last
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._end_step()

    def _end_step(self) -> None:
        steps = self._steps
        values = tuple([register.value for register in self._in_order])
        steps.append(_Step(self._before, self._lines.last, self._forgotten + len(self._changes), values))
        if len(steps) > 1 and steps[1].last <= self._lines.dropped:
            self._forget()

    def _forget(self) -> None:
        """Forget the steps before the oldest line of the history that is kept."""
        dropped = self._lines.dropped
        while len(self._steps) > 1 and self._steps[1].last <= dropped:
            self._steps.popleft()
        while self._forgotten < self._steps[0].changes:
            self._changes.popleft()
            self._forgotten += 1

    def close(self) -> None:
        """Let go of everything, so that nothing that refers to it stays in the memory."""
        self._rows.clear()
        self._registers.clear()
        self._in_order = ()
        self._changes.clear()
        self._steps.clear()

    def begin(self) -> None:
        """Let this moment be the first: what was before is forgotten."""
        self._changes.clear()
        self._steps.clear()
        self._forgotten = 0
        self.beginning += 1
        self._before = self._lines.last
        self._end_step()

    @property
    def noted(self) -> int:
        """How many changes were noted since the beginning."""
        return self._forgotten + len(self._changes)

    def changed_after(self, noted: int) -> dict[tuple[str, Any], None] | None:
        """The rows that have changed since so many changes were noted: the names of their rows and their keys.

        None if changes since then are forgotten.
        """
        if noted < self._forgotten:
            return None
        newest = islice(reversed(self._changes), self.noted - noted)
        return dict.fromkeys((each.name, each.key) for each in newest)

    def value(self, name: str, key: Any) -> Any:
        """The value of a row, or `ABSENT`."""
        rows = self._rows.get(name)
        return ABSENT if rows is None else rows.value(key)

    def present_registers(self) -> dict[str, Any]:
        """The registers of this moment."""
        return {name: register.value for name, register in self._registers.items()}

    def present(self) -> State:
        """The state of this moment."""
        rows = {name: rows for name, each in self._rows.items() if (rows := each.rows())}
        return State(rows, self.present_registers())

    @property
    def oldest(self) -> int:
        """The first line of the history whose moment can be made again."""
        return self._steps[0].last if self._steps else self._lines.last

    def at(self, line: int) -> tuple[State, int]:
        """The state behind a line of the history, and behind which line that is: the end of a step that it is in.

        ForgottenError if the journal does not reach back to it.
        """
        step = self._step_of(line)
        if step is None:
            return self.present(), max(line, self._lines.last)
        rows = {name: dict(each) for name, each in self.present().rows.items()}
        for change in islice(reversed(self._changes), self.noted - step.changes):
            table = rows.setdefault(change.name, {})
            if change.before is ABSENT:
                del table[change.key]
            else:
                table[change.key] = change.before
        filled = {name: each for name, each in rows.items() if each}
        return State(filled, dict(zip(self._registers, step.registers, strict=True))), max(line, step.last)

    def _step_of(self, line: int) -> _Step | None:
        """The last step that had ended when the next line but those of its own was added; None for the present."""
        if line < self.oldest:
            raise ForgottenError(self.oldest)
        steps = list(self._steps)
        place = bisect_left(steps, line, key=attrgetter("last"))
        if place == len(steps):
            return None
        step = steps[place]
        if step.before >= line != step.last:
            return steps[place - 1]  # the line stands between two steps
        behind = bisect_right(steps, step.last, key=attrgetter("last"))
        return steps[behind - 1] if behind < len(steps) else None

    def resume(self, state: State) -> None:
        """Take this state in place of the present one. Rows that nobody has are passed over."""
        for name, register in self._registers.items():
            if name in state.registers:
                register.go_to(state.registers[name])
        loaded: set[int] = set()
        while missing := [rows for rows in self._rows.values() if id(rows) not in loaded]:
            for rows in missing:  # loading may bring other rows in place of some: those of subscriptions
                if self._rows.get(rows.rows_name) is rows:
                    rows.load(state.rows.get(rows.rows_name, {}))
                    loaded.add(id(rows))
        self.begin()
