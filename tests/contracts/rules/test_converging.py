"""Tests of the rules of converging."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from contracts.cases.converging import FIRST_ASK, FULL_HOUR, hour_of
from contracts.client.interface import MakeClient, Start
from contracts.clients.record_store import CellRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.clients.zoo.converging import (
    AddsRereports,
    AllAtOnce,
    AsksForEachMessage,
    AsksOnHearing,
    AsksRegardless,
    DoneBySuccess,
    DropsRereports,
    ForgetsItsPlan,
    NeverGivesUp,
    OneAfterTheOther,
    OneCallForEachCell,
    ReadsAnOldCopy,
    TakesOneForAll,
)
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.play.scenario import Crashes, Deletes, GoesOffline, Scenario, Step, Strikes
from contracts.rules.evidence import claims as rounds
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE
from tests.contracts.proof.exhaustive.count_comparison import invisible, rereported_bound, round_bound
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS, sampled


def for_hours(hours: float, *steps: Step) -> Scenario:
    """These steps, and some hours after the last."""
    return Scenario(steps, settles=False, runs_ms=int(hours * HOUR))


PLAIN = Scenario((*hour_of([1]),))
ONE_LOST = Scenario((*hour_of([1, 0]),))
LOST_AGAIN = Scenario((*hour_of([1, 0], again=(0,)),))
ALL_LOST_AGAIN = Scenario((*hour_of([0], again=(0,)),))
BURST = for_hours(1, *hour_of([0, 0, 0]))
TRICKLE = replace(for_hours(1, *hour_of([0] + [1] * 11)), profile={"rereport_spread_ms": 9 * MINUTE})
GONE = for_hours(13, *hour_of([1, 1]), Deletes(FULL_HOUR, "r1"))
BESIDE = for_hours(4.5, *hour_of([1, 1]), Deletes(FULL_HOUR, "r1"), *hour_of([0], at=FULL_HOUR, first=3))
CRASH = Scenario((*hour_of([0], again=(0,)), Crashes(FIRST_ASK + MINUTE, 3 * HOUR)))
MANY = Scenario(begin=FULL_HOUR - MINUTE, lots=("tuya",) * 10, settles=False, runs_ms=8 * MINUTE)
IDLE = for_hours(6)

BROKEN: tuple[tuple[str, MakeClient, Scenario], ...] = (
    ("CONV-REACHES", DropsRereports, ONE_LOST),
    ("CONV-REACHES", TakesOneForAll, LOST_AGAIN),
    ("CONV-REACHES", CountsDeliveries, Scenario((*hour_of([2, 0]),))),
    ("CONV-QUIET", AddsRereports, ONE_LOST),
    ("CONV-NOT-BY-SUCCESS", DoneBySuccess, ALL_LOST_AGAIN),
    ("CONV-DRAIN", AsksRegardless, TRICKLE),
    ("CONV-MIN-INTERVAL", AsksOnHearing, BURST),
    ("CONV-NO-TRIGGER", AsksForEachMessage, BURST),
    ("CONV-GIVE-UP", NeverGivesUp, GONE),
    ("CONV-OTHERS", OneAfterTheOther, BESIDE),
    ("CONV-MONOTONE", ReadsAnOldCopy, PLAIN),
    ("CONV-RESUME", ForgetsItsPlan, CRASH),
    ("CONV-JITTER", AllAtOnce, MANY),
    ("CONV-BUDGET", OneCallForEachCell, IDLE),
)
"""The smallest situations, each with a client that breaks the rule in it."""

UNTOUCHED: Mapping[str, Scenario] = {
    "CONV-REACHES": PLAIN,
    "CONV-QUIET": PLAIN,
    "CONV-NOT-BY-SUCCESS": ONE_LOST,
    "CONV-DRAIN": BURST,
    "CONV-MIN-INTERVAL": PLAIN,
    "CONV-NO-TRIGGER": ONE_LOST,
    "CONV-GIVE-UP": for_hours(13, *hour_of([1, 1])),
    "CONV-OTHERS": GONE,
    "CONV-MONOTONE": for_hours(2),
    "CONV-RESUME": ALL_LOST_AGAIN,
    "CONV-JITTER": replace(MANY, lots=("tuya",) * 9),
    "CONV-BUDGET": for_hours(5),
}
"""Scenarios in which a client with the defect would look like any other."""


@pytest.mark.parametrize(("rule_id", "client", "scenario"), BROKEN)
def test_a_rule_is_broken_by_its_defect_and_kept_by_the_reference(
    rule_id: str, client: MakeClient, scenario: Scenario
) -> None:
    """The smallest situation is enough to tell the two apart."""
    assert broken(rule_id, scenario, client)
    assert kept(rule_id, scenario)


@pytest.mark.parametrize(("rule_id", "scenario"), UNTOUCHED.items())
def test_a_rule_is_not_exercised_without_its_situation(rule_id: str, scenario: Scenario) -> None:
    """Nothing is claimed about a client where its defect could not have shown."""
    found = outcome(rule_id, played(scenario, ReferenceClient))
    assert not found.exercised
    assert not found.breaches


NEIGHBOURS: tuple[tuple[str, MakeClient, Scenario], ...] = (
    ("CONV-REACHES", CountsOneMore, Scenario((*hour_of([1, 0, 0]),))),
    ("CONV-REACHES", DoneBySuccess, ALL_LOST_AGAIN),
    ("CONV-QUIET", NeverGivesUp, GONE),
    ("CONV-QUIET", TakesOneForAll, LOST_AGAIN),
    ("CONV-NOT-BY-SUCCESS", TakesOneForAll, LOST_AGAIN),
    ("CONV-NOT-BY-SUCCESS", ForgetsItsPlan, CRASH),
    ("CONV-RESUME", DoneBySuccess, ALL_LOST_AGAIN),
    ("CONV-DRAIN", AsksOnHearing, BURST),
    ("CONV-NO-TRIGGER", AsksOnHearing, BURST),
    ("CONV-MIN-INTERVAL", AsksRegardless, TRICKLE),
    ("CONV-GIVE-UP", CountsOneMore, for_hours(13, *hour_of([1, 1]))),
    ("CONV-OTHERS", NeverGivesUp, BESIDE),
    ("CONV-MONOTONE", DropsRereports, ONE_LOST),
)


@pytest.mark.parametrize(("rule_id", "client", "scenario"), NEIGHBOURS)
def test_a_rule_does_not_blame_a_neighbours_defect(rule_id: str, client: MakeClient, scenario: Scenario) -> None:
    """What another rule says is not said twice."""
    assert not broken(rule_id, scenario, client)


class HourlyAsker(ReferenceClient):
    """Correct, and in no hurry: it waits an hour after every ask, gives up late, and asks in one go."""

    def scheduled(self, cell: CellRow) -> CellRow:
        """An hour at the least."""
        cell = super().scheduled(cell)
        return cell if cell.due_ms is None else cell._replace(due_ms=max(cell.due_ms, self.now_ms() + HOUR))


SWAPPED = Scenario((*hour_of([1, 0]), Deletes(FULL_HOUR, "r1")))
"""The lot has deleted the one record that the client has, and the client lacks the one that the lot has."""


def test_nobody_is_blamed_for_what_equal_counts_hide() -> None:
    """A silent divergence cannot be known to any client, and is no breach of any rule of converging."""
    run = played(SWAPPED, ReferenceClient)
    cell = run.claims_of[next(cell for cell in run.claims_of if run.in_cell(cell))][-1].cell
    held = {each.name for each in run.in_cell(cell) if each.deliveries}
    kept_by_lot = {each.name for each in run.in_cell(cell) if each.removed_seq is None}
    assert invisible([(held, kept_by_lot)])
    assert not any(outcome(rule_id, run).breaches for rule_id in UNTOUCHED)


def test_a_lot_that_never_agrees_is_no_reason_to_demand_quiet() -> None:
    """The client has all and more: it reached what it could, and its last claim may differ for ever."""
    run = played(Scenario((*hour_of([1, 1, 0, 0]), Deletes(FULL_HOUR, "r1"))), ReferenceClient)
    assert not run.agreed
    assert outcome("CONV-REACHES", run).exercised
    assert not any(outcome(rule_id, run).breaches for rule_id in UNTOUCHED)


def test_a_client_holds_all_within_the_round_bound() -> None:
    """With so many faults as strike a cell, so many syncs of it bring everything, and one more is equal."""
    run = played(Scenario((*hour_of([1, 0, 2], again=(0, 2)),)), ReferenceClient)
    cell = run.rereports[0][1].cell
    strikes = sum(fault.operation.startswith("record ") for _, fault in run.faults)
    claims = run.claims_of[cell]
    needed = next(place for place, claim in enumerate(claims) if not rounds.missing(run, cell, claim.seq))
    assert needed <= round_bound(strikes)
    assert claims[round_bound(strikes)].equal
    assert sum(event.records for _, event in run.rereports) <= rereported_bound(strikes, 3)


def test_a_slower_client_is_not_blamed_either() -> None:
    """The rules hold no client to the reference client's own plan."""
    for scenario in (LOST_AGAIN, ALL_LOST_AGAIN, TRICKLE, BESIDE, CRASH):
        run = played(scenario, HourlyAsker)
        assert not any(outcome(rule_id, run).breaches for rule_id in UNTOUCHED)


