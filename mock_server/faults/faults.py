"""Faults: small values that name what goes wrong, where, and how often, directed or drawn at random.

A site of the emulator describes the occasion (`Occasion`) and asks `Faults.strike` what goes wrong there now. What
strikes is in the history. Directed faults come first and all that match strike together; chaos adds at most one
where none was directed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from mock_server.faults.catalogue import CALL, CATALOGUE, OF_TOKEN_CALLS, FaultKind
from mock_server.history.events import FaultInjected
from mock_server.history.log import History
from mock_server.model import JsonObject
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.state.journal import Journal
from mock_server.state.rows import Table
from mock_server.wire.paths import TOKEN_PATH

LIMITS = ("device_id", "data_type", "path", "record_id")
"""What a directed fault may be limited to."""

MAX_TIMES = 1_000_000
MAX_VALUE = 10**12


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where something could go wrong. `operation` names the logical operation, which a retry shares.

    The other fields say what would be struck: `request` is the number of its entry in the history; `message_id` is
    None before the message has one; `consumer` is the connection to which it is delivered.
    """

    site: str
    operation: str
    device_id: str | None = None
    data_type: int | None = None
    path: str | None = None
    record_id: str | None = None
    request: int | None = None
    message_id: str | None = None
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A directed fault: `skip` occasions pass, then it strikes `times` times wherever it matches."""

    kind: str
    value: int
    times: int = 1
    skip: int = 0
    device_id: str | None = None
    data_type: int | None = None
    path: str | None = None
    record_id: str | None = None

    def matches(self, occasion: Occasion) -> bool:
        """Whether this occasion is meant."""
        return (
            occasion.site == CATALOGUE[self.kind].site
            and self.device_id in (None, occasion.device_id)
            and self.data_type in (None, occasion.data_type)
            and self.record_id in (None, occasion.record_id)
            and self._means_path(occasion.path or "")
        )

    def _means_path(self, path: str) -> bool:
        is_for_token, only_tokens = path.startswith(TOKEN_PATH), self.kind in OF_TOKEN_CALLS
        if self.path is None:
            return is_for_token == only_tokens
        return path.startswith(self.path) and (is_for_token or not only_tokens)

    def to_json(self) -> JsonObject:
        """The fault as the lab API writes it."""
        named = CATALOGUE[self.kind].parameter
        own: JsonObject = {"kind": self.kind} | ({named: self.value} if named else {})
        limits = {name: getattr(self, name) for name in LIMITS}
        return own | {"times": self.times, "skip": self.skip} | {k: v for k, v in limits.items() if v is not None}


@dataclass(frozen=True, slots=True)
class Strike:
    """What goes wrong now: a kind of fault, and its parameter."""

    kind: str
    value: int


class RandomFaults(Protocol):
    """A source of faults that nobody directed."""

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:
        """At most one fault. `consecutive` faults have just hit this operation, `worst` any call."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A directed fault, with how many occasions have passed and how often it has struck."""

    fault: Fault
    skipped: int = 0
    struck: int = 0


class Faults:
    """The faults of one project: those directed, those drawn, and how often each has struck."""

    def __init__(self, history: History, journal: Journal, random_faults: RandomFaults | None = None) -> None:
        self._history = history
        self._journal = journal
        self._armed: Table[int, Armed] = journal.table("armed", sorted_by_key=True)
        self._hit_calls: Table[str, int] = journal.table("calls hit")
        self._hit_others: Table[str, int] = journal.table("others hit")
        self._armed_ever = journal.number("armed")
        self.random_faults = random_faults
        self.struck: Table[str, int] = journal.table("struck")

    def arm(self, fault: Fault) -> None:
        """Direct a fault; it stays until it has struck as often as it should."""
        self._armed_ever.value += 1
        self._armed.put(self._armed_ever.value, Armed(fault))

    def clear(self, keep: Callable[[Fault], bool] = lambda _: False) -> None:
        """Forget the directed faults, but for those to keep."""
        for number, armed in list(self._armed.items()):
            if not keep(armed.fault):
                self._armed.drop(number)

    def armed(self) -> Iterator[tuple[Fault, int]]:
        """The directed faults that are still to strike, each with how often it has."""
        return ((armed.fault, armed.struck) for armed in self._armed.values())

    @property
    def active(self) -> bool:
        """Whether anything can strike at all."""
        return bool(self._armed) or self.random_faults is not None

    def strike(self, occasion: Occasion) -> list[Strike]:
        """What goes wrong here and now, noted in the history."""
        if not self.active:
            return []
        with self._journal:
            return self._strike(occasion)

    def _strike(self, occasion: Occasion) -> list[Strike]:
        strikes = [self._use(number) for number in tuple(self._armed) if self._is_due(number, occasion)]
        if not strikes and self.random_faults is not None and not (occasion.path or "").startswith(TOKEN_PATH):
            consecutive = self._hits(occasion.operation).get(occasion.operation, 0)
            drawn = self.random_faults.draw(occasion, consecutive, max(self._hit_calls.values(), default=0))
            strikes = [] if drawn is None else [drawn]
        self._note(occasion, strikes)
        return strikes

    def tell(self, occasion: Occasion, strike: Strike) -> None:
        """Note in the history that what struck one thing has hit this one too."""
        self._history.add(_injected(strike, occasion))

    def suffer(self, operation: str) -> None:
        """An operation failed because of a fault that struck another one."""
        hits = self._hits(operation)
        with self._journal:
            hits.put(operation, hits.get(operation, 0) + 1)

    def _hits(self, operation: str) -> Table[str, int]:
        """How many faults have just hit each operation: calls are few, records many."""
        return self._hit_calls if operation.startswith(CALL) else self._hit_others

    def _is_due(self, number: int, occasion: Occasion) -> bool:
        armed = self._armed[number]
        if not armed.fault.matches(occasion):
            return False
        if armed.skipped >= armed.fault.skip:
            return True
        self._armed.put(number, replace(armed, skipped=armed.skipped + 1))
        return False

    def _use(self, number: int) -> Strike:
        armed = self._armed[number]
        if armed.struck + 1 >= armed.fault.times:
            self._armed.drop(number)
        else:
            self._armed.put(number, replace(armed, struck=armed.struck + 1))
        return Strike(armed.fault.kind, armed.fault.value)

    def _note(self, occasion: Occasion, strikes: list[Strike]) -> None:
        if not strikes:
            hits = self._hits(occasion.operation)
            if occasion.operation in hits:
                hits.drop(occasion.operation)
            return
        self.suffer(occasion.operation)
        for strike in strikes:
            self.struck.put(strike.kind, self.struck.get(strike.kind, 0) + 1)
            self._history.add(_injected(strike, occasion))


