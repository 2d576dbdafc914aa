"""The interface of a client under test: the verbs that the judge calls, and the connections that it gives the client.

A client implements `start` and `sync`. Every other verb is optional: a rule that needs one which the client lacks is
reported as unimplemented, never as a failure.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias

from contracts.client.own_time import Activity
from mock_server.model import JsonObject

ClockKind: TypeAlias = Literal["real", "virtual"]
"""What a client's pauses go by: the machine's time, or the time that the judge tells it."""


class Capability(StrEnum):
    """What a client can do or show: a verb of the client protocol, or one of the three that are no verbs.

    `OWN_PROCESS`: it can be observed. `PAUSES`: the length of its pauses shows, as they go by the world's clock.
    `INSTANCES`: several of it may run side by side.
    """

    START = "start"
    SYNC = "sync"
    ADVANCE = "advance"
    QUIET = "quiet"
    DUMP = "dump"
    EFFECTS = "effects"
    CRASH = "crash"
    STOP = "stop"
    OWN_PROCESS = "own-process"
    PAUSES = "pauses"
    INSTANCES = "instances"

    @property
    def label(self) -> str:
        """What messages call it."""
        return _LABELS.get(self, self.value)


_LABELS = {
    Capability.OWN_PROCESS: "a process of its own",
    Capability.PAUSES: 'pauses that go by now_ms ("clock": "virtual" in hello, or as an attribute of the client)',
    Capability.INSTANCES: 'instances that run side by side ("instances": 1 in hello says that it runs alone)',
}

VERBS = tuple(each for each in Capability if each not in _LABELS)
"""The verbs of the client protocol."""


class UnimplementedError(Exception):
    """The client does not implement this verb. With `is_final` its process has ended for that reason."""

    is_final = False


class ProcessProblem(StrEnum):
    """How a client's process broke the client protocol. The values are the spelling of failure files."""

    ABSENT = "absent"
    """It could not be started, or nothing answers at its URL."""
    HUNG = "hung"
    """It did not answer, or did not end, in time."""
    ENDED = "ended"
    """It ended, or closed its connection, without being asked to."""
    SLOW_END = "slow end"
    """It answered `stop` and did not end in time."""
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


GOING_AWAY, ABNORMAL = 1001, 1006
"""Close codes (RFC 6455, 7.4.1): closed in order by the other side, and broken."""


class Socket(Protocol):
    """A WebSocket to the message queue that is read by polling."""

    @property
    def closed(self) -> int | None:
        """The close code, None while it is open."""

    def receive(self) -> str | None:
        """The next text frame, None if none has arrived."""

    def send(self, text: str) -> None:
        """Send a text frame."""

    def close(self) -> None:
        """Close it."""


class Stream(Protocol):
    """A stream of bytes to the native port of the message queue, read by polling."""

    @property
    def closed(self) -> int | None:
        """None while it is open; else a close code as a WebSocket has it: 1001 closed in order, 1006 broken."""

    def receive(self) -> bytes:
        """What has arrived, waiting a moment for it where it has to travel; empty if nothing has."""

    def send(self, content: bytes) -> None:
        """Send bytes; on a stream that has ended they are lost."""

    def close(self) -> None:
        """Close it."""


class Link(Protocol):
    """Connections to the cloud; in process they reach the emulator without a socket."""

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """Send one HTTP request. OSError (ConnectionError, TimeoutError) if no answer comes."""

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Open a WebSocket. OSError if it is refused."""

    def open(self, url: str) -> Stream:
        """Open a stream to `pulsar://HOST:PORT`, the native port of the queue. OSError if nobody answers there."""


@dataclass(frozen=True, slots=True)
class Start:
    """The arguments of `start`.

    `exports` is the object of `serve --json`, `profile` how this cloud behaves where the vendor's page leaves it open,
    `tz` the name of the time zone of the process, `folder` a directory for what must survive a crash.
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

    `content_hash` is the client's own hash of the content: it stays the same as long as the content does.
    """

    record_id: str
    device_id: str
    data_type: int
    pass_direction: int | None
    event_ms: int
    content_hash: str | None = None


class Effect(NamedTuple):
    """A side effect of a record in the client: a charge, a notice, a change of occupancy."""

    kind: str
    record_id: str


class Client(ABC):
    """A client under test."""

    @abstractmethod
    def start(self, start: Start) -> None:
        """Connect and consume. After a crash it is called on a new object, with the same folder."""

    @abstractmethod
    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Make one reconciliation pass, over that window or over all windows that the client's own plan holds due."""

    def advance(self, now_ms: int) -> None:  # noqa: ARG002 the signature is for subclasses
        """Run the client's own timers up to now. A client without timers of its own is asked to `sync` instead."""
        raise UnimplementedError

    def wakes_at(self) -> int | None:
        """When the client's next timer is due, in epoch ms. None if unknown: then its timers are run every minute."""
        return None

    def quiet(self) -> None:
        """Store and acknowledge everything that has arrived so far."""
        raise UnimplementedError

    def dump(self) -> list[DumpedRecord]:
        """Every record stored. It is all that rules need to know of a client's inside."""
        raise UnimplementedError

    def effects(self) -> list[Effect]:
        """The side effects of records, in order."""
        raise UnimplementedError

    def crash(self) -> None:
        """Stop at once and lose everything that is not in the folder: flush nothing, send nothing more."""
        raise UnimplementedError

    def stop(self) -> None:
        """Shut down in order."""
        raise UnimplementedError

    clock: ClockKind = "real"
    """`virtual` if every pause of the client goes by `now_ms`. With `real` it may sleep and reconnect in real time."""

    instances: int | None = None
    """How many of it may run side by side, with the same keys and the same folder; None for any number."""

    has_output = False
    """Whether the judge can read the standard error of the client."""

    def end(self) -> None:  # noqa: B027 most clients have nothing to release
        """Release every process and connection of the client, in whatever state it is."""

    def activity(self) -> Activity | None:
        """What its process is doing, None where that cannot be seen: in process, at a URL, without /proc."""
        return None

    def take_output(self) -> list[str]:
        """The lines that its process has written beside its answers since the last call; in process there are none."""
        return []

    @property
    def can(self) -> frozenset[Capability]:
        """The verbs that this client implements, and what it says of its pauses and instances."""
        verbs = frozenset(verb for verb in VERBS if getattr(type(self), verb) is not getattr(Client, verb))
        return verbs | declared(self.clock, self.instances)


def declared(clock: ClockKind, instances: int | None) -> frozenset[Capability]:
    """The capabilities of a client whose pauses go by that clock, of which so many may run side by side."""
    pauses = {Capability.PAUSES} if clock == "virtual" else set()
    return frozenset(pauses if instances == 1 else {*pauses, Capability.INSTANCES})


MakeClient: TypeAlias = Callable[[JsonObject], Client]
"""A function that makes a client from the exports."""
