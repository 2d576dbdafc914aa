"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis.database import ExampleDatabase

from contracts.cases import CASES, case_of
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration
from contracts.check.known_failing import NOTHING_KNOWN, KnownFailing
from contracts.check.results import CaseResult, Check, HarnessFailure
from contracts.check.workers import (
    end_requested,
    end_workers,
    kill_workers,
    run_until_end_requested,
    signals_blocked,
    this_process_as_worker,
    worker_place,
    worker_pool,
)
from contracts.client.interface import MakeClient
from contracts.client.process import PATIENCE_S
from contracts.play.attachment import load
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome, Rule
from contracts.run.run import Run
from mock_server.clock import monotonic_s


@dataclass(frozen=True, slots=True)
class Plan:
    """How a client is checked: which rules and cases, with how many examples of each case and from which seed.

    The rules in `required` must be exercised.
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

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules."""
        return tuple(RULES[rule_id] for rule_id in self.rule_ids)


LIFELESS_CASES = 3
"""After so many cases, from the first on, in whose runs the client never stayed alive, a check is given up."""

OnCase: TypeAlias = Callable[[CaseResult], None]
OnBegin: TypeAlias = Callable[[str], None]


def check(
    make_client: MakeClient, plan: Plan, on_case: OnCase = lambda _: None, on_begin: OnBegin = lambda _: None
) -> Check:
    """Explore the cases one after the other, in this process, until it is interrupted.

    `on_begin` is called with each case when its turn comes, `on_case` when it is done.
    """
    results: list[CaseResult] = []
    try:
        for case_id in plan.case_ids:
            on_begin(case_id)
            results.append(CaseResult(case_id))
            _explore(lambda: make_client, plan, results[-1])
            if end_requested():
                raise KeyboardInterrupt  # noqa: TRY301 as if the signal had come at this line
            on_case(results[-1])
            if results[-1].harness_failure:
                break
            if len(results) < len(plan.case_ids) and _is_hopeless(results):
                return Check(plan.rules, tuple(results), given_up=True)
    except KeyboardInterrupt:
        return Check(plan.rules, _played(results), interrupted=True)
    return Check(plan.rules, tuple(results))


def check_in_parallel(
    client: str, plan: Plan, jobs: int, on_case: OnCase = lambda _: None, on_begin: OnBegin = lambda _: None
) -> Check:
    """The same for the client of a spec, in `jobs` processes. The verdicts do not depend on their number."""
    if jobs == 1:
        with this_process_as_worker():
            return check(load(client, plan.patience_s), plan, on_case, on_begin)
    with worker_pool(jobs) as pool:
        results: list[CaseResult] = []
        with signals_blocked():
            futures = [pool.submit(_explore_loaded, client, plan, case_id) for case_id in plan.case_ids]
        try:
            for case_id, future in zip(plan.case_ids, futures, strict=True):
                on_begin(case_id)
                results.append(_result(case_id, future))
                on_case(results[-1])
                if results[-1].harness_failure:
                    return Check(plan.rules, _end_early(futures, results[-1]))
                if len(results) < len(futures) and _is_hopeless(results):
                    _end_early(futures)
                    return Check(plan.rules, tuple(results), given_up=True)
        except KeyboardInterrupt:
            return Check(plan.rules, _end_early(futures), interrupted=True)
        return Check(plan.rules, tuple(results))


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


def _explore_loaded(client: str, plan: Plan, case_id: str) -> CaseResult:
    result = CaseResult(case_id)
    run_until_end_requested(lambda: _explore(lambda: load(client, plan.patience_s, worker_place()), plan, result))
    return result


def _explore(maker: Callable[[], MakeClient], plan: Plan, result: CaseResult) -> None:
    """Explore the case of a result, and note in it if the harness fails at that."""
    try:
        explore_case(maker(), plan, result.case, result)
    except Exception as error:  # noqa: BLE001 whatever it is, what was played so far is told
        result.harness_failure = HarnessFailure.of(result.case, error)


def explore_case(make_client: MakeClient, plan: Plan, case_id: str, result: CaseResult | None = None) -> CaseResult:
    """Explore one case, until this process is asked to end. A `result` that is given is filled even on an exception."""
    result = CaseResult(case_id) if result is None else result

    def watch(scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        is_to_end = end_requested()
        return result.watch(scenario, run, outcomes) or is_to_end

    exploration = Exploration(make_client, plan.rules, plan.examples, plan.seed, plan.shrink, plan.database)
    begun_s = monotonic_s()
    try:
        exploration.of(case_of(case_id), watch)
    finally:
        result.seconds += monotonic_s() - begun_s
    return result


def aimed_at(rule_ids: Sequence[str]) -> tuple[str, ...]:
    """The cases aimed at one of these rules."""
    return tuple(case.id for case in CASES.values() if set(case.aims) & set(rule_ids))
