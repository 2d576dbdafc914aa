"""Tests of the diagnosis: what is wrong with each client of the zoo that counts wrongly is the only candidate left."""

from collections.abc import Mapping

import pytest

from contracts.cases import CASES
from contracts.check.engine import aimed_at
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis import wrong_identities as identities
from contracts.diagnosis.explain import suspects
from contracts.diagnosis.narrowing import Narrowing
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.play.scenario import BEGIN, Crashes, Happens, Scenario, Strikes
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from tests.contracts.report.support import AT, LOST
from tests.contracts.rules import test_strangers
from tests.support import sampled

CAUSES: dict[str, WrongCounter] = {
    "CountsOneMore": counters.ONE_MORE,
    "CountsDeliveries": identities.DELIVERIES,
    "CountsMessageIds": identities.MESSAGE_IDS,
    "KeepsOneRecordForEachPlate": identities.ONE_ROW_A_PLATE,
    "KeepsOneRecordForEachPlateAndMinute": identities.ONE_ROW_A_PLATE_AND_MINUTE,
    "CountsBothDirections": counters.BOTH_DIRECTIONS,
    "SwapsDirections": counters.OTHER_DIRECTION,
    "CountsLeavingPassesAsBills": counters.LEAVING_AS_BILLS,
    "CountsBillsAsLeavingPasses": counters.BILLS_AS_LEAVING,
    "CountsTheWholeProject": counters.WHOLE_PROJECT,
    "TakesTheMessagesTimeForRereports": counters.REREPORT_TIME,
    "LeavesOutRecordsWithoutPlate": counters.NO_PLATE,
    "LeavesOutBillsOfNothing": counters.ZERO_FEE,
    "LeavesOutWhiteLists": counters.NO_SUBSCRIBERS,
    "KeepsTheFirstCount": counters.CACHED,
    "CountsCorrectionsAgain": identities.CORRECTIONS,
    "CountsInALaggingCopy": counters.LATE[1],
    "CountsOnePage": counters.PAGES[0],
    "CountsBetween": counters.CLOSED_END,
    "AddsRereports": identities.ADDS_REREPORTS,
    "ReplacesTheWindow": counters.REPLACED,
    "StoresWholeSeconds": counters.WHOLE_SECONDS,
    "MovesTheFutureToNow": counters.CLAMPED,
    "GivesStrangersToTheFirstLot": counters.WHOLE_PROJECT,
    "CountsByArrival": counters.ARRIVAL,
    "DropsRereports": counters.CACHED,  # what it drops after the first question is a count that never changes
    "InsertsEachTime": identities.DELIVERIES,
    "DropsTheFuture": counters.NO_FUTURE,
    "StoresLocalTimes": counters.LOCAL_AS_UTC,
    "ReadsTextAsLocalTime": counters.TEXT_AS_LOCAL,
    "TakesSecondsForMilliseconds": counters.SECONDS_AS_MS,
}
"""Each client of the zoo that counts wrongly in a way that is a wrong counter, and which."""

NO_CAUSE = {
    "RefusesUnreadableMessagesForEver": "its claims are right: what it lacks was never readable",
    "ClaimsWhatTheLotWants": "its count is made of what the lot has just sent, not of what it keeps",
    "ReadsAnOldCopy": "how old its copy is changes from one question to the next",
    "DropsExitsWithoutEntry": "what it leaves out depends on another record",
    "SendsSeconds": "its windows are not those of anybody's records",
}
"""Each client of the zoo that counts, or receives, wrongly in a way that is no wrong counter, and why not."""

MESSAGE_TWICE = Scenario(
    (Strikes(AT, FaultKind.SOCKET_CLOSE, skip=1), Happens(AT, "r1", copies=2)), runs_ms=3 * HOUR, settles=False
)
WAITS = Scenario(
    (Crashes(BEGIN + 20 * MINUTE, down_ms=90 * MINUTE), Happens(BEGIN + 30 * MINUTE, "r1")),
    runs_ms=4 * HOUR,
    settles=False,
)
TOO_LATE = Scenario(
    (
        Happens(AT, "r1", delay_ms=12 * MINUTE),
        Happens(AT, "r2", plate="京B10002", copies=0),
        Happens(BEGIN + 58 * MINUTE, "r3", plate="京C10003", delay_ms=9 * MINUTE),
    ),
    runs_ms=3 * HOUR,
    settles=False,
)
TEXTS_IN_BERLIN = Scenario(
    (Happens(AT, "r1"),), runs_ms=10 * HOUR, settles=False, tz="Europe/Berlin", profile={"record_time": "text"}
)
NINE_HOURS_IN = Scenario(
    (Happens(AT + 9 * HOUR, "r1"), Happens(AT + 9 * HOUR, "r2", plate="京B10002")),
    runs_ms=36 * HOUR,
    settles=False,
    profile={"record_time": "s"},
)

