"""Every small history, played to the whole reference client."""

from collections.abc import Iterator

import pytest

from contracts.client.interface import MakeClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import Scenario
from contracts.proof.exhaustive.histories import Played, Scope, Violation, every
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from contracts.proof.exhaustive.whole_client import ClientStage
from contracts.run.run import Run, run_of
from mock_server.history.events import FaultInjected
from mock_server.model import Cell


def played(scope: Scope, make_client: MakeClient = ReferenceClient) -> Iterator[tuple[Played, ClientStage]]:
    """Every history, each with the stage as it is behind it."""
    odometer = Odometer()
    stage = ClientStage(scope, odometer, make_client)
    return ((each, stage) for each in every(stage.play, odometer))


@pytest.mark.parametrize("scope", [Scope(records=2, faults=1), Scope(records=1, faults=2)], ids=str)
def test_the_reference_client_converges_and_claims_what_it_can_know(scope: Scope) -> None:
    """After every small history it agrees with the lot, has every record, and never left the bracket."""
    tally = ExhaustiveTotals()
    for each, _ in played(scope):
        tally.take(each)
    assert not tally.smallest
    assert max(tally.histories) == (scope.records, scope.faults)


def test_a_wrong_client_is_caught_by_the_smallest_history() -> None:
    """One doubled record shows that deliveries are counted; a record alone does not."""
    tally = ExhaustiveTotals()
    for each, _ in played(Scope(records=1, faults=1, at_end=False), CountsDeliveries):
        tally.take(each)
    assert tally.smallest[Violation.BRACKET].told == ("r1 enters", "r1: twice")
    assert min(tally.seen[Violation.BRACKET]) == (1, 1)


def faults_of(run: Run) -> list[tuple[int, str, str]]:
    """Every fault that struck, and when."""
    return [
        (entry.time, entry.event.fault, entry.event.site)
        for entry in run.entries
        if isinstance(entry.event, FaultInjected)
    ]


def claims_of(run: Run) -> list[tuple[int, Cell, int, int | None]]:
    """Every claim, when it was made, and what the lot had."""
    return [(claim.time, claim.cell, claim.claimed, claim.counted) for claim in run.claims]


def test_a_history_can_be_told_as_a_scenario() -> None:
    """The scenario is as large as the history, survives being written, and repeats its faults and claims."""
    for place, (each, stage) in enumerate(played(Scope(records=1, faults=2, at_end=False))):
        assert stage.scenario.size[:2] == each.size
        if place % 9 == 0 and stage.run is not None:
            again = run_of(Scenario.from_json(stage.scenario.to_json()), ReferenceClient)
            assert faults_of(again) == faults_of(stage.run)
            assert claims_of(again) == claims_of(stage.run)
