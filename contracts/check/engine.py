"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hypothesis.database import ExampleDatabase

from contracts.cases import CASES, case_of
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration
from contracts.check.known_failing import NOTHING_KNOWN, KnownFailing
from contracts.check.results import CaseResult, Check, HarnessFailure
from contracts.check.shrinking import MOST_SHRUNK, Shrink, worth_shrinking
from contracts.check.workers import (
    end_requested,
    end_workers,
    is_enough,
    kill_workers,
    run_until_end_requested,
    say_enough,
    signals_blocked,
    tell,
    this_process_as_worker,
    worker_place,
    worker_pool,
)
from contracts.client.interface import MakeClient
from contracts.client.process import PATIENCE_S
from contracts.play.attachment import load
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import LEVELS, Level, Outcome, Rule
from contracts.run.run import Run
from mock_server.clock import monotonic_s
from mock_server.model import JsonObject
from mock_server.words import shortened


@dataclass(frozen=True, slots=True)
class Plan:
    """How a client is checked: which rules and cases, with how many examples of each case and from which seed.

    `stated` is what the client's users say of their own cloud: what contradicts it is not played.
    The rules in `required` must be exercised. With `fail_fast` a check ends at the first failure, not known, of a rule
    of at least this level. So many failures as `shrunk` says are made small. A quick check
    has `left_out` so many of the selected cases. Should-rules are held as must-rules if it `is_strict`.
    """

    rule_ids: tuple[str, ...] = tuple(RULES)
    case_ids: tuple[str, ...] = tuple(CASES)
    examples: int = DEFAULT_EXAMPLES
    seed: int | None = 0
    shrink: bool = True
    database: ExampleDatabase | None = None
    patience_s: float = PATIENCE_S
    known: KnownFailing = NOTHING_KNOWN
    required: tuple[str, ...] = ()
    stated: JsonObject = field(default_factory=dict)
    fail_fast: Level | None = None
    shrunk: int = MOST_SHRUNK
    left_out: int = 0
    is_strict: bool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, at the levels at which they are held."""
        return tuple(self._held(RULES[rule_id]) for rule_id in self.rule_ids)

    def _held(self, rule: Rule) -> Rule:
        edition = self.known.edition
        rule = rule if edition is None else edition.held(rule)
        return replace(rule, level="must") if self.is_strict and rule.level == "should" else rule

    def ends(self, case_id: str, broken: Iterable[str]) -> bool:
        """Whether rules that are broken in a case end the check."""
        held = () if self.fail_fast is None else LEVELS[: LEVELS.index(self.fail_fast) + 1]
        return any(self._held(RULES[each]).level in held and not self.known.covers(each, case_id) for each in broken)

    def is_ended_by(self, result: CaseResult) -> bool:
        """Whether what failed in a case ends the check."""
        return self.ends(result.case, (rule_id for rule_id, each in result.by_rule.items() if each.failure))

    @property
    def _is_repeatable(self) -> bool:
        """Whether a second exploration of a case draws the same scenarios."""
        return self.seed is not None and self.database is None

    @property
    def first(self) -> "Plan":
        """The plan by which all cases are played: what fails is made small later, if it can be drawn again."""
        return replace(self, shrink=self.shrink and not self._is_repeatable)

    def small(self, found: Check) -> list[Shrink]:
        """The failures to be made small after that."""
        return worth_shrinking(found, self.known, self.shrunk) if self.shrink and self._is_repeatable else []


FOUND_SHOWN = 300
"""The longest message of what was found that is told at once; the story has all of it."""

LIFELESS_CASES = 3
"""After so many cases, from the first on, in whose runs the client never stayed alive, a check is given up."""


class Found(NamedTuple):
    """A rule is broken in a case: told at once, before its failure has been made small."""

    rule_id: str
    case: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """What a check calls on its way: with each case when its turn comes, when it is done, and with what was found.

    `on_found` may be called from another thread, and several times for one rule.
    """

    on_begin: Callable[[str], None] = lambda _: None
    on_case: Callable[[CaseResult], None] = lambda _: None
    on_found: Callable[[Found], None] = lambda _: None


UNSEEN = CheckProgress()
"""Nobody looks."""


def check(make_client: MakeClient, plan: Plan, progress: CheckProgress = UNSEEN) -> Check:
    """Explore the cases one after the other, in this process, until it is interrupted; then make failures small."""
    results: list[CaseResult] = []
    try:
        for case_id in plan.case_ids:
            progress.on_begin(case_id)
            results.append(CaseResult(case_id))
            _explore(lambda: make_client, plan.first, results[-1], progress.on_found)
            if end_requested():
                raise KeyboardInterrupt  # noqa: TRY301 as if the signal had come at this line
            progress.on_case(results[-1])
            if results[-1].harness_failure or plan.is_ended_by(results[-1]):
                break
            if len(results) < len(plan.case_ids) and _is_hopeless(results):
                return Check(plan.rules, tuple(results), given_up=True)
    except KeyboardInterrupt:
        return Check(plan.rules, _played(results), interrupted=True)
    found = Check(plan.rules, tuple(results), stopped=any(plan.is_ended_by(each) for each in results))
    return _made_small(found, (_shrink(lambda: make_client, plan, each) for each in plan.small(found)))


def check_in_parallel(client: str, plan: Plan, jobs: int, progress: CheckProgress = UNSEEN) -> Check:
    """The same for the client of a spec, in `jobs` processes. The verdicts do not depend on their number.

    A single case is played in this process: a worker takes longer to start than most of them to play.
    """
    if min(jobs, len(plan.case_ids)) == 1:
        with this_process_as_worker():
            return check(load(client, plan.patience_s), plan, progress)
    with worker_pool(jobs, progress.on_found) as pool:
        found = _check_in(pool, client, plan, progress)
        return _made_small(found, _shrink_in(pool, client, plan, plan.small(found)))


def _check_in(pool: ProcessPoolExecutor, client: str, plan: Plan, progress: CheckProgress) -> Check:
    """Explore the cases in a pool."""
    results: list[CaseResult] = []
    with signals_blocked():
        futures = [pool.submit(_explore_loaded, client, plan.first, case_id) for case_id in plan.case_ids]
    try:
        for case_id, future in zip(plan.case_ids, futures, strict=True):
            progress.on_begin(case_id)
            results.append(_result(case_id, future))
            progress.on_case(results[-1])
            if results[-1].harness_failure:
                return Check(plan.rules, _end_early(futures, results[-1]))
            if len(results) < len(futures) and not is_enough() and _is_hopeless(results):
                _end_early(futures)
                return Check(plan.rules, tuple(results), given_up=True)
    except KeyboardInterrupt:
        return Check(plan.rules, _end_early(futures), interrupted=True)
    return Check(plan.rules, _played(results) if is_enough() else tuple(results), stopped=is_enough())


def _made_small(found: Check, smaller: Iterable[CaseResult]) -> Check:
    """A check with its failures made small, unless it is over before that."""
    if found.interrupted or found.given_up or found.harness_failure:
        return found
    results: list[CaseResult] = []
    is_interrupted = False
    try:
        results.extend(smaller)
    except KeyboardInterrupt:
        is_interrupted = True
    return replace(found.with_more(results), interrupted=is_interrupted)


def _shrink_in(pool: ProcessPoolExecutor, client: str, plan: Plan, shrinks: Sequence[Shrink]) -> Iterator[CaseResult]:
    futures = [pool.submit(_shrink_loaded, client, plan, each) for each in shrinks]
    try:
        for each, future in zip(shrinks, futures, strict=True):
            yield _result(each.case, future)
    except KeyboardInterrupt:
        _end_early(futures)
        raise


def _shrink_loaded(client: str, plan: Plan, shrink: Shrink) -> CaseResult:
    result = CaseResult(shrink.case)
    run_until_end_requested(lambda: _shrink(lambda: _loaded(client, plan), plan, shrink, result))
    return result


def _shrink(
    maker: Callable[[], MakeClient], plan: Plan, shrink: Shrink, result: CaseResult | None = None
) -> CaseResult:
    """Make one failure small. KeyboardInterrupt if this process is asked to end."""
    result = CaseResult(shrink.case) if result is None else result
    _explore(maker, replace(plan, fail_fast=None), result, shrink=shrink)
    if end_requested():
        raise KeyboardInterrupt
    return result


def _is_hopeless(results: Sequence[CaseResult]) -> bool:
    """Whether there have been `LIFELESS_CASES` cases, and the client did not stay alive in any run of any of them."""
    return len(results) >= LIFELESS_CASES and all(case.runs == case.lifeless for case in results)


def _result(case_id: str, future: Future[CaseResult]) -> CaseResult:
    """The result of a case; one with a failure of the harness if its worker was killed."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        return CaseResult(case_id, harness_failure=HarnessFailure.of(case_id, error))


