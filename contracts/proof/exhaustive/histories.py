"""Every history up to a number of records and faults, played to a model of a client through the emulator's objects.

A history is a sequence of choices: which records there are, what happens to each first report and, sync by sync, to
the command and to every re-reported record. An odometer enumerates them. It takes the place of the emulator's source
of random faults, so there is a choice exactly where the emulator can inject a fault.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from contracts.client.interface import Window
from contracts.proof.exhaustive.counting_models import Arrival, CorrectModel
from contracts.proof.exhaustive.odometer import Odometer
from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import REPEAT, UPLINK, FaultKind
from mock_server.faults.faults import Occasion, Strike
from mock_server.lots.seed import NewRecord, Seed
from mock_server.model import HOUR, MINUTE, Cell, DataType, Device, Message, PassDirection, Record, SyncInfo
from mock_server.project import Project
from mock_server.queue.consumer import Consumer

LOT = "6ce0000000000001"
PLATES = ("京A10001", "京A10001", "京A10002", "京A10002")
"""The plates of the records in order: two records of one car, then two of another."""

BEGIN_MS = 1_772_409_600_000
SYNC_AFTER, LATE_AFTER, SYNC_EVERY = MINUTE, 5 * MINUTE, 10 * MINUTE
"""Milliseconds from the window's end to the first sync, and to a late record; milliseconds between two syncs."""

Live: TypeAlias = Literal["", "lost", "twice", "late", "crash"]
Copies: TypeAlias = Literal["redelivered", "published"]

LIVE: tuple[Live, ...] = ("", "lost", "twice", "late", "crash")
COMMAND = REREPORTED = ("", "lost", "twice")
"""The fates of a record's first report, of a command and of a re-reported record; "" is no fault."""

LIVE_KINDS = {"lost": FaultKind.UPLINK_LOSE, "twice": FaultKind.UPLINK_DUPLICATE, "late": FaultKind.UPLINK_DELAY}
REREPORTED_KINDS = {"lost": FaultKind.REREPORT_LOSE, "twice": FaultKind.REREPORT_DUPLICATE}
"""The emulator's fault for each fate of a first report, and of a re-reported record."""


class HistoryKind(NamedTuple):
    """A kind of record: its direction, and whether it lies inside the window or at its end, which is outside."""

    direction: PassDirection
    at_end: bool

    @property
    def words(self) -> str:
        """The kind in words."""
        return f"{'leaves' if self.direction else 'enters'}{' at the end' if self.at_end else ''}"


KINDS = tuple(HistoryKind(direction, at_end) for at_end in (False, True) for direction in PassDirection)


class Violation(StrEnum):
    """A violation by a client in a history. S is the set of the lot's records in the window, F the most faults."""

    STORE = "final store != S"
    DIFFERS = "counts differ at end"
    FALLS = "count falls"
    BRACKET = "count bracket"
    FORGOT = "acked but not stored"
    MISMATCHES = "mismatches > F"


@dataclass(frozen=True, slots=True)
class Scope:
    """The bounds of a history: records, faults, and syncs that faults can hit. One more sync without faults follows.

    A second copy of a message is `redelivered` (the same message, because its acknowledgement was lost) or `published`
    by the lot under another message id. Without `at_end` no record lies at the end of the window.
    """

    records: int = 3
    faults: int = 2
    syncs: int = 3
    copies: Copies = "redelivered"
    at_end: bool = True

    @property
    def kinds(self) -> tuple[HistoryKind, ...]:
        """The kinds of records to choose from."""
        return KINDS if self.at_end else tuple(kind for kind in KINDS if not kind.at_end)


class Size(NamedTuple):
    """The size of a history."""

    records: int
    faults: int


@dataclass(frozen=True, slots=True)
class Played:
    """One history and its violations. `words` are its records and faults in order; `position` is the odometer's."""

    size: Size
    violations: frozenset[Violation]
    words: tuple[str, ...]
    position: tuple[int, ...]


