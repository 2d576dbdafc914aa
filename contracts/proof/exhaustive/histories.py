"""Every history up to so many records and faults, played to a model of a client through the emulator's own objects.

A history is a sequence of choices: which records there are, what becomes of each on its way, and, sync by sync, of
the command and of every re-reported record. An odometer makes them all. The emulator asks for its faults where it
asks chaos, so a choice exists exactly where the emulator has something that can go wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from contracts.client.interface import Window
from contracts.proof.exhaustive import oracle
from contracts.proof.exhaustive.counting_models import Arrival, Correct
from contracts.proof.exhaustive.odometer import Odometer
from mock_server.clock import VirtualClock
from mock_server.faults.faults import REPEAT, UPLINK, Occasion, Strike
from mock_server.lots.seed import NewRecord, Seed
from mock_server.model import HOUR, MINUTE, Cell, DataType, Device, Message, PassDirection, Record, SyncInfo
from mock_server.project import Project
from mock_server.queue.queue import Consumer

LOT = "6ce0000000000001"
PLATES = ("京A10001", "京A10001", "京A10002", "京A10002")
"""The first two records are one car, and so are the next two."""

BEGIN_MS = 1_772_409_600_000
SYNC_AFTER, LATE_AFTER, SYNC_EVERY = MINUTE, 5 * MINUTE, 10 * MINUTE
"""How long after the window's end the first sync is made, and a late record arrives; how far apart syncs are."""

Live: TypeAlias = Literal["", "lost", "twice", "late", "crash"]
Copies: TypeAlias = Literal["redelivered", "published"]

LIVE: tuple[Live, ...] = ("", "lost", "twice", "late", "crash")
COMMAND = REREPORTED = ("", "lost", "twice")
"""What may become of a record's first report, of a command, of one re-reported record; "" is that all is well."""


class HistoryKind(NamedTuple):
    """A kind of record: which way, and inside the window or at its very end."""

    direction: PassDirection
    at_end: bool

    @property
    def words(self) -> str:
        """What such a record does."""
        return f"{'leaves' if self.direction else 'enters'}{' at the end' if self.at_end else ''}"


KINDS = tuple(HistoryKind(direction, at_end) for at_end in (False, True) for direction in PassDirection)


class Violation(StrEnum):
    """What can be seen to be wrong."""

    STORE = "final store != S"
    DIFFERS = "counts differ at end"
    FALLS = "count falls"
    BRACKET = "count bracket"
    FORGOT = "acked but not stored"
    MISMATCHES = "mismatches > F"


@dataclass(frozen=True, slots=True)
class Scope:
    """How large a history may be: records, faults, and syncs that faults can hit; one more sync looks at the end.

    A message that comes twice is `redelivered`, the same one because its acknowledgement was lost, or `published`
    twice by the lot with two message ids. Without `at_end` no record lies at the end of the window.
    """

    records: int = 3
    faults: int = 2
    syncs: int = 3
    copies: Copies = "redelivered"
    at_end: bool = True

    @property
    def kinds(self) -> tuple[HistoryKind, ...]:
        """The kinds of records that there are."""
        return KINDS if self.at_end else tuple(kind for kind in KINDS if not kind.at_end)


class Size(NamedTuple):
    """How large a history is."""

    records: int
    faults: int


@dataclass(frozen=True, slots=True)
class Played:
    """One history and what was wrong. `told` names its records and faults in words, in their order.

    `position` is where the odometer stood.
    """

    size: Size
    violations: frozenset[Violation]
    told: tuple[str, ...]
    position: tuple[int, ...]


class Choices:
    """The odometer as the emulator's source of faults. A history has so many faults at most."""

    def __init__(self, odometer: Odometer, scope: Scope) -> None:
        self._odometer = odometer
        self._scope = scope
        self._live: Live = ""
        self._late_ms = 0
        self.begin()

    def begin(self) -> None:
        """A new history."""
        self.left = self._scope.faults
        self.told: list[str] = []
        self.twice: set[str] = set()

    def kinds(self) -> list[HistoryKind]:
        """The records of a history. Their order says nothing, so only one order of each selection is played."""
        first, kinds = 0, self._scope.kinds
        chosen = []
        for _ in range(1 + self._odometer.choose(self._scope.records)):
            first += self._odometer.choose(len(kinds) - first)
            chosen.append(kinds[first])
        return chosen

    def fault(self, what: str, options: tuple[str, ...]) -> str:
        """What goes wrong with something; "" if nothing does."""
        chosen = options[self._odometer.choose(len(options))] if self.left else ""
        if chosen:
            self.left -= 1
            self.told.append(f"{what}: {chosen}")
        return chosen

    def live(self, name: str, late_ms: int) -> Live:
        """What becomes of a record's first report, which is published next."""
        self._late_ms = late_ms
        chosen = self.fault(name, LIVE)
        self._live = next(each for each in LIVE if each == chosen)
        return self._live

    def played(self, records: int, violations: Iterable[Violation]) -> Played:
        """The history that was chosen, and what was wrong with it."""
        size = Size(records, self._scope.faults - self.left)
        return Played(size, frozenset(violations), tuple(self.told), self._odometer.position)

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:  # noqa: ARG002 chaos asks for less
        """The fault that the emulator is to make here."""
        if occasion.site == UPLINK:
            return self._strike("uplink", self._live, occasion.record_id or "")
        if occasion.site == REPEAT:
            name = occasion.record_id or ""
            return self._strike("rereport", self.fault(f"{name} re-reported", REREPORTED), name)
        return None

    def _strike(self, way: str, chosen: str, name: str) -> Strike | None:
        if chosen == "lost":
            return Strike(f"{way}.lose", 0)
        if chosen == "late":
            return Strike(f"{way}.delay", self._late_ms)
        if chosen == "twice" and self._scope.copies == "published":
            return Strike(f"{way}.duplicate", 0)
        if chosen == "twice":
            self.twice.add(name)
        return None


