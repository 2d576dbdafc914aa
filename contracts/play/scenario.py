"""A scenario: what happens to a client's world, as one readable value that can be drawn, shrunk, saved and repeated.

Times are milliseconds after `MIDNIGHT`. Faults are part of the value: every record says how often its message arrives,
how late, and how often it arrives in each re-report. After the last step no more faults are injected.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self, TypeAlias

from mock_server.model import HOUR, JsonObject, JsonScalar
from mock_server.state.codec import DecodeError, decode, encode

MIDNIGHT = 1_772_409_600_000
"""2026-03-02 00:00 UTC, from which scenarios count their times. Any day would do; this one is fixed."""

BEGIN = 8 * HOUR
"""When a client is started unless its scenario says otherwise: 08:00."""

RecordKind: TypeAlias = Literal["enter", "leave", "bill"]

DecoyKind: TypeAlias = Literal["", "untrusted certificate", "redirect"]


@dataclass(frozen=True, slots=True)
class Happens:
    """A record happens: a vehicle passes or a bill is paid at `event`; the lot gets to know of it at `at`.

    With `many` so many alike happen at once: r1, r1-2, r1-3, ...

    `copies` of its message arrive, `delay_ms` late; `again` says how many arrive in the first, second, ...
    re-report of it, one where it says nothing. `name` is its record id; the same name again is a correction.
    """

    step: ClassVar[str] = "happens"
    at: int
    name: str
    kind: RecordKind = "enter"
    event: int | None = None
    lot: int = 0
    plate: str = "京A10001"
    copies: int = 1
    delay_ms: int = 0
    again: tuple[int, ...] = ()
    details: dict[str, JsonScalar] = field(default_factory=dict)
    many: int = 1

    @property
    def event_at(self) -> int:
        """When it happened."""
        return self.at if self.event is None else self.event

    def each(self) -> Iterator[Self]:
        """Every single one of many."""
        yield self if self.many == 1 else replace(self, many=1)
        for number in range(2, self.many + 1):
            yield replace(self, name=f"{self.name}-{number}", many=1)


@dataclass(frozen=True, slots=True)
class Strikes:
    """A fault of the catalogue is directed (docs/faults.md)."""

    step: ClassVar[str] = "strikes"
    at: int
    kind: str
    value: int | None = None
    times: int = 1
    skip: int = 0
    lot: int | None = None
    path: str | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Calms:
    """Every directed fault is forgotten, but for what records carry with them."""

    step: ClassVar[str] = "calms"
    at: int


@dataclass(frozen=True, slots=True)
class Deletes:
    """The lot deletes a record and tells nobody."""

    step: ClassVar[str] = "deletes"
    at: int
    name: str


@dataclass(frozen=True, slots=True)
class GoesOffline:
    """A lot is off line for a while."""

    step: ClassVar[str] = "goes offline"
    at: int
    lot: int = 0
    for_ms: int = HOUR


@dataclass(frozen=True, slots=True)
class Crashes:
    """The client's process dies; it is started again after `down_ms`."""

    step: ClassVar[str] = "crashes"
    at: int
    down_ms: int = 0


@dataclass(frozen=True, slots=True)
class ClockJumps:
    """The client's clock is wrong by `off_ms` from now on; 0 puts it right."""

    step: ClassVar[str] = "clock jumps"
    at: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class Syncs:
    """The client is asked to make a reconciliation pass."""

    step: ClassVar[str] = "syncs"
    at: int


@dataclass(frozen=True, slots=True)
class Looks:
    """The harness looks into the client's store."""

    step: ClassVar[str] = "looks"
    at: int


Step: TypeAlias = Happens | Strikes | Calms | Deletes | GoesOffline | Crashes | ClockJumps | Syncs | Looks
STEPS: dict[str, type[Any]] = {
    each.step: each for each in (Happens, Strikes, Calms, Deletes, GoesOffline, Crashes, ClockJumps, Syncs, Looks)
}


def moved(step: Step, by_ms: int) -> Step:
    """The same step so much later; what has happened before it by then, too."""
    if isinstance(step, Happens) and step.event is not None:
        return replace(step, at=step.at + by_ms, event=step.event + by_ms)
    return replace(step, at=step.at + by_ms)


