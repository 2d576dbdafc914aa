"""Tests of free exploration, and of making smaller what it finds."""

import pytest

from contracts.check.explore import minimise
from contracts.check.free_exploration import explore_freely
from contracts.check.results import CaseResult, Failure
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import BEGIN, Calms, Happens, Scenario, Step, Syncs
from contracts.rules import RULES
from contracts.run.run import run_of
from mock_server.model import MINUTE

AT = BEGIN + MINUTE


def failures_of(result: CaseResult) -> list[Failure]:
    """The failures of all rules."""
    return [each.failure for each in result.by_rule.values() if each.failure]


@pytest.mark.slow
def test_the_reference_client_breaks_nothing_whatever_happens() -> None:
    """In any order, with every kind of step."""
    result = explore_freely(ReferenceClient, examples=10, seed=5)
    assert not failures_of(result)
    assert (result.runs >= 10, result.died) == (True, 0)


@pytest.mark.slow
def test_what_is_found_is_told_by_the_smallest_scenario() -> None:
    """A seed finds it again, the scenario repeats it, and no step can be left out of it."""
    found, again = (failures_of(explore_freely(CountsDeliveries, examples=10, seed=1)) for _ in range(2))
    assert found[0].scenario == again[0].scenario
    rule = RULES[found[0].rule_id]
    assert found[0].case == "free exploration"
    assert rule.check(run_of(found[0].scenario, CountsDeliveries)).breaches == found[0].breaches
    steps = found[0].scenario.steps
    for place in range(len(steps)):
        without = Scenario(
            steps[:place] + steps[place + 1 :],
            found[0].scenario.lots,
            found[0].scenario.profile,
            runs_ms=found[0].scenario.runs_ms,
        )
        assert not rule.check(run_of(without, CountsDeliveries)).breaches


def test_steps_are_left_out_for_as_long_as_that_helps() -> None:
    """What is left is what breaks, in its order; with no tries left the scenario stays as it is."""
    needed: tuple[Step, ...] = (Happens(AT, "r1"), Happens(AT, "r2"))
    scenario = Scenario((Syncs(AT), needed[0], Calms(AT), needed[1], Syncs(AT)))
    tried: list[Scenario] = []

    def breaks(each: Scenario) -> bool:
        tried.append(each)
        return all(step in each.steps for step in needed)

    assert minimise(scenario, breaks).steps == needed
    assert minimise(scenario, breaks, most=0) == scenario
    assert all(len(each.steps) < len(scenario.steps) for each in tried)
