"""Tests of the rules of counting."""

from collections.abc import Sequence

import pytest

from contracts.cases import CASES as ALL_CASES
from contracts.cases.base import Case
from contracts.cases.counting import CASES, paging
from contracts.check.explore import Exploration
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.clients.zoo import counting as zoo
from contracts.play.scenario import BEGIN, Deletes, Happens, Scenario, Step, Strikes
from contracts.rules.base import Outcome
from contracts.rules.counting import REDELIVERIES
from contracts.rules.counting import RULES as BOOK
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, SECOND
from tests.contracts.support import broken, kept, killed_in, outcome, played
from tests.support import SEEDS, sampled

AT = BEGIN + 10 * MINUTE
LATE = BEGIN + 58 * MINUTE


def story(*steps: Step, lots: Sequence[str] = ("tuya",), hours: int = 2) -> Scenario:
    """What is enough for two questions about the first hour."""
    return Scenario(steps=steps, lots=tuple(lots), runs_ms=hours * HOUR, settles=False)


ONE = story(Happens(AT, "r1"))
DOUBLED = story(Happens(AT, "r1", copies=2))
LOST = story(Happens(AT, "r1"), Happens(AT, "r2", copies=0))
ONCE_MORE = story(Strikes(AT, FaultKind.SOCKET_CLOSE, skip=1), Happens(AT, "r1", copies=2))
LOST_TWO = story(Happens(AT, "r1"), Happens(AT, "r2", copies=0), Happens(AT, "r3", copies=0))
SAME_PLATE = story(Happens(AT, "r1"), Happens(AT + 40 * MINUTE, "r2"))
SAME_MINUTE = story(Happens(AT, "r1"), Happens(AT + SECOND, "r2"))
THREE_LINES = story(Happens(AT, "r1"), Happens(AT, "r2", kind="bill"), Happens(AT, "r3", kind="bill"))
LEAVING = story(Happens(AT, "r1", kind="leave"), Happens(AT, "r2", kind="leave"), Happens(AT, "r3", kind="bill"))
TWO_LOTS = story(Happens(AT, "r1"), Happens(AT, "r2", lot=1), Happens(AT, "r3", lot=1), lots=("tuya", "tuya"))
A_LITTLE_LATE = story(Happens(LATE, "r1", delay_ms=4 * MINUTE))
LOST_AND_LATE = story(Happens(LATE, "r1", delay_ms=4 * MINUTE), Happens(AT, "r2", copies=0))
NO_PLATE = story(Happens(AT, "r1", plate=""))
NO_FEE = story(Happens(AT, "r1", kind="bill", details={"payable_amount": 0, "paid_amount": 0}))
WHITE_LIST = story(Happens(AT, "r1", details={"car_type": 0}))
CORRECTED = story(Happens(AT, "r1", many=3), Happens(AT + 5 * MINUTE, "r1", event=AT, plate="京B10002"))
PAGE = paging((1001,))
DAMAGED = story(Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, times=1000), Happens(AT, "r1"), hours=1)
DELETED = story(Happens(AT, "r1"), Happens(AT, "r2"), Deletes(LATE, "r2"))

KILLS = [
    ("CNT-TRUTH", ONE, zoo.CountsOneMore),
    ("CNT-RECORD-ID", DOUBLED, zoo.CountsDeliveries),
    ("CNT-RECORD-ID", ONCE_MORE, zoo.CountsDeliveries),
    ("CNT-NOT-MSG-ID", LOST, zoo.CountsMessageIds),
    ("CNT-NOT-COARSE", SAME_PLATE, zoo.KeepsOneRecordForEachPlate),
    ("CNT-NOT-COARSE", SAME_MINUTE, zoo.KeepsOneRecordForEachPlateAndMinute),
    ("CNT-DIRECTION", ONE, zoo.CountsBothDirections),
    ("CNT-DIRECTION", ONE, zoo.SwapsDirections),
    ("CNT-TYPE", LEAVING, zoo.CountsLeavingPassesAsBills),
    ("CNT-TYPE", THREE_LINES, zoo.CountsBillsAsLeavingPasses),
    ("CNT-DEVICE", TWO_LOTS, zoo.CountsTheWholeProject),
    ("CNT-EVENT-TIME", A_LITTLE_LATE, zoo.CountsByArrival),
    ("CNT-REREPORT-TIME", LOST, zoo.TakesTheMessagesTimeForRereports),
    ("CNT-NO-FILTER", NO_PLATE, zoo.LeavesOutRecordsWithoutPlate),
    ("CNT-NO-FILTER", NO_FEE, zoo.LeavesOutBillsOfNothing),
    ("CNT-NO-FILTER", WHITE_LIST, zoo.LeavesOutWhiteLists),
    ("CNT-FRESH", LOST, zoo.KeepsTheFirstCount),
    ("CNT-CORRECTION", CORRECTED, zoo.CountsCorrectionsAgain),
    ("CNT-SNAPSHOT", A_LITTLE_LATE, zoo.CountsInALaggingCopy),
    ("CNT-PAGING", PAGE, zoo.CountsOnePage),
    ("CNT-QUARANTINE", DAMAGED, zoo.RefusesUnreadableMessagesForEver),
    ("CNT-NO-LIE", DELETED, zoo.ClaimsWhatTheLotWants),
]