RENAMED = {"lure": "decoy"}
"""Fields of a scenario as older files spell them."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to a client's world.

    `lots` are supplier codes; the device id of lot 0 is `LOT_IDS[0]`. The client is not told of the `unlisted` ones,
    but their messages come over the same queue. `runs_ms` is how long it runs on at least after its last step;
    `settles` says whether the client is then given time to agree with the lots. `tz` is the time zone of its process,
    `skew_ms` how wrong its clock is from the start. So many `instances` of the client run side by side. A `decoy`
    stands before the cloud: an address whose certificate no authority has signed, or one that redirects every call to
    another host. Only a client in a process of its own meets it. `is_own_cloud` says that the client's users know the
    answers of its profile: what follows from them may be held against it.
    """

    steps: tuple[Step, ...] = ()
    lots: tuple[str, ...] = ("tuya",)
    profile: JsonObject = field(default_factory=dict)
    begin: int = BEGIN
    runs_ms: int = 0
    settles: bool = True
    tz: str = "UTC"
    skew_ms: int = 0
    unlisted: tuple[int, ...] = ()
    instances: int = 1
    decoy: DecoyKind = ""
    is_own_cloud: bool = False

    def ordered(self) -> list[Step]:
        """The steps in the order of their times; those of one time as they are written."""
        return sorted(self.steps, key=lambda step: step.at)

    @property
    def since(self) -> int:
        """The last line of the history that is older than the scenario."""
        return 0

    def moved(self, by_ms: int) -> Self:
        """The same scenario so much later."""
        steps = tuple(moved(step, by_ms) for step in self.steps)
        return replace(self, steps=steps, begin=self.begin + by_ms) if by_ms else self

    @property
    def size(self) -> tuple[int, int, int]:
        """How large it is: records, faults, steps. The smallest failing scenario is the one to show."""
        records = [step for step in self.steps if isinstance(step, Happens)]
        odd = sum((step.copies != 1) + bool(step.delay_ms) + sum(n != 1 for n in step.again) for step in records)
        return (sum(step.many for step in records), odd + len(self.steps) - len(records), len(self.lots))

    def to_json(self) -> JsonObject:
        """The scenario as a replay file has it."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        lists = {"lots": list(self.lots), "unlisted": list(self.unlisted)}
        return own | {"steps": [_step_json(step) for step in self.steps], **lists}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The reverse of `to_json`; all but the steps may be left out. ValueError says what is wrong, and where."""
        if not isinstance(data, dict) or not isinstance(data.get("steps"), list):
            raise DecodeError("scenario", "must be an object with a list of steps")
        steps = tuple(_read_step(step, f"scenario.steps[{at}]") for at, step in enumerate(data["steps"]))
        own: JsonObject = {RENAMED.get(str(name), str(name)): value for name, value in data.items() if name != "steps"}
        scenario: Self = _read(cls, own, "scenario")
        return replace(scenario, steps=steps)


def _step_json(step: Step) -> JsonObject:
    values = {each.name: getattr(step, each.name) for each in fields(step)}
    values = {name: encode(value) for name, value in values.items()}
    return {"step": step.step} | {name: value for name, value in values.items() if value not in (None, {}, [])}


def _read_step(data: Any, path: str) -> Step:
    kind = STEPS.get(str(data.get("step"))) if isinstance(data, dict) else None
    if kind is None:
        raise DecodeError(path, f"must be an object whose `step` is one of {', '.join(STEPS)}")
    step: Step = _read(kind, {name: value for name, value in data.items() if name != "step"}, path)
    return step


def _read(kind: type[Any], data: JsonObject, path: str) -> Any:
    """A value of a class. A field that it does not have is of a later version, and means something."""
    unknown = data.keys() - {each.name for each in fields(kind)}
    if unknown:
        raise DecodeError(path, f"has what this version does not know: {', '.join(sorted(unknown))}")
    return decode(kind, data, path)


LOT_IDS = tuple(f"6ce{number:013d}" for number in range(1, 301))
"""The device ids of the lots of every scenario."""

LANE_ID = "6ce0000000009001"
"""The lane device that is there beside them."""


def records_of(scenario: Scenario) -> Iterator[Happens]:
    """The records that happen."""
    return (step for step in scenario.steps if isinstance(step, Happens))