def _end_early(futures: Sequence[Future[CaseResult]], *known: CaseResult) -> tuple[CaseResult, ...]:
    """End the workers and return the results so far, those that are `known` first.

    Workers are asked to end with the run that they play. A second Ctrl+C asks again, which breaks the run off; a third
    kills them. Futures are not cancelled: a worker that was asked to end returns an empty result for every further
    case, and a pool that breaks (a worker was killed) raises InvalidStateError when it marks a cancelled future.
    """
    for end in (end_workers, end_workers, kill_workers):
        with suppress(KeyboardInterrupt):
            end()
            return _played(list(_finished(futures, known)))
    return _played(list(_finished(futures, known)))


def _finished(futures: Sequence[Future[CaseResult]], known: Sequence[CaseResult]) -> Iterator[CaseResult]:
    yield from known
    for future in futures:
        with suppress(BrokenProcessPool):  # its worker was killed, or had not started yet
            result = future.result()
            if result.case not in {each.case for each in known}:
                yield result


def _played(results: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    return tuple(result for result in results if result.runs or result.harness_failure)


def _loaded(client: str, plan: Plan) -> MakeClient:
    """The maker of the client of a spec, in a worker."""
    return load(client, plan.patience_s, worker_place())


def _explore_loaded(client: str, plan: Plan, case_id: str) -> CaseResult:
    result = CaseResult(case_id)
    if not is_enough():
        run_until_end_requested(lambda: _explore(lambda: _loaded(client, plan), plan, result, tell))
    return result


def _explore(
    maker: Callable[[], MakeClient],
    plan: Plan,
    result: CaseResult,
    on_found: Callable[[Found], None] = lambda _: None,
    shrink: Shrink | None = None,
) -> None:
    """Explore the case of a result, and note in it if the harness fails at that."""
    try:
        _explore_until_end(maker(), plan, result, on_found, shrink)
    except Exception as error:  # noqa: BLE001 whatever it is, what was played so far is told
        result.harness_failure = HarnessFailure.of(result.case, error)


def explore_case(make_client: MakeClient, plan: Plan, case_id: str) -> CaseResult:
    """Explore one case and make its failures small, until this process is asked to end."""
    result = CaseResult(case_id)
    _explore_until_end(make_client, plan, result, lambda _: None, None)
    return result


def _explore_until_end(
    make_client: MakeClient,
    plan: Plan,
    result: CaseResult,
    on_found: Callable[[Found], None],
    shrink: Shrink | None,
) -> None:
    """Fill a result by exploring its case, also up to an exception. With `shrink` one failure is made small."""

    def watch(scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        is_to_end = end_requested()
        is_over = result.watch(scenario, run, outcomes)
        broken = {rule_id: outcome.breaches[0] for rule_id, outcome in outcomes.items() if outcome.breaches}
        for rule_id, breach in broken.items():
            on_found(Found(rule_id, result.case, shortened(breach.message, FOUND_SHOWN)))
        is_last = plan.ends(result.case, broken)
        if is_last:
            say_enough()
        return is_over or is_to_end or is_last or (plan.fail_fast is not None and is_enough())

    exploration = Exploration(make_client, plan.rules, plan.examples, plan.seed, plan.shrink, plan.database)
    exploration = replace(exploration, stated=plan.stated)
    if shrink is not None:
        exploration = replace(exploration, target=shrink.rule_id, skipped=shrink.number - 1)
    begun_s = monotonic_s()
    try:
        exploration.of(case_of(result.case), watch)
    finally:
        result.seconds += monotonic_s() - begun_s


def aimed_at(rule_ids: Sequence[str]) -> tuple[str, ...]:
    """The cases aimed at one of these rules."""
    return tuple(case.id for case in CASES.values() if set(case.aims) & set(rule_ids))
