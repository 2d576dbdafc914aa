"""What a session records: the history, the acts of the harness, and what it saw of the client."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from contracts.client.interface import Capability, DumpedRecord, Effect, ProcessProblem
from contracts.play.scenario import (
    Calms,
    ClockJumps,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    Looks,
    Scenario,
    Strikes,
    Syncs,
)
from mock_server.faults.catalogue import FaultKind
from mock_server.history.log import Entry
from mock_server.profile import Profile

CUTS = (FaultKind.SOCKET_CLOSE, FaultKind.SOCKET_IDLE)
"""The faults that end a connection: it breaks, or is closed in order as after a silence."""


class ActKind(StrEnum):
    """What the harness did: a step of the scenario, or a phase of the run. The values are the spelling of files."""

    HAPPENS = Happens.step
    STRIKES = Strikes.step
    CALMS = Calms.step
    DELETES = Deletes.step
    GOES_OFFLINE = GoesOffline.step
    CRASHES = Crashes.step
    CLOCK_JUMPS = ClockJumps.step
    SYNCS = Syncs.step
    LOOKS = Looks.step
    START = "start"
    """The client was started, for the first time or again."""
    DIED = "died"
    """The client failed at a verb; `text` says at which and how."""
    NOT_BACK = "not back"
    """The client was cut off, was waited for in real time, and had not come back by then."""
    CALM = "calm"
    """The scenario was over: no fault strikes from here on but those that records carry."""
    CONVERGED = "agrees"
    """Client and lots agreed before the patience was over."""
    ENDS = "ends"


class Act(NamedTuple):
    """Something that the harness did after entry `seq` of the history. `off_ms` is the clock's error after a jump."""

    seq: int
    time: int
    kind: ActKind
    text: str = ""
    off_ms: int | None = None


class OutputFinding(StrEnum):
    """What was found in everything that a client's process wrote. Messages use the values of what leaked."""

    WATCHED = "watched"
    """Its whole output was searched."""
    SECRET = "the access secret"  # noqa: S105 a name
    PASSWORD = "the queue's password"  # noqa: S105 a name
    TOKEN = "a token"  # noqa: S105 a name
    PLATE = "a plate"


class DecoyFinding(StrEnum):
    """What reached a decoy that stood before the cloud."""

    TLS_TRIED = "tls tried"
    """A client opened a connection to the address whose certificate no authority has signed."""
    TLS_TRUSTED = "tls trusted"
    """It sent a request over that connection."""
    REDIRECTED = "redirected"
    """A call was answered with a redirect to another host."""
    FOLLOWED = "followed"
    """Credentials came to that host."""


FindingKind: TypeAlias = ProcessProblem | OutputFinding | DecoyFinding


class Finding(NamedTuple):
    """Something seen of a client's process, not of its traffic, after entry `seq`. Secrets in `text` are masked."""

    kind: FindingKind
    seq: int
    text: str


class LogLine(NamedTuple):
    """A line that the client's process wrote to its standard error, read at `time`. Secrets in `text` are masked."""

    time: int
    text: str


class Dump(NamedTuple):
    """What the client answered to `dump`, which was asked after entry `asked_seq` of the history and answered by `seq`.

    A client may receive meanwhile. So what was acknowledged up to `asked_seq` must be in it, and what was delivered up
    to `seq` may be in it.
    """

    seq: int
    time: int
    records: tuple[DumpedRecord, ...]
    asked_seq: int


@dataclass(frozen=True)
class Recording:
    """A finished run. After entry `calm_seq`, if any, no fault strikes but those that records carry (`Happens.again`).

    `effects` and `findings` are None where they could not be observed; `log` has the newest lines of the client's log.
    A run that is `unimplemented` shows nothing: the client lacks a verb without which it does nothing. `verbs` are the
    newest entries before the verbs that were called of a client that may receive while it answers them, in order and
    each once.
    """

    scenario: Scenario
    entries: tuple[Entry, ...]
    profile: Profile
    can: frozenset[Capability]
    acts: tuple[Act, ...] = ()
    dumps: tuple[Dump, ...] = ()
    effects: tuple[Effect, ...] | None = None
    calm_seq: int | None = None
    findings: tuple[Finding, ...] | None = None
    unimplemented: bool = False
    log: tuple[LogLine, ...] = ()
    verbs: tuple[int, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields only: what a subclass has cached can be computed again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
