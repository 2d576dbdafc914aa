"""Tests of exploring: what is drawn, repeated, shrunk and remembered."""

from collections.abc import Mapping

import pytest
from hypothesis.database import InMemoryExampleDatabase

from contracts.cases import CASES
from contracts.cases.base import Case
from contracts.check.explore import Exploration
from contracts.client.interface import Capability, Client, MakeClient, Start, Window
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import Happens, Scenario
from contracts.play.strategies import fates, records, scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run
from mock_server.model import JsonObject

CASE = Case(
    "test/copies", ("CNT-RECORD-ID",), "Some records are lost or doubled.", scenario(records(1, 3, fate=fates()))
)
ONLY = (RULES["CNT-RECORD-ID"],)


class Collector:
    """Notes every scenario, and those that break a rule."""

    def __init__(self, enough: int = 10_000) -> None:
        self.seen: list[Scenario] = []
        self.broken: list[Scenario] = []
        self._enough = enough

    def __call__(self, scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        """One more run."""
        self.seen.append(scenario)
        if any(outcome.breaches for outcome in outcomes.values()):
            self.broken.append(scenario)
        return len(self.seen) >= self._enough


def explored(make_client: MakeClient, enough: int = 10_000, **settings: object) -> Collector:
    """What is seen when a client explores the case."""
    collector = Collector(enough)
    plan: dict[str, object] = {"examples": 15, "seed": 1, **settings}
    Exploration(make_client, ONLY, **plan).of(CASE, collector)  # type: ignore[arg-type]  # settings of a test
    return collector


def test_a_right_client_sees_as_many_scenarios_as_were_asked_for() -> None:
    """And none is broken."""
    found = explored(ReferenceClient)
    assert len(found.seen) == 15
    assert not found.broken


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_seed_repeats_everything() -> None:
    """The same seed draws the same scenarios; another seed draws others."""
    assert explored(ReferenceClient).seen == explored(ReferenceClient).seen
    assert explored(ReferenceClient, seed=2).seen != explored(ReferenceClient).seen


def test_a_failure_is_shrunk_to_one_doubled_record() -> None:
    """The smallest history in which counting deliveries shows."""
    smallest = min(explored(CountsDeliveries).broken, key=lambda each: each.size)
    (record,) = smallest.steps
    assert isinstance(record, Happens)
    assert (record.copies, record.delay_ms, record.again) == (2, 0, ())


@pytest.mark.slow
def test_without_shrinking_every_scenario_is_drawn() -> None:
    """A failure stops nothing."""
    found = explored(CountsDeliveries, shrink=False)
    assert len(found.seen) == 15
    assert len(found.broken) > 1


def test_who_watches_can_have_enough() -> None:
    """Nothing is played after that."""
    assert len(explored(ReferenceClient, enough=3).seen) == 3


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_database_plays_what_failed_first() -> None:
    """Hypothesis' own database remembers a shrunk failure, whatever the seed."""
    database = InMemoryExampleDatabase()
    smallest = min(explored(CountsDeliveries, database=database, seed=None).broken, key=lambda each: each.size)
    (again,) = explored(CountsDeliveries, enough=1, database=database, seed=None).seen
    assert again.size == smallest.size


def test_a_defect_of_the_harness_is_not_swallowed() -> None:
    """What a check raises comes out."""

    def failing(_exports: JsonObject) -> Client:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explored(failing)


class Silent(Client):
    """Does nothing."""

    def start(self, start: Start) -> None:
        """Do nothing."""

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Do nothing."""


def test_a_rule_that_needs_a_verb_is_not_judged_without_it() -> None:
    """It has no outcome at all."""
    outcomes: list[set[str]] = []

    def watch(_scenario: Scenario, _run: Run, found: Mapping[str, Outcome]) -> bool:
        outcomes.append(set(found))
        return True

    Exploration(lambda _: Silent(), tuple(RULES.values()), 1, 0, shrink=False).of(CASE, watch)
    can = {Capability.START, Capability.SYNC, Capability.INSTANCES}
    whole = {rule.id for rule in RULES.values() if not rule.missing(can) and not rule.missing_in_part(can)}
    assert outcomes[0] == whole


def test_ids_of_cases_are_group_and_name() -> None:
    """Each aims at rules that there are, and says what it is in a sentence."""
    for case in CASES.values():
        assert case.id.count("/") == 1
        assert set(case.aims) <= set(RULES)
        assert case.doc.endswith(".")