class HistoryStage:
    """One project with one consumer, on which history after history is played, each in a window of its own."""

    def __init__(self, scope: Scope, choices: Choices, make_client: type[Correct]) -> None:
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
        """Play the history at which the odometer stands."""
        self._begin()
        for place, kind in enumerate(self.choices.kinds()):
            self._happen(f"r{place + 1}", kind, PLATES[place % len(PLATES)])
        self._cell_ids = {cell: frozenset(each.record_id for each in self._records_in(cell)) for cell in self._cells}
        self._look_for_what_is_gone()
        for sync in range(self.scope.syncs):
            self._go_to(self._window.end_ms + SYNC_AFTER + sync * SYNC_EVERY)
            self._sync(sync)
        self._go_to(self._window.end_ms + SYNC_AFTER + self.scope.syncs * SYNC_EVERY)
        self._look_at_the_end()
        return self.choices.played(self._happened, self._violations)

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
        self._commands = self._mismatches = self._happened = 0
        self._crashes = False

    def _records_in(self, cell: Cell) -> list[Record]:
        return self._project.lots.records_in(cell)

    def _happen(self, name: str, kind: HistoryKind, plate: str) -> None:
        """A record happens and is reported."""
        at_ms = self._window.end_ms if kind.at_end else self._window.start_ms
        self._go_to(at_ms)
        self._happened += 1
        self.choices.told.append(f"{name} {kind.words}")
        live = self.choices.live(name, self._window.end_ms + LATE_AFTER - at_ms)
        self._crashes = live == "crash"
        self._project.keep([NewRecord(LOT, name, DataType.PASS, kind.direction, at_ms, plate, {})])
        self._listen()

    def _sync(self, sync: int) -> None:
        """The client claims its counts; the command may be lost, or carried out twice."""
        if not self._client.asks(sync):
            return
        infos = self._claim()
        self._mismatches += any(info.claimed != len(self._cell_ids[info.cell]) for info in infos)
        fate = self.choices.fault(f"command {sync + 1}", COMMAND)
        for _ in range(1 + (fate == "twice")):
            self._commands += 1
            self._project.sync(LOT, infos, lost=fate == "lost")
            self._listen()
        self._look_for_what_is_gone()

    def _claim(self) -> list[SyncInfo]:
        """What the client claims now, held against what it can know."""
        infos = [SyncInfo(cell, self._client.count(PassDirection(cell.pass_direction or 0))) for cell in self._cells]
        for cell, claimed in infos:
            low, high = oracle.bracket(self._acked, self._delivered, self._cell_ids[cell])
            if not low <= claimed <= high:
                self._violations.add(Violation.BRACKET)
            if claimed < self._claimed.get(cell, 0):
                self._violations.add(Violation.FALLS)
            self._claimed[cell] = claimed
        return infos

    def _look_for_what_is_gone(self) -> None:
        if not self._acked <= self._client.stored():
            self._violations.add(Violation.FORGOT)

    def _look_at_the_end(self) -> None:
        """No more faults: a last claim, and the store."""
        if self._client.asks(self.scope.syncs) and any(
            each != len(self._cell_ids[cell]) for cell, each in self._claim()
        ):
            self._violations.add(Violation.DIFFERS)
        if self._mismatches > self.scope.faults:
            self._violations.add(Violation.MISMATCHES)
        right = frozenset().union(*self._cell_ids.values())
        at_end = {each.record_id for each in self._project.store.records()} - right
        if self._client.stored() - at_end != right:
            self._violations.add(Violation.STORE)
        self._look_for_what_is_gone()

    def _go_to(self, at_ms: int) -> None:
        self._clock.advance_to(at_ms)
        self._listen()

    def _listen(self) -> None:
        """Let the client take what has come, one message after the other."""
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
        """The process dies before anything is durable, and is back at once."""
        self._crashes = False
        if self._client.acks_early:
            self._acknowledge(message, record)
        self._reconnect()

    def _acknowledge(self, message: Message, record: Record) -> None:
        self._acked.add(record.record_id)
        self._queue.acknowledge(self._consumer, message.message_id)

    def _reconnect(self) -> None:
        """The connection is lost: what was not acknowledged comes again."""
        self._inbox.clear()
        self._queue.disconnect(self._consumer)
        self._queue.connect(self._consumer)


Play: TypeAlias = Callable[[], Played]
"""Plays the history at which an odometer stands."""


def every(play: Play, odometer: Odometer) -> Iterator[Played]:
    """Every history, from where the odometer stands; it moves on when the next one is asked for."""
    while True:
        yield play()
        if not odometer.advance():
            return


def histories(scope: Scope, make_client: type[Correct], odometer: Odometer | None = None) -> Iterator[Played]:
    """Every history of a scope as it goes with this model, from where the odometer stands."""
    turning = odometer or Odometer()
    return every(HistoryStage(scope, Choices(turning, scope), make_client).play, turning)