class Choices:
    """The odometer as the emulator's source of random faults, with at most as many faults as the scope allows."""

    def __init__(self, odometer: Odometer, scope: Scope) -> None:
        self._odometer = odometer
        self._scope = scope
        self._live: Live = ""
        self._late_ms = 0
        self.begin()

    def begin(self) -> None:
        """Reset for the next history."""
        self.left = self._scope.faults
        self.words: list[str] = []
        self.twice: set[str] = set()

    def kinds(self) -> list[HistoryKind]:
        """Choose the records of a history. Their order is irrelevant, so each selection is played in one order only."""
        first, kinds = 0, self._scope.kinds
        chosen = []
        for _ in range(1 + self._odometer.choose(self._scope.records)):
            first += self._odometer.choose(len(kinds) - first)
            chosen.append(kinds[first])
        return chosen

    def fault(self, what: str, options: tuple[str, ...]) -> str:
        """Choose a fault for `what` from the options; "" for none. No choice once the scope's faults are used up."""
        chosen = options[self._odometer.choose(len(options))] if self.left else ""
        if chosen:
            self.left -= 1
            self.words.append(f"{what}: {chosen}")
        return chosen

    def live(self, name: str, late_ms: int) -> Live:
        """Choose the fate of a record's first report, which is published next; `late_ms` is the delay of a late one."""
        self._late_ms = late_ms
        chosen = self.fault(name, LIVE)
        self._live = next(each for each in LIVE if each == chosen)  # str to Literal, for mypy
        return self._live

    def played(self, records: int, violations: Iterable[Violation]) -> Played:
        """The history chosen since `begin`, with its violations."""
        size = Size(records, self._scope.faults - self.left)
        return Played(size, frozenset(violations), tuple(self.words), self._odometer.position)

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:  # noqa: ARG002 chaos asks for less
        """The fault that the emulator injects at this occasion, None for none."""
        name = occasion.record_id or ""
        if occasion.site == UPLINK:
            return self._strike(LIVE_KINDS, self._live, name)
        if occasion.site == REPEAT:
            return self._strike(REREPORTED_KINDS, self.fault(f"{name} re-reported", REREPORTED), name)
        return None

    def _strike(self, kinds: dict[str, FaultKind], chosen: str, name: str) -> Strike | None:
        if chosen == "twice" and self._scope.copies != "published":
            self.twice.add(name)
            return None
        kind = kinds.get(chosen)
        return None if kind is None else Strike(kind, self._late_ms if chosen == "late" else 0)


