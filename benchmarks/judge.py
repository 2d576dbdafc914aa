"""The judge: the full rule set over the reference client, and the whole kill matrix, on all cores.

The floor is the same number of scenarios drawn by hypothesis, in as many processes, and played to nobody.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from os import cpu_count
from time import perf_counter

import hypothesis
from hypothesis import HealthCheck, Phase, given

from benchmarks.figures import ratio, show, spread
from contracts.cases import CASES
from contracts.check.engine import Plan, check_in_parallel
from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.clients.zoo import ZOO
from contracts.play.scenario import Scenario
from contracts.proof import matrix
from contracts.rules import RULES

REFERENCE = "contracts.clients.reference:ReferenceClient"


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds, examples = (1, 5) if quick else (3, DEFAULT_EXAMPLES)
    jobs = cpu_count() or 1
    works: dict[str, Callable[[int], object]] = {
        "drawn, played to nobody": lambda seed: floor(examples, seed, jobs),
        "the reference client, every rule": lambda seed: judged(examples, seed, jobs),
        "the kill matrix": lambda seed: matrix.rows(examples=examples, seed=seed, jobs=jobs),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for seed in range(rounds):
        for name, work in works.items():
            seconds[name].append(timed(work, seed))
    drawn = seconds["drawn, played to nobody"]
    rows = [(name, spread(each, 1), ratio(each, drawn)) for name, each in seconds.items()]
    title = f"{len(RULES)} rules, {len(CASES)} cases of {examples} scenarios, {len(ZOO)} known-bad clients"
    show(f"{title}; {rounds} rounds in turns, {jobs} processes", ("", "s", "x floor"), rows)


def timed(work: Callable[[int], object], seed: int) -> float:
    """The seconds that a piece of work takes."""
    began = perf_counter()
    work(seed)
    return perf_counter() - began


def judged(examples: int, seed: int, jobs: int) -> None:
    """A check of the reference client."""
    found = check_in_parallel(REFERENCE, Plan(examples=examples, seed=seed), jobs)
    broken = [rule.id for rule in found.broken("info")]
    if broken:
        raise AssertionError(f"the reference client breaks {', '.join(broken)}")


def floor(examples: int, seed: int, jobs: int) -> None:
    """Draw as many scenarios of every case, and do nothing with them."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(draw, examples, seed), CASES))


def draw(examples: int, seed: int, case_id: str) -> None:
    """Draw the scenarios of one case."""

    def nothing(scenario: Scenario) -> None:
        scenario.ordered()

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings(hypothesis.seed(f"{seed} {case_id}")(given(CASES[case_id].scenarios)(nothing)))()