@pytest.mark.parametrize(("rule_id", "scenario", "client"), KILLS)
def test_a_defect_breaks_its_rule(rule_id: str, scenario: Scenario, client: type[ReferenceClient]) -> None:
    """In the smallest story that shows the defect; the reference client is tried there and keeps the rule."""
    assert broken(rule_id, scenario, client)
    assert kept(rule_id, scenario)


NOTHING = story()
UNTRIED = [
    ("CNT-TRUTH", NOTHING),
    ("CNT-RECORD-ID", ONE),
    ("CNT-NOT-MSG-ID", ONE),
    ("CNT-NOT-COARSE", ONE),
    ("CNT-DIRECTION", NO_FEE),
    ("CNT-TYPE", NOTHING),
    ("CNT-DEVICE", ONE),
    ("CNT-EVENT-TIME", ONE),
    ("CNT-REREPORT-TIME", A_LITTLE_LATE),
    ("CNT-NO-FILTER", ONE),
    ("CNT-FRESH", ONE),
    ("CNT-CORRECTION", DOUBLED),
    ("CNT-SNAPSHOT", NOTHING),
    ("CNT-PAGING", ONE),
    ("CNT-QUARANTINE", ONE),
    ("CNT-NO-LIE", LOST),
]


@pytest.mark.parametrize(("rule_id", "scenario"), UNTRIED)
def test_a_rule_is_not_exercised_where_its_defect_does_not_show(rule_id: str, scenario: Scenario) -> None:
    """A client that could have the defect all the same gets no green mark for it."""
    assert outcome(rule_id, played(scenario, ReferenceClient)) == Outcome(exercised=False)


def test_every_rule_is_tried_and_left_untried() -> None:
    """The two tables above forget no rule of the book."""
    ids = {rule.id for rule in BOOK}
    assert {rule_id for rule_id, _, _ in KILLS} == ids
    assert {rule_id for rule_id, _ in UNTRIED} == ids


NEIGHBOURS = [
    ("CNT-RECORD-ID", DOUBLED, zoo.CountsOneMore),
    ("CNT-RECORD-ID", ONCE_MORE, zoo.CountsMessageIds),
    ("CNT-NOT-MSG-ID", ONCE_MORE, zoo.CountsDeliveries),
    ("CNT-DIRECTION", LEAVING, zoo.CountsLeavingPassesAsBills),
    ("CNT-TYPE", LEAVING, zoo.CountsBothDirections),
    ("CNT-EVENT-TIME", LOST_AND_LATE, zoo.TakesTheMessagesTimeForRereports),
    ("CNT-REREPORT-TIME", LOST_AND_LATE, zoo.CountsByArrival),
    ("CNT-FRESH", LOST_TWO, zoo.CountsOneMore),
    ("CNT-NOT-COARSE", CORRECTED, zoo.CountsCorrectionsAgain),
    ("CNT-CORRECTION", CORRECTED, zoo.KeepsOneRecordForEachPlate),
    ("CNT-QUARANTINE", DAMAGED, zoo.CountsOneMore),
]


@pytest.mark.parametrize(("rule_id", "scenario", "client"), NEIGHBOURS)
def test_a_rule_is_not_blamed_on_a_neighbour(rule_id: str, scenario: Scenario, client: type[ReferenceClient]) -> None:
    """Another defect is caught, and this rule, though it was exercised, is not said to be broken."""
    run = played(scenario, client)
    assert outcome(rule_id, run).exercised
    assert not outcome(rule_id, run).breaches
    assert any(rule.check(run).breaches for rule in BOOK) or rule_id == "CNT-QUARANTINE"


