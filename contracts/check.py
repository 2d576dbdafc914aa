"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce
from multiprocessing import get_context
from typing import TypeAlias

from hypothesis.database import ExampleDatabase

from contracts.adapters.attach import load
from contracts.adapters.process import PATIENCE_S
from contracts.cases import CASES
from contracts.client import MakeClient
from contracts.explore import DEFAULT_EXAMPLES, Exploration
from contracts.rule import LEVELS, Breach, Level, Outcome, Rule
from contracts.rules import RULES
from contracts.run import Run
from contracts.scenario import Scenario
from contracts.suspicion import Suspicion
from contracts.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Failure:
    """The smallest scenario of a case in which a rule was broken, and its run."""

    rule_id: str
    case: str
    scenario: Scenario
    run: Run
    breaches: tuple[Breach, ...]


@dataclass(slots=True)
class Tally:
    """What is known of one rule: in how many runs it was judged, in how many exercised, and the failure to show."""

    judged: int = 0
    exercised: int = 0
    failure: Failure | None = None

    def take(self, failure: Failure | None, *, exercised: int, judged: int = 1) -> None:
        """One more run, or those of another tally."""
        self.judged += judged
        self.exercised += exercised
        known = self.failure
        if failure is not None and (known is None or failure.scenario.size <= known.scenario.size):
            self.failure = failure  # of equal ones the later, which is the plainer

    def verdict(self, rule: Rule) -> Verdict:
        """The verdict; a rule that was never judged needs a verb that the client lacks."""
        breaches = self.failure.breaches if self.failure else ()
        return verdict_of(rule, [Outcome(bool(self.exercised), breaches)] if self.judged else [])


@dataclass(slots=True)
class CaseResult:
    """What one case has shown. `deaths` says of what the client died of itself, if it did.

    `suspicion` is what its wrong claims leave as their cause.
    """

    case: str
    runs: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    suspicion: Suspicion = field(default_factory=Suspicion)

    def watch(self, scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        """One more run. It is enough once the client has hung: every other run would take as long, and show no more."""
        self.runs += 1
        for rule_id, outcome in outcomes.items():
            failure = Failure(rule_id, self.case, scenario, run, outcome.breaches) if outcome.breaches else None
            self.tallies.setdefault(rule_id, Tally()).take(failure, exercised=outcome.exercised)
        self.suspicion = self.suspicion.heard(run)
        if not self.deaths:
            self.deaths = tuple(act.text for act in run.acts_of("died"))
        return bool(run.findings_of("hung"))


@dataclass(frozen=True, slots=True)
class Check:
    """The verdicts on one client."""

    rules: tuple[Rule, ...]
    cases: tuple[CaseResult, ...]

    @property
    def runs(self) -> int:
        """How many scenarios were played."""
        return sum(case.runs for case in self.cases)

    def tally(self, rule: Rule) -> Tally:
        """What is known of a rule over all cases."""
        whole = Tally()
        for case in self.cases:
            tally = case.tallies.get(rule.id)
            if tally is not None:
                whole.take(tally.failure, exercised=tally.exercised, judged=tally.judged)
        return whole

    def failures(self, rule: Rule) -> list[Failure]:
        """The smallest failure of each case in which a rule was broken, the smallest first."""
        found = [tally.failure for case in self.cases if (tally := case.tallies.get(rule.id)) and tally.failure]
        return sorted(found, key=lambda failure: failure.scenario.size)

    def verdict(self, rule: Rule) -> Verdict:
        """What is said of a rule."""
        return self.tally(rule).verdict(rule)

    def suspicion(self, case_id: str) -> Suspicion:
        """What all wrong claims leave as their cause, or those of this case if all have none in common."""
        whole = reduce(Suspicion.joined, (case.suspicion for case in self.cases), Suspicion())
        return whole if whole.left else self._suspicion_of(case_id)

    def _suspicion_of(self, case_id: str) -> Suspicion:
        return next(case.suspicion for case in self.cases if case.case == case_id)

    def broken(self, level: Level = "must") -> list[Rule]:
        """The rules of at least this level that are broken."""
        held = LEVELS[: LEVELS.index(level) + 1]
        return [rule for rule in self.rules if rule.level in held and self.tally(rule).failure is not None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a client is checked: which rules and cases, with how many examples of each case and from which seed."""

    rule_ids: tuple[str, ...] = tuple(RULES)
    case_ids: tuple[str, ...] = tuple(CASES)
    examples: int = DEFAULT_EXAMPLES
    seed: int | None = 0
    shrink: bool = True
    database: ExampleDatabase | None = None
    patience_s: float = PATIENCE_S

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules."""
        return tuple(RULES[rule_id] for rule_id in self.rule_ids)


OnCase: TypeAlias = Callable[[CaseResult], None]


def check(make_client: MakeClient, plan: Plan, on_case: OnCase = lambda _: None) -> Check:
    """Explore the cases one after the other, in this process. `on_case` is told of each when it is done."""
    return Check(plan.rules, tuple(_told(map(partial(explore_case, make_client, plan), plan.case_ids), on_case)))


def check_in_parallel(client: str, plan: Plan, jobs: int, on_case: OnCase = lambda _: None) -> Check:
    """The same for a client that has a name, in several processes. The verdicts do not depend on `jobs`."""
    if jobs == 1:
        return check(load(client, plan.patience_s), plan, on_case)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        done = pool.map(partial(_explore_loaded, client, plan), plan.case_ids)
        return Check(plan.rules, tuple(_told(done, on_case)))


def _told(results: Iterable[CaseResult], on_case: OnCase) -> Iterator[CaseResult]:
    for result in results:
        on_case(result)
        yield result


def _explore_loaded(client: str, plan: Plan, case_id: str) -> CaseResult:
    return explore_case(load(client, plan.patience_s), plan, case_id)


def explore_case(make_client: MakeClient, plan: Plan, case_id: str) -> CaseResult:
    """Explore one case."""
    result = CaseResult(case_id)
    Exploration(make_client, plan.rules, plan.examples, plan.seed, plan.shrink, plan.database).of(
        CASES[case_id], result.watch
    )
    return result


def aimed_at(rule_ids: Sequence[str]) -> tuple[str, ...]:
    """The cases that are made for one of these rules."""
    return tuple(case.id for case in CASES.values() if set(case.aims) & set(rule_ids))
