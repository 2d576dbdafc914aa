"""The kill matrix: every known-bad client against every rule.

It shows that the judge catches wrong clients: a must-rule that does not catch its own known-bad client is a defect of
the judge, and so is a rule that the reference client breaks.
"""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from contracts.cases import CASES
from contracts.check.causes import first_told
from contracts.check.engine import aimed_at
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration, Watch
from contracts.check.results import CaseResult, Check
from contracts.check.workers import end_requested, run_until_end_requested, worker_pool
from contracts.client.interface import Client, MakeClient
from contracts.client.over_native import over_native
from contracts.client.shim import NATIVE
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.play.attachment import load
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome, Rule
from contracts.run.run import Run
from mock_server.model import JsonObject

SAMPLES = 1
"""Scenarios of each case in OTHERS that are played to a known-bad client, to see which other rules it breaks."""

OTHERS = (
    "form/lanes",
    "windows/boundary",
    "count/copies",
    "count/late",
    "count/lines",
    "receive/again",
    "receive/crash",
    "converge/parts",
    "security/retries",
    "times/milliseconds",
)
"""Short cases that together exercise most rules."""

MatrixMark: TypeAlias = Literal["killed", "silent", "unreached"]


class Way(NamedTuple):
    """How known-bad clients are played: as processes or in this one, over the queue's native port or by WebSockets."""

    is_process: bool = False
    is_native: bool = False

    def __str__(self) -> str:
        places = [*(["as a process"] if self.is_process else []), *(["over native"] if self.is_native else [])]
        return " ".join(places) or "in process"


PLAIN = Way()
"""In this process, over a WebSocket without a socket."""


@dataclass(slots=True)
class MatrixRow:
    """The outcomes of one known-bad client. `killed_after` is the number of runs until its own rule caught it."""

    client: str
    rule_id: str
    killed_after: int | None = None
    runs: int = 0
    way: Way = PLAIN
    marks: dict[str, MatrixMark] = field(default_factory=dict)
    told_first: str | None = None
    """The rule that a report of these runs tells first."""

    @property
    def mark(self) -> MatrixMark:
        """The mark of its own rule."""
        return self.marks.get(self.rule_id, "unreached")

    @property
    def also(self) -> list[str]:
        """The other rules that the client breaks."""
        return [rule_id for rule_id, mark in self.marks.items() if mark == "killed" and rule_id != self.rule_id]

    def to_json(self) -> JsonObject:
        """The row as `parking-mock matrix --json` prints it."""
        return {
            "client": self.client,
            "rule": self.rule_id,
            "verdict": self.mark,
            "killed_after": self.killed_after,
            "runs": self.runs,
            "also_breaks": self.also,
            "told_first": self.told_first,
        }

    def see(self, outcomes: Mapping[str, Outcome]) -> bool:
        """Add the outcomes of one run. True once its own rule has caught the client."""
        self.runs += 1
        for rule_id, outcome in outcomes.items():
            known = self.marks.get(rule_id, "unreached")
            if outcome.breaches:
                self.marks[rule_id] = "killed"
            elif known == "unreached":
                self.marks[rule_id] = "silent" if outcome.exercised else "unreached"
        if self.killed_after is None and self.mark == "killed":
            self.killed_after = self.runs
        return self.killed_after is not None


def make_client_of(known_bad: KnownBadClient, way: Way = PLAIN) -> MakeClient:
    """Makes a known-bad client; in a process of its own also if its rule can only be judged there."""
    if way.is_process or "process" in RULES[known_bad.rule_id].all_needs:
        return load(f"exec {shim_command(known_bad.client, way)}")
    return over_native(known_bad.client) if way.is_native else known_bad.client


def shim_command(client: type[Client], way: Way = PLAIN) -> str:
    """The command line that runs a client class as a process."""
    name = f"{client.__module__}:{client.__qualname__}"
    options = [NATIVE] if way.is_native else []
    return shlex.join([sys.executable, "-m", "contracts.client.shim", *options, name])


def row_of(
    name: str,
    examples: int = DEFAULT_EXAMPLES,
    seed: int = 0,
    samples: int = SAMPLES,
    *,
    way: Way = PLAIN,
) -> MatrixRow:
    """Play to one known-bad client the cases made for its rule until it is caught, then `samples` runs of others."""
    known_bad = ZOO[name]
    row = MatrixRow(name, known_bad.rule_id, way=way)
    aimed, results = aimed_at([known_bad.rule_id]), list[CaseResult]()
    for case_id in aimed:
        if row.killed_after is None:
            results.append(_explore(row, case_id, examples, seed, until_killed=True))
    for case_id in OTHERS if samples else ():
        if case_id not in aimed:
            results.append(_explore(row, case_id, samples, seed, until_killed=False))
    first = first_told(Check(tuple(RULES.values()), tuple(results)))
    row.told_first = first.rule_id if first else None
    return row