def test_a_breach_names_the_cell_the_numbers_and_the_defect() -> None:
    """Whoever wrote the client reads what was claimed, what was right, of which records, and what the client does."""
    (breach,) = outcome("CNT-RECORD-ID", played(DOUBLED, zoo.CountsDeliveries)).breaches
    assert "claimed 2 for lot 6ce0000000000001, passes, enter," in breach.message
    assert breach.message.endswith("where 1 was right (r1): the client counts every delivery")


def test_what_is_deleted_is_no_reason_to_blame_a_true_count() -> None:
    """The lot has one record less than the client was told of, and the count of the client is true."""
    run = played(DELETED, ReferenceClient)
    assert any(not claim.equal for claim in run.claims)
    assert kept("CNT-TRUTH", DELETED)


@pytest.mark.parametrize("corrected_to", [{"kind": "leave"}, {"event": AT + 3 * HOUR}])
def test_a_record_that_a_correction_moves_may_count_in_either_place(corrected_to: dict[str, object]) -> None:
    """Nobody can tell whether a client has had the newer version yet: neither count is held against it."""
    moved = Happens(**{"at": LATE + 20 * MINUTE, "name": "r1", "event": AT} | corrected_to)  # type: ignore[arg-type]  # the fields of a step
    assert kept("CNT-TRUTH", story(Happens(AT, "r1"), Happens(AT, "r2"), moved))


def test_no_client_is_blamed_for_a_time_that_only_the_lot_knows() -> None:
    """Where the lot goes by when it got a record, the time in the record is good enough for CNT-TRUTH."""
    steps = (Happens(AT + HOUR, "r1", event=AT), Happens(AT, "r2"))
    assert kept("CNT-TRUTH", Scenario(steps, profile={"base": "lot-time"}, runs_ms=2 * HOUR, settles=False))


def test_a_message_is_asked_for_again_before_it_is_set_aside() -> None:
    """The reference client refuses it three times; nobody has to put up with it more often than the rule says."""
    run = played(DAMAGED, ReferenceClient)
    (first, *again) = [each for each in run.deliveries if each.record and each.origin == "uplink"]
    assert first.refused_seq is not None
    assert again[-1].acked_seq is not None
    assert len(again) <= REDELIVERIES


@pytest.mark.parametrize(("most", "is_kept"), [(REDELIVERIES, True), (REDELIVERIES + 1, False)])
def test_the_twentieth_redelivery_is_the_last_that_a_client_may_ask_for(most: int, is_kept: bool) -> None:  # noqa: FBT001 a table
    """One that sets a message aside then keeps CNT-QUARANTINE, one that does so a redelivery later breaks it."""

    class SetsAside(ReferenceClient):
        def asks_again(self, message_id: str) -> bool:
            """As often as the rule says."""
            times = self._unreadable.pop(message_id, 0)
            self._unreadable[message_id] = times + 1
            return times < most

    run = played(DAMAGED, SetsAside)
    assert max(each.redelivery_count for each in run.deliveries if each.origin == "uplink") == most
    assert outcome("CNT-QUARANTINE", run).exercised
    assert bool(outcome("CNT-QUARANTINE", run).breaches) != is_kept


CNT_ANIMALS = [animal for animal in ZOO.values() if animal.client.__module__ == zoo.__name__]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("animal", sampled(CNT_ANIMALS, every=6), ids=lambda animal: animal.name)
def test_every_animal_is_killed_by_its_rule_in_each_case_made_for_it(animal: KnownBadClient, seed: int) -> None:
    """At any seed, with as many examples as there are by default.

    Clients of strangers' defects are not: what most of them need, such as ids that differ in their blanks, no more than
    one of the cases draws, and that of ids is drawn in one of four scenarios. `fixtures/matrix.json` has the seeds.
    """
    cases = [case for case in ALL_CASES.values() if animal.rule_id in case.aims]
    assert cases
    assert [case.id for case in cases if not killed_in([case], animal, seed)] == []


@pytest.mark.parametrize("case", sampled(CASES, every=8), ids=lambda case: case.id)
def test_the_reference_client_is_tried_by_every_aimed_rule_and_keeps_all(case: Case) -> None:
    """Ten scenarios of each case."""
    exercised: set[str] = set()

    def watch(scenario: Scenario, _: Run, outcomes: dict[str, Outcome]) -> bool:
        assert not {rule_id: found.breaches for rule_id, found in outcomes.items() if found.breaches}, scenario
        exercised.update(rule_id for rule_id, found in outcomes.items() if found.exercised)
        return False

    Exploration(ReferenceClient, tuple(BOOK), examples=10, seed=1, shrink=False).of(case, watch)
    assert exercised >= set(case.aims) & {rule.id for rule in BOOK}
