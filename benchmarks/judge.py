"""The judge: the full rule set over the reference client, here and as a process, and the kill matrix, on all cores.

The floor is a scenario drawn by hypothesis, in as many processes, and played to nobody: a run is told as so many of it.
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
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.play.scenario import Scenario
from contracts.proof import matrix
from contracts.rules import RULES

REFERENCE = "contracts.clients.reference:ReferenceClient"
PROCESS = f"exec {matrix.shim_command(ReferenceClient)}"


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds, examples, elsewhere = (1, 5, 1) if quick else (3, DEFAULT_EXAMPLES, 5)
    jobs = cpu_count() or 1
    works: dict[str, Callable[[int], int]] = {
        "drawn, played to nobody": lambda seed: floor(examples, seed, jobs),
        "the reference client": lambda seed: judged(REFERENCE, examples, seed, jobs),
        "the same as a process": lambda seed: judged(PROCESS, elsewhere, seed, jobs),
        "the kill matrix": lambda seed: sum(row.runs for row in matrix.rows(examples=examples, seed=seed, jobs=jobs)),
    }
    paces: dict[str, list[float]] = {name: [] for name in works}
    for seed in range(rounds):
        for name, work in works.items():
            paces[name].append(pace(work, seed))
    drawn = paces["drawn, played to nobody"]
    rows = [(name, spread([1 / one for one in each], 1), ratio(each, drawn)) for name, each in paces.items()]
    title = f"{len(RULES)} rules, {len(CASES)} cases of {examples} scenarios, {len(ZOO)} known-bad clients"
    show(f"{title}; {rounds} rounds in turns, {jobs} processes", ("", "runs/s", "x floor"), rows)


def pace(work: Callable[[int], int], seed: int) -> float:
    """The seconds that a piece of work takes for each of its runs."""
    began = perf_counter()
    runs = work(seed)
    return (perf_counter() - began) / runs


def judged(client: str, examples: int, seed: int, jobs: int) -> int:
    """A check of the reference client; how many scenarios were played."""
    found = check_in_parallel(client, Plan(examples=examples, seed=seed), jobs)
    broken = [rule.id for rule in found.broken("info")]
    if broken:
        raise AssertionError(f"the reference client breaks {', '.join(broken)}")
    return found.runs


def floor(examples: int, seed: int, jobs: int) -> int:
    """Draw as many scenarios of every case, and do nothing with them; how many there were."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(draw, examples, seed), CASES))
    return examples * len(CASES)


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
