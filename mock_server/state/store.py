"""What a store of projects is: what it keeps, and how it is told what has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Sync = Literal["off", "normal", "full"]
"""What a commit waits for. Each survives the end of the process; the end of the machine:

- `off`: anything may be lost or damaged;
- `normal`: the last commits may be lost, nothing is damaged;
- `full`: nothing is lost.
"""


class StoreError(Exception):
    """The store cannot be used: the text says why, and what to do."""


class HeldElsewhereError(StoreError):
    """A project is another server's: nothing is done, and the same may be asked again. `url` is its lab plane."""

    def __init__(self, access_id: str, url: str = "") -> None:
        where = f"the server {url}" if url else "another server"
        super().__init__(f"the project {access_id} is at {where}: ask again, there or here")
        self.url = url


class ProjectsLostError(StoreError):
    """Another server has taken projects over: nothing was written."""

    def __init__(self, access_ids: Sequence[str]) -> None:
        super().__init__(f"another server has taken over: {', '.join(access_ids)}")
        self.access_ids = access_ids


class StoredRow(NamedTuple):
    """One row of a project's state: the name of its rows, its key and its value as JSON."""

    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class StoredProject:
    """A project as it is kept. Everything but its access id is JSON.

    `checkpoints` has their names and moments (JSON lines), in the order of their making.
    """

    access_id: str
    about: str
    moment: str
    rows: tuple[StoredRow, ...]
    lines: tuple[str, ...]
    checkpoints: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class ProjectChanges:
    """What has changed of a project. With an `about` it is kept anew, and nothing of before stays but checkpoints.

    `lines` has the new lines of the history by their numbers; those up to `dropped` are let go. `checkpoints` has the
    new ones by their names, once those of the names in `forgotten` are gone.
    """

    access_id: str
    moment: str
    about: str | None = None
    put: list[StoredRow] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)
    dropped: int = 0
    checkpoints: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


class ProjectStore(Protocol):
    """Keeps projects. The ledger is its only user. StoreError from whatever it cannot do."""

    def projects(self) -> Iterator[StoredProject]:
        """Every project, in the order of their access ids; its rows in the order of their coming."""

    def write(self, changed: Sequence[ProjectChanges], removed: Sequence[str] = ()) -> None:
        """Keep all of these changes or none. What was written already may be written again."""

    def close(self) -> None:
        """Let go of it."""
