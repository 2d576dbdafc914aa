"""How a client is attached: the verbs that a harness calls, and the wires that it gives a client in its process.

A client implements `start` and `sync`; every other verb is optional, and what a rule cannot see for lack of one is
reported as unimplemented, never as a failure.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from mock_server.model import JsonObject


class Capability(StrEnum):
    """What a client can do or show: a verb of the client protocol, or a process of its own, which can be observed."""

    START = "start"
    SYNC = "sync"
    ADVANCE = "advance"
    QUIET = "quiet"
    DUMP = "dump"
    EFFECTS = "effects"
    CRASH = "crash"
    STOP = "stop"
    OWN_PROCESS = "own-process"

    @property
    def label(self) -> str:
        """What messages call it."""
        return "a process of its own" if self is Capability.OWN_PROCESS else self.value


VERBS = tuple(each for each in Capability if each is not Capability.OWN_PROCESS)
"""The verbs of the client protocol."""


class UnimplementedError(Exception):
    """The client has nothing behind this verb. `is_final` says that its process has ended with it."""

    is_final = False


class ProcessProblem(StrEnum):
    """How a client's process broke the client protocol. The values are the spelling of failure files."""

    ABSENT = "absent"
    """It could not be started, or nothing answers at its URL."""
    HUNG = "hung"
    """It did not answer, or did not end, in time."""
    ENDED = "ended"
    """It ended, or closed its connection, without being asked to."""
    BAD_ANSWER = "babble"
    """Its answer violates the client protocol."""


class ProcessError(Exception):
    """A client's process broke the client protocol."""

    def __init__(self, kind: ProcessProblem, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class HttpAnswer(NamedTuple):
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Socket(Protocol):
    """A connection to the message queue that is read when its owner wants to."""

    @property
    def closed(self) -> int | None:
        """The code with which it was closed, None while it is open."""

    def receive(self) -> str | None:
        """The next text frame, None if none has come."""

    def send(self, text: str) -> None:
        """Send a text frame."""

    def close(self) -> None:
        """Leave."""


class Link(Protocol):
    """The wires to the cloud. In process they lead to the fake cloud without a socket."""

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """One HTTP exchange. OSError (ConnectionError, TimeoutError) if there is no answer."""

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Open a WebSocket. OSError if it is refused."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a client is told when it starts.

    `exports` is the object of `serve --json`, `profile` what this cloud answers where the vendor leaves it open,
    `tz` the name of the time zone that the process runs in, `folder` a place for what must outlive a crash.
    """

    exports: JsonObject
    now_ms: int
    folder: Path
    link: Link
    tz: str = "UTC"
    profile: JsonObject = field(default_factory=dict)


class Window(NamedTuple):
    """A span of time in epoch milliseconds."""

    start_ms: int
    end_ms: int


class DumpedRecord(NamedTuple):
    """A record as the client has stored it. Bills have no direction.

    `content_hash` is the client's own, of what the record says: as long as that does not change, neither does this.
    """

    record_id: str
    device_id: str
    data_type: int
    pass_direction: int | None
    event_ms: int
    content_hash: str | None = None


class Effect(NamedTuple):
    """Something that the client did because of a record: a charge, a notice, a change of occupancy."""

    kind: str
    record_id: str


class Client(ABC):
    """A client under test."""

    @abstractmethod
    def start(self, start: Start) -> None:
        """Connect and consume. Called again, on a new object with the same folder, after a crash."""

    @abstractmethod
    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """One reconciliation pass, of that window or of all that the client's own plan holds due."""

    def advance(self, now_ms: int) -> None:  # noqa: ARG002 for whoever implements it
        """Run the client's own timers up to now. A client without timers is told to `sync` instead."""
        raise UnimplementedError

    def wakes_at(self) -> int | None:
        """When the client's next timer is due, so that nobody need try every minute; None if that is not known."""
        return None

    def quiet(self) -> None:
        """Store and acknowledge everything that has come so far."""
        raise UnimplementedError

    def dump(self) -> list[DumpedRecord]:
        """Everything stored: the only look into a client that a rule needs."""
        raise UnimplementedError

    def effects(self) -> list[Effect]:
        """What was done because of records, in order."""
        raise UnimplementedError

    def crash(self) -> None:
        """Lose at once whatever is not in the folder. Nothing is flushed, nothing more is sent."""
        raise UnimplementedError

    def stop(self) -> None:
        """End in order."""
        raise UnimplementedError

    has_output = False
    """Whether what it writes beside its answers can be seen."""

    def end(self) -> None:  # noqa: B027 most clients have nothing to do there
        """Whatever has become of it: nothing of it is left running."""

    def take_output(self) -> list[str]:
        """What its process has written beside its answers since the last time. A client in this process shows none."""
        return []

    @property
    def can(self) -> frozenset[Capability]:
        """The verbs that this client implements."""
        return frozenset(verb for verb in VERBS if getattr(type(self), verb) is not getattr(Client, verb))


MakeClient: TypeAlias = Callable[[JsonObject], Client]
"""What makes a client from its exports."""