TWINS: dict[str, tuple[tuple[WrongCounter, ...], str, Scenario]] = {
    "CountsByArrival": (
        (counters.MESSAGE_TIME,),
        "a message that does not wait on the queue arrives when it is published",
        WAITS,
    ),
    "InsertsEachTime": (
        (identities.MESSAGE_IDS,),
        "in the case for its rule every delivery is that of another message",
        MESSAGE_TWICE,
    ),
    "DropsRereports": (
        (counters.NO_REREPORTS, counters.OLD[0]),
        "nothing but re-reports comes for a window that was asked about, and all of them are old",
        TOO_LATE,
    ),
    "ReadsTextAsLocalTime": (
        (counters.ZONE_AHEAD, counters.ZONE_BEHIND, counters.NO_TEXT),
        "nobody asks about the windows some hours away before the run is at its end",
        TEXTS_IN_BERLIN,
    ),
    "TakesSecondsForMilliseconds": (
        (counters.ZONE_AHEAD, counters.ZONE_BEHIND, counters.ONE_LESS),
        "the same, and there is one record only",
        NINE_HOURS_IN,
    ),
}
"""Whose cause has others beside it in its own cases, which, why, and a history that tells them apart."""


def names(*some: WrongCounter) -> set[str]:
    """Their names."""
    return {counter.name for counter in some}


def narrowed(animal: str, left: set[str], examples: int = DEFAULT_EXAMPLES) -> tuple[bool, Narrowing]:
    """Whether some run of its own cases leaves just these, and what all runs until then leave together."""
    rule_id = ZOO[animal].rule_id
    found = False
    narrowing = Narrowing()

    def watch(_scenario: Scenario, run: Run, _outcomes: Mapping[str, Outcome]) -> bool:
        nonlocal found, narrowing
        narrowing = narrowing.after(run)
        found = found or (bool(run.off_bracket) and names(*suspects(run)) == left)
        return found

    for case_id in aimed_at([rule_id]):
        if not found:
            Exploration(ZOO[animal].client, (RULES[rule_id],), examples, seed=0, shrink=False).of(CASES[case_id], watch)
    return found, narrowing


@pytest.mark.parametrize("animal", sampled(sorted(CAUSES.keys() - TWINS.keys(), reverse=True), every=8))
def test_the_cause_is_the_only_candidate_left(animal: str) -> None:
    """A run of the cases that are made for its rule leaves nothing else, and no run speaks against it."""
    cause = CAUSES[animal].name
    found, narrowing = narrowed(animal, {cause})
    assert found
    assert narrowing.left == (cause,)


@pytest.mark.parametrize("animal", sampled(reversed(TWINS), every=8))
def test_what_cannot_be_told_apart_there_can_be_told_apart(animal: str) -> None:
    """Where its own cases leave others beside the cause, another history leaves the cause alone."""
    others, _, scenario = TWINS[animal]
    assert narrowed(animal, names(CAUSES[animal], *others))[0]
    run = run_of(scenario, ZOO[animal].client)
    assert run.off_bracket
    assert names(*suspects(run)) == names(CAUSES[animal])


@pytest.mark.parametrize("animal", sampled(reversed(NO_CAUSE), every=8))
def test_nothing_is_said_where_nothing_fits(animal: str) -> None:
    """A client that is wrong in another way is not taken for one that counts in one of the known wrong ways."""
    _, narrowing = narrowed(animal, {"nobody"}, examples=10)
    assert not narrowing.runs or narrowing.left == ()


def test_every_client_that_counts_wrongly_has_its_place() -> None:
    """No client that breaks a rule of counting is left out of these tables, or of that of strangers' defects."""
    counting = {animal.name for animal in ZOO.values() if animal.rule_id.startswith("CNT-")}
    assert counting <= CAUSES.keys() | NO_CAUSE.keys() | test_strangers.CAUSES.keys()
    assert not CAUSES.keys() & NO_CAUSE.keys()


def test_a_run_without_a_wrong_claim_has_nothing_to_say() -> None:
    """It leaves everybody, and nobody is narrowed down to."""
    quiet = Narrowing().after(run_of(LOST, ReferenceClient))
    assert quiet == Narrowing()
    assert not quiet.narrows(3)


def test_what_is_left_is_what_all_leave() -> None:
    """In whatever parts the runs are read; only fewer than one run leaves are worth a word."""
    one, other = Narrowing(2, ("a", "b", "c")), Narrowing(3, ("c", "b"))
    assert one.joined(other) == Narrowing(5, ("b", "c"))
    assert one.joined(other).narrows(3)
    assert not one.joined(other).narrows(2)
    assert not Narrowing(1, ()).narrows(2)
