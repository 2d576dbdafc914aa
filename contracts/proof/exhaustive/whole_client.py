"""Every small history, played to a whole client: over HTTP and the message queue, with its own plan of syncs.

Records and what becomes of them on their way are chosen first and make a scenario. Every call that asks about their
window, up to so many, and every record of a re-report is a choice when the client has come so far. Whatever was
chosen can be told as a scenario again, which repeats it without an odometer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeGuard

from contracts.client.interface import MakeClient
from contracts.clients.reference import BOUNDARY_MS
from contracts.play.scenario import BEGIN, MIDNIGHT, Crashes, Happens, RecordKind, Scenario, Step, Strikes, records_of
from contracts.play.session import Session
from contracts.proof.exhaustive.histories import COMMAND, LIVE, PLATES, Choices, HistoryKind, Played, Scope, Violation
from contracts.proof.exhaustive.odometer import Odometer
from contracts.run.run import Run
from contracts.run.syncs import SYNC_PREFIX, Claim, field_of
from mock_server.faults.faults import CALL, REPEAT, Occasion, Strike
from mock_server.history.events import RequestReceived
from mock_server.model import HOUR, MINUTE, Cell, DataType
from mock_server.problems import parse_json
from mock_server.project import Project

INSIDE, AT_END = BEGIN + 10 * MINUTE, BEGIN + HOUR + BOUNDARY_MS
"""When a record happens inside the window, and at the end of a window of the reference client."""

LATE = BEGIN + HOUR + 10 * MINUTE
"""When a late record arrives: behind the first call about its window."""

LASTS = 4 * HOUR
"""How long faults can strike: as long as a client may take for its first few syncs. Then the world is calm."""

COMMAND_FAULTS = {"lost": "command.lose", "twice": "answer.lose"}
"""A client whose answer is lost asks again: the command is carried out twice."""

LINES = 5
"""So many lines of the history at most lie between a request and the faults that strike it."""

COPIES = {"": 1, "lost": 0, "twice": 2}


class ClientChoices(Choices):
    """The odometer as the source of faults of a whole client's world."""

    project: Project

    def begin(self) -> None:
        """A new history."""
        super().begin()
        self.again: dict[str, list[int]] = defaultdict(list)
        self.calls: list[Strikes] = []
        self._asked = self._sync_calls = 0

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:
        """The fault that the emulator is to make here."""
        if occasion.site == CALL and (occasion.path or "").startswith(SYNC_PREFIX):
            self._sync_calls += 1
            return self._of_call() if self._asks_about_the_window() else None
        if occasion.site != REPEAT:
            return None
        strike = super().draw(occasion, consecutive, worst)
        kind = strike.kind if strike else ""
        self.again[occasion.record_id or ""].append({"rereport.lose": 0, "rereport.duplicate": 2}.get(kind, 1))
        return strike

    def _of_call(self) -> Strike | None:
        if self._asked == self._scope.syncs:
            return None
        self._asked += 1
        chosen = self.fault(f"command {self._asked}", COMMAND)
        if not chosen:
            return None
        kind = COMMAND_FAULTS[chosen]
        self.calls.append(Strikes(BEGIN, kind, skip=self._sync_calls - 1, path=SYNC_PREFIX))
        return Strike(kind, 0)

    def _asks_about_the_window(self) -> bool:
        """Whether the call that is being answered names a pass cell in which the records inside the window lie."""
        history = self.project.history
        requests = [entry.event for entry in history.after(history.last - LINES) if _is_request(entry.event)]
        return bool(requests) and any(start <= MIDNIGHT + INSIDE < end for start, end in _pass_windows(requests[-1]))


def _is_request(event: object) -> TypeGuard[RequestReceived]:
    return isinstance(event, RequestReceived)


def _pass_windows(request: RequestReceived) -> Iterator[tuple[int, int]]:
    """The windows of the pass cells that a sync call names."""
    try:
        body: Any = parse_json(request.body.encode())
    except ValueError:
        return
    infos = field_of(body, "record_sync_infos") if isinstance(body, dict) else None
    if not isinstance(infos, list) or field_of(body, "data_type") != DataType.PASS:
        return
    for info in infos:
        start, end = (field_of(info, name) if isinstance(info, dict) else None for name in ("start_time", "end_time"))
        if isinstance(start, int) and isinstance(end, int):
            yield start, end


class ClientStage:
    """Plays history after history to clients of one make, each in a world of its own."""

    def __init__(self, scope: Scope, odometer: Odometer, make_client: MakeClient) -> None:
        self._make_client = make_client
        self._choices = ClientChoices(odometer, replace(scope, copies="published"))
        self._plain = Scenario()
        self.run: Run | None = None

    def play(self) -> Played:
        """Play the history at which the odometer stands."""
        self._choices.begin()
        steps = tuple(self._steps())
        self._plain = Scenario(steps, runs_ms=LASTS)
        with Session(self._plain, self._make_client) as session:
            self._choices.project = session.world.parking.project
            self._choices.project.faults.random_faults = self._choices
            self.run = Run.of(session.run())
        return self._choices.played(len(list(records_of(self._plain))), violations(self.run))

    @property
    def scenario(self) -> Scenario:
        """The history that was played last, with all that was chosen on the way: it needs no odometer."""
        return replace(
            self._plain, steps=(*self._choices.calls, *(self._with_again(each) for each in self._plain.steps))
        )

    def _with_again(self, step: Step) -> Step:
        if not isinstance(step, Happens):
            return step
        again = self._choices.again[step.name]
        odd = [place for place, copies in enumerate(again, 1) if copies != 1]
        return replace(step, again=tuple(again[: max(odd, default=0)]))

    def _steps(self) -> Iterator[Step]:
        """The records of a history, and what becomes of each at first."""
        for place, kind in enumerate(self._choices.kinds()):
            name = f"r{place + 1}"
            self._choices.told.append(f"{name} {kind.words}")
            yield from self._record(name, kind, PLATES[place % len(PLATES)])

    def _record(self, name: str, kind: HistoryKind, plate: str) -> Iterator[Step]:
        at = AT_END if kind.at_end else INSIDE
        live = self._choices.fault(name, LIVE)
        delay_ms = LATE - at if live == "late" else 0
        which: RecordKind = "leave" if kind.direction else "enter"
        yield Happens(at, name, which, plate=plate, copies=COPIES.get(live, 1), delay_ms=delay_ms)
        if live == "crash":
            yield Crashes(at)


def violations(run: Run) -> Iterator[Violation]:
    """What was wrong with a client in a run."""
    if run.off_bracket:
        yield Violation.BRACKET
    if not any(act.verb == "agrees" for act in run.acts):
        yield Violation.DIFFERS
    if "dump" in run.can and {each.record_id for each in run.dumps[-1].records} != {
        each.name for each in run.records.values()
    }:
        yield Violation.STORE
    if _falls(run.claims):
        yield Violation.FALLS


def _falls(claims: Iterable[Claim]) -> bool:
    """Whether a claim about a cell is ever lower than one before it."""
    highest: dict[Cell, int] = {}
    for claim in claims:
        if claim.claimed < highest.get(claim.cell, 0):
            return True
        highest[claim.cell] = claim.claimed
    return False
