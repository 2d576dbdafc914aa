"""Checkpoints: moments of a project that are kept by a name. They are beside its state: no reset drops them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

M = TypeVar("M")
"""A moment of a project."""

MAX_CHECKPOINTS = 100
"""The most checkpoints of a project (our choice): each keeps the rows and the history of its moment in memory."""


class CheckpointError(Exception):
    """A checkpoint that cannot be kept. `code` is a stable word for the reason, the text says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnknownCheckpointError(LookupError):
    """There is no checkpoint of that name. The text says which there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint(Generic[M]):
    """A moment with its name: its line and time, and how many devices, records and unacknowledged messages there were.

    `recall` has the moment, or reads it from where it is kept: nobody may ever ask for it.
    """

    name: str
    line: int
    now_ms: int
    devices: int
    records: int
    messages: int
    recall: Callable[[], M]

    @property
    def moment(self) -> M:
        """The moment. StoreError if it is kept in a store and cannot be read."""
        return self.recall()


class Checkpoints(Generic[M]):
    """The checkpoints of one project, in the order of their making, `MAX_CHECKPOINTS` at most.

    `on_change` is called when there is another one, or one less.
    """

    def __init__(self) -> None:
        self._named: dict[str, Checkpoint[M]] = {}
        self.on_change: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[Checkpoint[M]]:
        return iter(tuple(self._named.values()))

    def check(self, name: str) -> None:
        """CheckpointError if a further one of this name cannot be kept."""
        if name in self._named:
            raise CheckpointError("checkpoint_exists", f"there is a checkpoint {name!r} already: DELETE it first")
        if len(self._named) >= MAX_CHECKPOINTS:
            raise CheckpointError("too_many", f"there are {MAX_CHECKPOINTS} checkpoints: delete some first")

    def add(self, checkpoint: Checkpoint[M]) -> Checkpoint[M]:
        """Keep one. CheckpointError if its name is taken, or if there are too many."""
        self.check(checkpoint.name)
        self._named[checkpoint.name] = checkpoint
        self.on_change()
        return checkpoint

    def named(self) -> dict[str, Checkpoint[M]]:
        """All of them by their names."""
        return dict(self._named)

    def find(self, name: str) -> Checkpoint[M]:
        """The one of that name. UnknownCheckpointError if there is none."""
        if name not in self._named:
            known = ", ".join(map(repr, list(self._named)[:20])) or "none"
            raise UnknownCheckpointError(f"there is no checkpoint {name[:64]!r}; there are: {known}")
        return self._named[name]

    def drop(self, name: str) -> None:
        """Keep it no more. UnknownCheckpointError if there is none."""
        del self._named[self.find(name).name]
        self.on_change()

    def free_name(self) -> str:
        """The first of `checkpoint-1`, `checkpoint-2`, ... that is not taken."""
        return next(name for number in count(1) if (name := f"checkpoint-{number}") not in self._named)