def killed_after(name: str, examples: int = DEFAULT_EXAMPLES, seed: int = 0, *, way: Way = PLAIN) -> int | None:
    """After how many scenarios its own rule catches a known-bad client, as in its row: no other rule is judged."""
    row = MatrixRow(name, ZOO[name].rule_id, way=way)
    for case_id in aimed_at([row.rule_id]):
        if row.killed_after is None:
            _play(row, case_id, (RULES[row.rule_id],), examples, seed, lambda *run: row.see(run[-1]))
    return row.killed_after


def _explore(row: MatrixRow, case_id: str, examples: int, seed: int, *, until_killed: bool) -> CaseResult:
    result = CaseResult(case_id)

    def watch(scenario: Scenario, run: Run, outcomes: dict[str, Outcome]) -> bool:
        result.watch(scenario, run, outcomes)
        return row.see(outcomes) and until_killed

    _play(row, case_id, tuple(RULES.values()), examples, seed, watch)
    return result


def _play(row: MatrixRow, case_id: str, rules: tuple[Rule, ...], examples: int, seed: int, watch: Watch) -> None:
    """Play scenarios of a case to the client of a row, until `watch` has seen enough or this process is to end."""
    if not end_requested():
        client = make_client_of(ZOO[row.client], row.way)
        exploration = Exploration(client, rules, examples, seed, shrink=False)
        exploration.of(CASES[case_id], lambda *run: watch(*run) or end_requested())


def rows(
    names: Iterable[str] = tuple(ZOO),
    *,
    examples: int = DEFAULT_EXAMPLES,
    seed: int = 0,
    samples: int = SAMPLES,
    jobs: int = 1,
    way: Way = PLAIN,
    on_row: Callable[[MatrixRow], None] = lambda _: None,
) -> list[MatrixRow]:
    """The rows of some known-bad clients, made in `jobs` processes; `on_row` is called with each when it is done."""
    make = partial(row_of, examples=examples, seed=seed, samples=samples, way=way)
    if jobs == 1:
        return [_reported(row, on_row) for row in map(make, names)]
    with worker_pool(jobs) as pool:
        return [_reported(row, on_row) for row in pool.map(partial(_made, make), names)]


def _made(make: Callable[[str], MatrixRow], name: str) -> MatrixRow:
    """The row of a client; an empty one if this worker is asked to end."""
    made = [MatrixRow(name, ZOO[name].rule_id)]
    run_until_end_requested(lambda: made.append(make(name)))
    return made[-1]


def _reported(row: MatrixRow, on_row: Callable[[MatrixRow], None]) -> MatrixRow:
    on_row(row)
    return row


def survivors(made: Iterable[MatrixRow]) -> list[MatrixRow]:
    """The known-bad clients of must-rules that were not caught by their own rule."""
    return [row for row in made if RULES[row.rule_id].level == "must" and row.mark != "killed"]


def told_first_text(told: Mapping[str, str | None]) -> str:
    """For how many known-bad clients a report tells the rule first that names the defect, and what it tells for others.

    `told` has the rule that is told first for each client that breaks any.
    """
    right = [name for name, rule_id in told.items() if rule_id == ZOO[name].rule_id]
    others = [f"{name}: {rule_id}" for name, rule_id in told.items() if name not in right]
    share = f"{len(right)} of {len(told)} ({len(right) / max(1, len(told)):.0%})"
    return f"the rule that names the defect is told first for {share}" + (f"; {', '.join(others)}" if others else "")


def unproven() -> list[str]:
    """The must-rules without a known-bad client: nothing shows that they can fail."""
    proven = {known_bad.rule_id for known_bad in ZOO.values()}
    return [rule.id for rule in RULES.values() if rule.level == "must" and rule.id not in proven]


def differences(there: Iterable[MatrixRow], here: Iterable[MatrixRow]) -> list[str]:
    """The rules that a client breaks only in one of two ways, of those that can be judged in both."""
    plain = {row.client: row for row in here}
    return [
        f"{row.client} {rule_id}: {mark} {row.way}, {known} {plain[row.client].way}"
        for row in there
        for rule_id, mark in row.marks.items()
        if not (row.way.is_process and "process" in RULES[rule_id].all_needs)
        and "killed" in (mark, known := plain[row.client].marks.get(rule_id, "unreached"))
        and mark != known
    ]
