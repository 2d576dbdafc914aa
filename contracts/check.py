"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from multiprocessing import get_context
from typing import TypeAlias

from hypothesis.database import ExampleDatabase

from contracts.adapters.attach import load
from contracts.adapters.process import PATIENCE_S
from contracts.cases import CASES, case_of
from contracts.client import MakeClient
from contracts.explore import DEFAULT_EXAMPLES, Exploration
from contracts.known_failing import NOTHING_KNOWN, Known, KnownFailing
from contracts.rule import LEVELS, Breach, Level, Outcome, Rule
from contracts.rules import RULES
from contracts.run import Run
from contracts.scenario import Scenario
from contracts.suspicion import Suspicion
from contracts.verdict import Verdict, verdict_of
from contracts.workers import (
    begin_worker,
    end_workers,
    interrupt_held_back,
    kill_workers,
    no_worker_but_this,
    told_to_end,
    until_told_to_end,
)


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

    `never_came` is one that was only to be observed and gave no sign of life; `suspicion` is what its wrong claims
    leave as their cause.
    """

    case: str
    runs: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    never_came: bool = False
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

    def joined(self, other: "CaseResult") -> "CaseResult":
        """What this and the later other have shown together."""
        tallies = {rule_id: Tally() for rule_id in (*self.tallies, *other.tallies)}
        for rule_id, whole in tallies.items():
            for each in (self, other):
                if tally := each.tallies.get(rule_id):
                    whole.take(tally.failure, exercised=tally.exercised, judged=tally.judged)
        return CaseResult(
            self.case,
            self.runs + other.runs,
            tallies,
            self.deaths or other.deaths,
            self.never_came or other.never_came,
            self.suspicion.joined(other.suspicion),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """The verdicts on one client. One that was `interrupted` has only what was played so far."""

    rules: tuple[Rule, ...]
    cases: tuple[CaseResult, ...]
    interrupted: bool = False

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
        """What is said of a rule. What was never come to was not exercised, whatever the client lacks."""
        tally = self.tally(rule)
        return Verdict.NOT_EXERCISED if self.interrupted and not tally.judged else tally.verdict(rule)

    def after(self, earlier: Sequence[CaseResult]) -> "Check":
        """This check with what was played before it."""
        cases = {case.case: case for case in earlier}
        for case in self.cases:
            cases[case.case] = cases[case.case].joined(case) if case.case in cases else case
        return replace(self, cases=tuple(cases.values()))

    def suspicion(self, case_id: str) -> Suspicion:
        """What all wrong claims leave as their cause, or those of this case if all have none in common."""
        whole = reduce(Suspicion.joined, (case.suspicion for case in self.cases), Suspicion())
        return whole if whole.left else self._suspicion_of(case_id)

    def _suspicion_of(self, case_id: str) -> Suspicion:
        return next(case.suspicion for case in self.cases if case.case == case_id)

    def broken(self, level: Level = "must", known: KnownFailing = NOTHING_KNOWN) -> list[Rule]:
        """The rules of at least this level that are broken otherwise than is known."""
        held = LEVELS[: LEVELS.index(level) + 1]
        return [rule for rule in self.rules if rule.level in held and self.unknown(rule, known)]

    def unknown(self, rule: Rule, known: KnownFailing) -> list[Failure]:
        """The failures of a rule that are not known."""
        return [failure for failure in self.failures(rule) if not known.covers(rule.id, failure.case)]

    def surprises(self, known: KnownFailing) -> list[Known]:
        """The lines about rules that were exercised in the cases of the line, and held in every one."""
        return [line for rule in self.rules for line in known.of(rule.id) if self._holds(line)]

    def _holds(self, line: Known) -> bool:
        tallies = [
            tally
            for case in self.cases
            if line.covers(line.rule_id, case.case) and (tally := case.tallies.get(line.rule_id))
        ]
        return any(tally.exercised for tally in tallies) and not any(tally.failure for tally in tallies)


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
    known: KnownFailing = NOTHING_KNOWN

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules."""
        return tuple(RULES[rule_id] for rule_id in self.rule_ids)


OnCase: TypeAlias = Callable[[CaseResult], None]
OnBegin: TypeAlias = Callable[[str], None]


def check(
    make_client: MakeClient, plan: Plan, on_case: OnCase = lambda _: None, on_begin: OnBegin = lambda _: None
) -> Check:
    """Explore the cases one after the other, in this process, until somebody interrupts it.

    `on_begin` is told of each case when its turn comes, `on_case` when it is done.
    """
    results: list[CaseResult] = []
    try:
        for case_id in plan.case_ids:
            on_begin(case_id)
            results.append(CaseResult(case_id))
            explore_case(make_client, plan, case_id, results[-1])
            if told_to_end():
                raise KeyboardInterrupt  # noqa: TRY301 as if it had come up here
            on_case(results[-1])
    except KeyboardInterrupt:
        return Check(plan.rules, _played(results), interrupted=True)
    return Check(plan.rules, tuple(results))


def check_in_parallel(
    client: str, plan: Plan, jobs: int, on_case: OnCase = lambda _: None, on_begin: OnBegin = lambda _: None
) -> Check:
    """The same for a client that has a name, in several processes. The verdicts do not depend on `jobs`."""
    if jobs == 1:
        with no_worker_but_this():
            return check(load(client, plan.patience_s), plan, on_case, on_begin)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=begin_worker) as pool:
        with interrupt_held_back():
            futures = [pool.submit(_explore_loaded, client, plan, case_id) for case_id in plan.case_ids]
        try:
            for case_id, future in zip(plan.case_ids, futures, strict=True):
                on_begin(case_id)
                on_case(future.result())
        except KeyboardInterrupt:
            return Check(plan.rules, _broken_off(futures), interrupted=True)
        return Check(plan.rules, tuple(future.result() for future in futures))


def _broken_off(futures: Sequence[Future[CaseResult]]) -> tuple[CaseResult, ...]:
    """What has been seen so far. Who interrupts again does not want to wait for the end of what is being played.

    No future is cancelled: a worker that is told to end passes the others over, and a pool that breaks meanwhile trips
    over futures that are.
    """
    for end in (end_workers, end_workers, kill_workers):
        with suppress(KeyboardInterrupt):
            end()
            return _played(list(_seen(futures)))
    return _played(list(_seen(futures)))


def _seen(futures: Sequence[Future[CaseResult]]) -> Iterator[CaseResult]:
    for future in futures:
        with suppress(BrokenProcessPool):  # that worker had not even begun
            yield future.result()


def _played(results: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    return tuple(result for result in results if result.runs)


def _explore_loaded(client: str, plan: Plan, case_id: str) -> CaseResult:
    result = CaseResult(case_id)
    until_told_to_end(lambda: explore_case(load(client, plan.patience_s), plan, case_id, result))
    return result


def explore_case(make_client: MakeClient, plan: Plan, case_id: str, result: CaseResult | None = None) -> CaseResult:
    """Explore one case, until this process is told to end. Who gives a `result` has what was seen in any event."""
    result = CaseResult(case_id) if result is None else result

    def watch(scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        return result.watch(scenario, run, outcomes) or told_to_end()

    exploration = Exploration(make_client, plan.rules, plan.examples, plan.seed, plan.shrink, plan.database)
    exploration.of(case_of(case_id), watch)
    return result


def aimed_at(rule_ids: Sequence[str]) -> tuple[str, ...]:
    """The cases that are made for one of these rules."""
    return tuple(case.id for case in CASES.values() if set(case.aims) & set(rule_ids))
