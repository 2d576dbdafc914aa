"""A Hypothesis state machine that explores freely: events and faults in any order, then a calm world.

Cases are aimed at rules; the machine looks for failures that no case is aimed at.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.check.explore import minimise
from contracts.check.results import CaseResult, Failure, RuleResult
from contracts.client.interface import MakeClient
from contracts.play.scenario import (
    BEGIN,
    MIDNIGHT,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    RecordKind,
    Scenario,
    Step,
    Strikes,
    Syncs,
)
from contracts.play.session import Session
from contracts.play.strategies import KINDS, PLATES
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE

CALL_FAULTS = (
    FaultKind.ANSWER_BUSY,
    FaultKind.ANSWER_LOSE,
    FaultKind.ANSWER_ERROR,
    FaultKind.ANSWER_UNKNOWN_CODE,
    FaultKind.ANSWER_NOT_JSON,
    FaultKind.ANSWER_NO_RESULT,
    FaultKind.ANSWER_EMPTY,
    FaultKind.ANSWER_TRUNCATED,
    FaultKind.ANSWER_UNKNOWN_FIELDS,
    FaultKind.COMMAND_LOSE,
    FaultKind.TOKEN_EXPIRE,
    FaultKind.TOKEN_REVOKE,
)
OTHER_FAULTS = (
    FaultKind.SOCKET_CLOSE,
    FaultKind.MESSAGE_UNKNOWN_FIELDS,
    FaultKind.MESSAGE_UNKNOWN_EVENT,
    FaultKind.MESSAGE_FLIP_BIT,
)
REREPORT_FAULTS = (
    FaultKind.REREPORT_LOSE,
    FaultKind.REREPORT_DUPLICATE,
    FaultKind.REREPORT_SHUFFLE,
    FaultKind.REREPORT_SPREAD,
)
LOTS = ("tuya", "tuya", "jieshun")

FREE = "free exploration"
"""What takes the place of a case's id."""


class FreelyBrokenError(Exception):
    """The rules that a client broke, and the scenario that repeats the failure."""

    def __init__(self, rule_ids: tuple[str, ...], scenario: Scenario) -> None:
        super().__init__(", ".join(rule_ids))
        self.rule_ids = rule_ids
        self.scenario = scenario