def _injected(strike: Strike, occasion: Occasion) -> FaultInjected:
    return FaultInjected(
        fault=strike.kind,
        value=strike.value,
        site=occasion.site,
        operation=occasion.operation,
        spoils=CATALOGUE[strike.kind].spoils,
        request=occasion.request,
        message_id=occasion.message_id,
        consumer=occasion.consumer,
        device_id=occasion.device_id,
        data_type=occasion.data_type,
        record_id=occasion.record_id,
    )


def read_fault(data: JsonObject, path: str, problems: list[Problem]) -> Fault | None:
    """A directed fault from its JSON object, or None after noting what is wrong."""
    noted = len(problems)
    reader = Reader(data, path, problems)
    name = reader.text("kind", 1, 64)
    kind = CATALOGUE.get(name or "")
    if kind is None:
        if name is not None:
            reader.note(ProblemKind.RANGE, "kind", f"must be one of {', '.join(CATALOGUE)}, not {name}")
        return None
    own = (kind.parameter,) if kind.parameter else ()
    reader.only(("kind", *own, "times", "skip", *LIMITS))
    value = reader.integer(kind.parameter, 0, MAX_VALUE, required=False) if own else None
    times = reader.integer("times", 1, MAX_TIMES, required=False)
    skip = reader.integer("skip", 0, MAX_TIMES, required=False)
    device_id = reader.text("device_id", 1, 64, required=False)
    data_type = reader.choice("data_type", (0, 1), required=False)
    prefix = reader.text("path", 1, 256, required=False)
    record_id = reader.text("record_id", 1, 64, required=False)
    if len(problems) > noted:
        return None
    chosen = kind.default if value is None else value
    return Fault(kind, chosen, times or 1, skip or 0, device_id, data_type, prefix, record_id)


@dataclass(frozen=True, slots=True)
class Publication:
    """What becomes of one message on its way: how many copies, how late, and whether it changes places."""

    copies: int = 1
    delay_ms: int = 0
    swap: bool = False


_Change = Callable[[Publication, int], Publication]


def _lost(plan: Publication, _: int) -> Publication:
    return replace(plan, copies=0)


def _doubled(plan: Publication, _: int) -> Publication:
    return replace(plan, copies=plan.copies * 2)


def _delayed(plan: Publication, delay_ms: int) -> Publication:
    return replace(plan, delay_ms=plan.delay_ms + delay_ms)


def _swapped(plan: Publication, _: int) -> Publication:
    return replace(plan, swap=True)


_PUBLICATION_CHANGES: dict[str, _Change] = {
    FaultKind.UPLINK_LOSE: _lost,
    FaultKind.UPLINK_DUPLICATE: _doubled,
    FaultKind.UPLINK_DELAY: _delayed,
    FaultKind.UPLINK_SWAP: _swapped,
    FaultKind.REREPORT_LOSE: _lost,
    FaultKind.REREPORT_DUPLICATE: _doubled,
    FaultKind.REREPORT_DELAY: _delayed,
}


def publication(strikes: list[Strike]) -> Publication:
    """What the faults that struck make of a message, each on top of the one before."""
    plan = Publication()
    for strike in strikes:
        change = _PUBLICATION_CHANGES.get(strike.kind)
        plan = change(plan, strike.value) if change else plan
    return plan
