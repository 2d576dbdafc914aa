"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias

from hypothesis.database import ExampleDatabase

from contracts.cases import CASES, case_of
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration
from contracts.check.known_failing import NOTHING_KNOWN, KnownFailing
from contracts.check.results import CaseResult, Check
from contracts.check.workers import (
    begin_worker,
    end_workers,
    interrupt_held_back,
    kill_workers,
    no_worker_but_this,
    told_to_end,
    until_told_to_end,
)
from contracts.client.interface import MakeClient
from contracts.client.process import PATIENCE_S
from contracts.play.attachment import load
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome, Rule
from contracts.run.run import Run


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