class ClientMachine(RuleBasedStateMachine):
    """One client with two lots and a Jieshun lot. `machine_of` sets the class variables."""

    make_client: MakeClient
    rule_ids: tuple[str, ...]
    result: CaseResult

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Step] = []
        self._session: Session | None = None
        self._names: list[str] = []

    @initialize(profile=st.sampled_from(("default", "gcm", "slow-rereport", "whole-command")))
    def begin(self, profile: str) -> None:
        """Start a client in a world with one of some profiles."""
        self._session = Session(Scenario(lots=LOTS, profile={"base": profile}), type(self).make_client)
        self._session.__enter__()

    @property
    def _now(self) -> int:
        return self._open.world.now_ms - MIDNIGHT

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("the machine has not begun")
        return self._session

    def _play(self, step: Step) -> None:
        self._steps.append(step)
        self._open.play(step)

    @rule(
        kind=st.sampled_from(KINDS),
        lot=st.sampled_from((0, 1)),
        ago=st.sampled_from((0, 1, MINUTE, HOUR)),
        copies=st.sampled_from((1, 0, 2)),
        delay_ms=st.sampled_from((0, 0, 5 * MINUTE)),
        again=st.lists(st.sampled_from((1, 0, 2)), max_size=2).map(tuple),
    )
    def a_record(
        self, kind: RecordKind, lot: int, ago: int, copies: int, delay_ms: int, again: tuple[int, ...]
    ) -> None:
        """A vehicle passes or a bill is paid."""
        name = f"r{len(self._names) + 1}"
        plate = PLATES[len(self._names) % len(PLATES)]
        self._names.append(name)
        event = max(BEGIN, self._now - ago)
        self._play(Happens(self._now, name, kind, event, lot, plate, copies, delay_ms, again))

    @rule(minutes=st.sampled_from((1, 10, 60, 300)))
    def time_passes(self, minutes: int) -> None:
        """Time passes; the client's timers run."""
        self._open.go_to(self._now + minutes * MINUTE)

    @rule(kind=st.sampled_from((*CALL_FAULTS, *OTHER_FAULTS, *REREPORT_FAULTS)), times=st.integers(1, 2))
    def a_fault(self, kind: str, times: int) -> None:
        """A fault strikes on its next occasions."""
        path = "/v1.0/parking-control" if kind in CALL_FAULTS else None
        self._play(Strikes(self._now, kind, times=times, path=path))

    @rule()
    def a_sync(self) -> None:
        """The client is asked for a reconciliation pass."""
        self._play(Syncs(self._now))

    @rule(lot=st.sampled_from((0, 1)), hours=st.sampled_from((1, 3)))
    def a_lot_goes_offline(self, lot: int, hours: int) -> None:
        """A lot is off line for some hours."""
        self._play(GoesOffline(self._now, lot, hours * HOUR))

    @rule(down_ms=st.sampled_from((0, MINUTE, 3 * HOUR)))
    def a_crash(self, down_ms: int) -> None:
        """The client's process dies and is started again."""
        self._play(Crashes(self._now, down_ms))

    @precondition(lambda self: self._names)
    @rule(data=st.data())
    def a_deletion(self, data: st.DataObject) -> None:
        """A lot deletes a record."""
        self._play(Deletes(self._now, data.draw(st.sampled_from(self._names))))

    def teardown(self) -> None:
        """End the faults, let the client settle, and judge every rule. FreelyBrokenError if one is broken."""
        if self._session is None:
            return
        runs_ms = self._now - max([BEGIN, *(step.at for step in self._steps)])
        try:
            self._open.settle()
            run = Run.of(self._open.finish())
        finally:
            self._open.__exit__()
        outcomes = judge(run, [RULES[rule_id] for rule_id in self.rule_ids])
        scenario = replace(self._open.scenario, steps=tuple(self._steps), runs_ms=runs_ms)
        self.result.watch(scenario, run, outcomes)
        broken = tuple(rule_id for rule_id, outcome in outcomes.items() if outcome.breaches)
        if broken:
            raise FreelyBrokenError(broken, scenario)


def machine_of(make_client: MakeClient, rule_ids: Sequence[str] = tuple(RULES)) -> type[ClientMachine]:
    """A machine class for one client and some rules. Hypothesis creates its instances, without arguments."""
    members: dict[str, Any] = {"make_client": staticmethod(make_client), "rule_ids": tuple(rule_ids)}
    members["result"] = CaseResult(FREE)
    return type("ClientMachine", (ClientMachine,), members)


def explore_freely(
    make_client: MakeClient, rule_ids: Sequence[str] = tuple(RULES), *, examples: int, seed: int | None = None
) -> CaseResult:
    """Run the machine. The result has the failures of the first scenario that broke a rule, shrunk and judged again."""
    machine = machine_of(make_client, rule_ids)
    seeded: Any = machine if seed is None else hypothesis.seed(seed)(machine)
    chosen = settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate])
    try:
        run_state_machine_as_test(seeded, settings=chosen)
    except FreelyBrokenError as broken:
        machine.result.by_rule = {each.rule_id: RuleResult(1, 1, each) for each in _smallest(make_client, broken)}
    return machine.result


def _smallest(make_client: MakeClient, broken: FreelyBrokenError) -> list[Failure]:
    """The failures of the smallest scenario that still breaks the first of the broken rules."""
    rules = [RULES[rule_id] for rule_id in broken.rule_ids]
    scenario = minimise(broken.scenario, lambda each: bool(rules[0].check(run_of(each, make_client)).breaches))
    run = run_of(scenario, make_client)
    found = ((rule.id, rule.check(run).breaches) for rule in rules)
    return [Failure(rule_id, FREE, scenario, run, breaches) for rule_id, breaches in found if breaches]