def test_a_client_that_cannot_ask_is_not_blamed_for_not_asking() -> None:
    """A lot that stays off line, or refuses for good, is not asked about: nothing is said of success or restarts."""
    away = Scenario((*hour_of([0], again=(0,)), GoesOffline(FIRST_ASK + MINUTE, for_ms=3 * DAY)))
    refused = Scenario(
        (*hour_of([0], again=(0,)), Strikes(FIRST_ASK + MINUTE, FaultKind.ANSWER_REFUSE)), runs_ms=2 * HOUR
    )
    for scenario in (away, refused):
        assert not broken("CONV-NOT-BY-SUCCESS", scenario)
        assert not broken("CONV-REACHES", scenario)


class AsksAfterAStart(ReferenceClient):
    """Correct: it trusts nothing that was under way when its process died."""

    def start(self, start: Start) -> None:
        """Everything that is known is due."""
        super().start(start)
        for device_id in self._lots:
            for cell in self._store.cells_between(device_id, 0, 0, start.now_ms):
                self._store.put_cell(cell._replace(due_ms=start.now_ms))


def test_a_process_that_died_may_ask_again_at_once() -> None:
    """Less than a minute after the ask of the one before it: it cannot know whether that was answered."""
    run = played(Scenario((*hour_of([0]), Crashes(FIRST_ASK + 1_000)), runs_ms=HOUR), AsksAfterAStart)
    pairs = (pair for claims in run.claims_of.values() for pair in pairwise(claims))
    assert any(0 < second.time - first.time < MINUTE for first, second in pairs)
    assert not outcome("CONV-MIN-INTERVAL", run).breaches


def test_a_breach_says_what_is_missing() -> None:
    """The record, the cell and the numbers are in the sentence, and the line is one of the history."""
    run: Run = played(ONE_LOST, DropsRereports)
    breach = outcome("CONV-REACHES", run).breaches[0]
    assert breach.message.startswith("r2 came again and was acknowledged, and still the client claims 1 of 2 records")
    assert any(claim.seq == breach.seq for claim in run.claims)


OWN = [animal for animal in ZOO.values() if animal.client.__module__.endswith("zoo.converging")]


@pytest.mark.parametrize("animal", sampled(OWN, every=3), ids=lambda animal: animal.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_defect_is_found_in_the_cases_that_are_made_for_it(animal: KnownBadClient, seed: int) -> None:
    """At the usual number of examples, whatever the seed."""
    assert killed(animal, seed)
