"""Tests of what every case draws beside what it is about, and of telling it as numbers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.cases import CASES
from contracts.cases.coverage import DIMENSIONS, NAMES, coverage_lines, coverage_of, exercised
from contracts.cases.dimensions import ALIKE, LATER, SHARED, STAYS, in_dimensions, named, with_stays
from contracts.play.scenario import BEGIN, MIDNIGHT, Crashes, Deletes, Happens, Scenario, Strikes, records_of
from mock_server.model import DAY, HOUR, MINUTE
from tests.command_line import run_here

TWO_LOTS = Scenario(
    (
        Happens(BEGIN, "r1"),
        Happens(BEGIN, "r2", kind="bill", event=BEGIN - HOUR),
        Happens(BEGIN, "r3", lot=1),
        Happens(BEGIN + HOUR, "r1", plate="京B10002"),
        Crashes(BEGIN + HOUR),
    ),
    lots=("tuya", "tuya"),
)


def test_a_scenario_can_happen_on_another_day() -> None:
    """Every time in it is so much later, and nothing else is changed."""
    moved = TWO_LOTS.moved(DAY)
    assert moved.begin == BEGIN + DAY
    assert [step.at for step in moved.steps] == [step.at + DAY for step in TWO_LOTS.steps]
    assert [each.event_at for each in records_of(moved)] == [each.event_at + DAY for each in records_of(TWO_LOTS)]
    assert moved.moved(-DAY) == TWO_LOTS


@pytest.mark.parametrize("naming", ALIKE)
def test_ids_that_are_alike_are_different(naming: str) -> None:
    """Each record keeps an id of its own, in whichever form, and a correction that of what it corrects."""
    several = Scenario(tuple(Happens(BEGIN, name) for name in ("r1", "r2", "r1", "r3")))
    ids = [each.name for each in records_of(named(several, naming))]
    assert ids[2] == ids[0]
    assert len(set(ids)) == 3
    assert any(name.startswith("ids alike") for name in exercised(named(several, naming)))


def test_an_id_may_be_shared() -> None:
    """By a pass and a bill and by the records of two lots, unless a step means one of them by its id."""
    assert [each.name for each in records_of(named(TWO_LOTS, SHARED))] == ["r1"] * 4
    struck = Scenario((*TWO_LOTS.steps, Strikes(BEGIN, "message.flip-bit", record="r1")), TWO_LOTS.lots)
    assert named(struck, SHARED) == struck


def test_steps_follow_the_ids_of_records() -> None:
    """A deletion is that of the same record under its other id."""
    steps = (Happens(BEGIN, "r1"), Happens(BEGIN, "r2"), Deletes(BEGIN + MINUTE, "r2"))
    one, other, gone = named(Scenario(steps), "case").steps
    assert isinstance(one, Happens)
    assert isinstance(other, Happens)
    assert isinstance(gone, Deletes)
    assert (one.name != other.name, gone.name) == (True, other.name)


@pytest.mark.parametrize("stay", [stay for stay in STAYS if stay])
def test_bills_say_more(stay: dict[str, int]) -> None:
    """Times that are relative to the payment, and amounts; what a bill has already is left as it is."""
    bill = next(each for each in records_of(with_stays(TWO_LOTS, stay)) if each.kind == "bill")
    assert bill.details["enter_time"] == MIDNIGHT + BEGIN - HOUR + stay["enter_time"]
    assert bill.details["paid_amount"] == stay["paid_amount"]
    assert with_stays(with_stays(TWO_LOTS, stay), {"paid_amount": 1}) == with_stays(TWO_LOTS, stay)


@given(in_dimensions(st.just(TWO_LOTS)))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_drawn_is_the_same_scenario(drawn: Scenario) -> None:
    """It has the same steps in the same order, on another day, and can be saved and read again."""
    assert drawn.begin - BEGIN in LATER
    assert [step.at - drawn.begin for step in drawn.steps] == [step.at - BEGIN for step in TWO_LOTS.steps]
    assert Scenario.from_json(drawn.to_json()) == drawn


def test_the_simplest_day_and_ids_are_the_plain_ones() -> None:
    """A failure that does not depend on them is told without them."""
    assert LATER[0] == 0
    assert not STAYS[0]
    assert all(not case.namings[0] for case in CASES.values())


@pytest.mark.slow
def test_every_dimension_is_exercised_at_the_budget_of_a_process() -> None:
    """By some scenario of some case, with five scenarios of each; the figures are those of a check with that seed."""
    found = [coverage_of(case, 5, seed=0) for case in CASES.values()]
    assert {name for case in found for name in case.by_dimension} == set(NAMES)
    lines = list(coverage_lines(found))
    assert sum(line.startswith(tuple(DIMENSIONS)) for line in lines) >= len(NAMES)


def test_the_list_of_cases_tells_their_coverage() -> None:
    """As numbers, of so many scenarios; without `--list` the flag has no effect and is refused."""
    shown = run_here("check", "--list", "--coverage", "--case", "count/lines", "--examples", "4").shown
    assert "count/lines                 4 scenarios" in shown
    assert "one id in two lots" in shown
    assert "has no effect without --list" in run_here("check", "--coverage", "--client", "a:B").shown