class HistoryStage:
    """One project with one consumer, on which history after history is played, each in a window of its own.

    It is not a `Session`, because a model has no calls, sockets, threads or plan. Each history resets the project and
    takes about a millisecond of CPU time, so that hundreds of thousands can be played.
    """

    def __init__(self, scope: Scope, choices: Choices, make_client: type[CorrectModel]) -> None:
        self.scope = scope
        self._make_client = make_client
        self.choices = choices
        device = Device(LOT, "Lot")
        self._clock = VirtualClock(BEGIN_MS)
        self._project = Project("exhaustive", "0123456789abcdef", Seed((device,)), self._clock)
        self._inbox: list[Message] = []
        self._consumer = Consumer("model", lambda message, _count: self._inbox.append(message))
        self._queue = self._project.queue.main
        self._queue.connect(self._consumer)

    def play(self) -> Played:
        """Play the history at the odometer's present position."""
        self._begin()
        for place, kind in enumerate(self.choices.kinds()):
            self._add_record(f"r{place + 1}", kind, PLATES[place % len(PLATES)])
        self._cell_ids = {cell: frozenset(each.record_id for each in self._records_in(cell)) for cell in self._cells}
        self._check_stored()
        for sync in range(self.scope.syncs):
            self._go_to(self._window.end_ms + SYNC_AFTER + sync * SYNC_EVERY)
            self._sync(sync)
        self._go_to(self._window.end_ms + SYNC_AFTER + self.scope.syncs * SYNC_EVERY)
        self._check_end()
        return self.choices.played(self._records, self._violations)

    def _begin(self) -> None:
        self._project.reset()
        self._project.faults.random_faults = self.choices
        self._inbox.clear()
        self.choices.begin()
        start = self._clock.now_ms() + MINUTE
        self._window = Window(start, start + HOUR)
        self._cells = [Cell(LOT, DataType.PASS, direction, *self._window) for direction in PassDirection]
        self._client = self._make_client(self._window)
        self._delivered: set[str] = set()
        self._acked: set[str] = set()
        self._violations: set[Violation] = set()
        self._claimed: dict[Cell, int] = {}
        self._commands = self._mismatches = self._records = 0
        self._crashes = False

    def _records_in(self, cell: Cell) -> list[Record]:
        return self._project.lots.records_in(cell)

    def _add_record(self, name: str, kind: HistoryKind, plate: str) -> None:
        """Add a record to the lot; the emulator reports it at once or late, or loses it."""
        at_ms = self._window.end_ms if kind.at_end else self._window.start_ms
        self._go_to(at_ms)
        self._records += 1
        self.choices.words.append(f"{name} {kind.words}")
        live = self.choices.live(name, self._window.end_ms + LATE_AFTER - at_ms)
        self._crashes = live == "crash"
        self._project.keep([NewRecord(LOT, name, DataType.PASS, kind.direction, at_ms, plate, {})])
        self._receive()

    def _sync(self, sync: int) -> None:
        """Let the client claim its counts. The command may be lost or carried out twice."""
        if not self._client.makes_sync(sync):
            return
        infos = self._claims()
        self._mismatches += any(info.claimed != len(self._cell_ids[info.cell]) for info in infos)
        fate = self.choices.fault(f"command {sync + 1}", COMMAND)
        for _ in range(1 + (fate == "twice")):
            self._commands += 1
            self._project.sync(LOT, infos, lost=fate == "lost")
            self._receive()
        self._check_stored()

    def _claims(self) -> list[SyncInfo]:
        """The client's claims about both cells, after checking them.

        A right claim is at least the number of records acknowledged, which the client must have stored, and at most
        the number of records delivered, as it cannot know others.
        """
        infos = [SyncInfo(cell, self._client.count(PassDirection(cell.pass_direction or 0))) for cell in self._cells]
        for cell, claimed in infos:
            ids = self._cell_ids[cell]
            if not len(self._acked & ids) <= claimed <= len(self._delivered & ids):
                self._violations.add(Violation.BRACKET)
            if claimed < self._claimed.get(cell, 0):
                self._violations.add(Violation.FALLS)
            self._claimed[cell] = claimed
        return infos

    def _check_stored(self) -> None:
        if not self._acked <= self._client.stored():
            self._violations.add(Violation.FORGOT)

    def _check_end(self) -> None:
        """Check a last claim, made without faults, and the final store."""
        if self._client.makes_sync(self.scope.syncs) and any(
            each != len(self._cell_ids[cell]) for cell, each in self._claims()
        ):
            self._violations.add(Violation.DIFFERS)
        if self._mismatches > self.scope.faults:
            self._violations.add(Violation.MISMATCHES)
        right = frozenset().union(*self._cell_ids.values())
        at_end = {each.record_id for each in self._project.store.records()} - right
        if self._client.stored() - at_end != right:
            self._violations.add(Violation.STORE)
        self._check_stored()

    def _go_to(self, at_ms: int) -> None:
        self._clock.advance_to(at_ms)
        self._receive()

    def _receive(self) -> None:
        """Deliver the messages in the inbox to the client, one after the other."""
        while self._inbox:
            self._take(self._inbox.pop(0))

    def _take(self, message: Message) -> None:
        record = message.subject
        if not isinstance(record, Record):
            self._queue.acknowledge(self._consumer, message.message_id)
            return
        self._delivered.add(record.record_id)
        if self._crashes:
            self._crash(message, record)
            return
        rereport = self._commands if message.origin == "rereport" else None
        self._client.receive(Arrival(record, message.message_id, self._clock.now_ms(), rereport))
        if record.record_id in self.choices.twice:
            self.choices.twice.remove(record.record_id)
            self._reconnect()
            return
        self._acknowledge(message, record)

    def _crash(self, message: Message, record: Record) -> None:
        """Crash the client before the record is durable, and restart it at once."""
        self._crashes = False
        if self._client.acks_early:
            self._acknowledge(message, record)
        self._reconnect()

    def _acknowledge(self, message: Message, record: Record) -> None:
        self._acked.add(record.record_id)
        self._queue.acknowledge(self._consumer, message.message_id)

    def _reconnect(self) -> None:
        """Lose the connection and open it again: the queue redelivers every message that was not acknowledged."""
        self._inbox.clear()
        self._queue.disconnect(self._consumer)
        self._queue.connect(self._consumer)


Play: TypeAlias = Callable[[], Played]
"""Plays the history at the odometer's present position."""


def play_of(scope: Scope, odometer: Odometer, make_client: type[CorrectModel]) -> Play:
    """A function that plays, to this model, the history of the scope at the odometer's present position."""
    return HistoryStage(scope, Choices(odometer, scope), make_client).play


def histories(scope: Scope, make_client: type[CorrectModel], odometer: Odometer | None = None) -> Iterator[Played]:
    """Play every history of a scope to this model, from the odometer's position; the odometer advances after each."""
    odometer = odometer or Odometer()
    play = play_of(scope, odometer, make_client)
    while True:
        yield play()
        if not odometer.advance():
            return
