"""Tests of the rules of errors."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from contracts.client.interface import MakeClient, Window
from contracts.clients.record_store import LotRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import TIME_INVALID, CallError
from contracts.clients.zoo import errors as zoo
from contracts.clients.zoo.registry import ZOO, KnownBadClient
from contracts.play.recording import Act, ActKind
from contracts.play.scenario import (
    BEGIN,
    MIDNIGHT,
    Calms,
    ClockJumps,
    GoesOffline,
    Happens,
    Scenario,
    Step,
    Strikes,
    Syncs,
)
from contracts.rules.errors_lasting import SAME_TOKEN
from contracts.rules.evidence.errors import PROBES, stubborn
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import RequestAnswered, RequestReceived
from mock_server.history.log import Entry
from mock_server.model import DAY, HOUR, MINUTE, SECOND
from mock_server.profile import Profile
from mock_server.wire.errors import ErrorCode
from mock_server.wire.paths import TOKEN_PATH
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS, sampled

LOST = Happens(BEGIN + MINUTE, "r1", event=BEGIN - 30 * MINUTE, copies=0)
AT = BEGIN + 2 * MINUTE
ALWAYS = 10**6
UNDISTURBED = Scenario((LOST,))


def failing(*kinds: str, value: int | None = None, lasts: int = 30 * MINUTE, times: int = 30) -> Scenario:
    """A lost record, and calls that fail for a while."""
    strikes = [Strikes(AT, kind, value, times=times) for kind in kinds]
    return Scenario((LOST, *strikes, Calms(AT + lasts)))


def for_long(*kinds: str) -> Scenario:
    """A lost record, and calls that fail for more than a day."""
    return failing(*kinds, lasts=DAY + HOUR, times=ALWAYS)


def watched(*steps: Step, lots: tuple[str, ...] = ("tuya",), runs_ms: int = 7 * HOUR) -> Scenario:
    """Steps, and some hours without a settlement."""
    return Scenario(steps, lots=lots, settles=False, runs_ms=runs_ms)


MIXED = ("tuya", "jieshun")
REFUSED_SIGN = watched(Strikes(AT, FaultKind.ANSWER_REFUSE, 1004, times=ALWAYS))
REFUSED_TOKEN_SIGN = watched(Strikes(AT, FaultKind.ANSWER_REFUSE, 1004, times=ALWAYS, path=TOKEN_PATH))
REFUSED = watched(Strikes(AT, FaultKind.ANSWER_REFUSE, 2010, times=ALWAYS))
OFFLINE = Scenario((LOST, GoesOffline(AT, for_ms=3 * HOUR)))
DEAD_TOKEN = watched(Strikes(AT, FaultKind.TOKEN_EXPIRE, times=3), runs_ms=90 * MINUTE)
WRONG_TIME = watched(Strikes(AT, FaultKind.TIME_REFUSE, times=30), runs_ms=HOUR)
WRONG_CLOCK = watched(ClockJumps(AT, 10 * MINUTE), runs_ms=HOUR)
BRANDS = Scenario((LOST,), lots=MIXED, runs_ms=5 * HOUR)

TABLE: tuple[tuple[str, type[ReferenceClient], Scenario], ...] = (
    ("ERR-BODY", zoo.LooksAtStatus, for_long(FaultKind.ANSWER_BUSY)),
    ("ERR-KEEP", zoo.MarksDoneBefore, failing(FaultKind.ANSWER_ERROR)),
    ("ERR-KEEP", zoo.MarksDoneBefore, failing(FaultKind.ANSWER_LOSE, FaultKind.COMMAND_LOSE)),
    ("ERR-PARTIAL", zoo.MarksFirstDone, failing(FaultKind.ANSWER_BUSY)),
    ("ERR-TIMEOUT", zoo.TakesTimeoutForSuccess, for_long(FaultKind.ANSWER_LOSE, FaultKind.COMMAND_LOSE)),
    ("ERR-MALFORMED", zoo.TakesGarbageForSuccess, for_long(FaultKind.ANSWER_NOT_JSON, FaultKind.COMMAND_LOSE)),
    ("ERR-MALFORMED", zoo.DiesOfGarbage, failing(FaultKind.ANSWER_TRUNCATED, FaultKind.COMMAND_LOSE)),
    ("ERR-RATE", zoo.RepeatsWhenBusy, failing(FaultKind.ANSWER_BUSY, value=1199)),
    ("ERR-5XX", zoo.RetriesEverySecond, failing(FaultKind.ANSWER_ERROR)),
    ("ERR-5XX", zoo.RetriesEverySecond, failing(FaultKind.ANSWER_LOSE)),
    ("ERR-OFFLINE", zoo.GivesUpOffline, OFFLINE),
    ("ERR-OFFLINE", zoo.HammersOffline, OFFLINE),
    ("ERR-UNKNOWN-CODE", zoo.TakesUnknownCodeForSuccess, for_long(FaultKind.ANSWER_UNKNOWN_CODE)),
    ("ERR-TOKEN", zoo.RefreshesForEver, DEAD_TOKEN),
    ("ERR-TOKEN", zoo.KeepsDeadToken, DEAD_TOKEN),
    ("ERR-TIME", zoo.RepeatsWithWrongTime, WRONG_TIME),
    ("ERR-TIME", zoo.RepeatsWithWrongTime, WRONG_CLOCK),
    ("ERR-SIGN", zoo.RetriesWrongSign, REFUSED_SIGN),
    ("ERR-SIGN", zoo.RetriesWrongSign, REFUSED_TOKEN_SIGN),
    ("ERR-PERMANENT", zoo.RetriesRefused, REFUSED),
    ("ERR-UNSUPPORTED", zoo.RetriesUnsupported, BRANDS),
    ("ERR-UNSUPPORTED-SCOPE", zoo.StopsAtUnsupported, BRANDS),
)
OWN = sorted({rule_id for rule_id, _, _ in TABLE})


def _name(value: object) -> str | None:
    return value.__name__ if isinstance(value, type) else value if isinstance(value, str) else None


@pytest.mark.parametrize(("rule_id", "client", "scenario"), TABLE, ids=_name)
def test_a_defect_breaks_its_rule(rule_id: str, client: MakeClient, scenario: Scenario) -> None:
    """A client with the defect breaks the rule in the smallest scenario with the failure."""
    assert broken(rule_id, scenario, client)


@pytest.mark.parametrize(("rule_id", "client", "scenario"), TABLE, ids=_name)
def test_the_reference_client_keeps_it_there(rule_id: str, client: MakeClient, scenario: Scenario) -> None:
    """In the same scenario the rule is exercised and kept by the reference client."""
    assert kept(rule_id, scenario)


@pytest.mark.parametrize("rule_id", OWN)
def test_nothing_is_exercised_without_a_failure(rule_id: str) -> None:
    """Where no call fails, no rule of errors has been put to the test."""
    assert not outcome(rule_id, played(UNDISTURBED, ReferenceClient)).exercised


@pytest.mark.parametrize(
    ("client", "scenario", "also"),
    [
        (zoo.MarksFirstDone, failing(FaultKind.ANSWER_BUSY), {"ERR-PARTIAL"}),
        (zoo.MarksDoneBefore, failing(FaultKind.ANSWER_ERROR), {"ERR-KEEP", "ERR-BODY"}),
        (zoo.LooksAtStatus, for_long(FaultKind.ANSWER_BUSY), {"ERR-KEEP", "ERR-BODY"}),
        (
            zoo.TakesTimeoutForSuccess,
            for_long(FaultKind.ANSWER_LOSE, FaultKind.COMMAND_LOSE),
            {"ERR-KEEP", "ERR-TIMEOUT"},
        ),
        (zoo.RepeatsWhenBusy, failing(FaultKind.ANSWER_BUSY), {"ERR-RATE"}),
        (zoo.RetriesEverySecond, failing(FaultKind.ANSWER_ERROR), {"ERR-5XX"}),
        (zoo.HammersOffline, OFFLINE, {"ERR-OFFLINE"}),
        (zoo.RetriesUnsupported, BRANDS, {"ERR-UNSUPPORTED"}),
    ],
    ids=_name,
)
def test_a_defect_is_not_blamed_on_its_neighbours(client: MakeClient, scenario: Scenario, also: set[str]) -> None:
    """A defect breaks its own rule and, of this group, at most the general one beside it."""
    run = played(scenario, client)
    assert {rule_id for rule_id in OWN if outcome(rule_id, run).breaches} == also


@pytest.mark.parametrize("code", [1110, 1111, 1199])
def test_every_code_of_business_is_one(code: int) -> None:
    """The lists of the vendor name three codes for too many calls."""
    assert kept("ERR-RATE", failing(FaultKind.ANSWER_BUSY, value=code))


def test_an_answer_with_unknown_fields_is_a_success() -> None:
    """More fields than documented are no failure: nothing need be asked again for them."""
    assert not outcome("ERR-MALFORMED", played(failing(FaultKind.ANSWER_UNKNOWN_FIELDS), ReferenceClient)).exercised


@pytest.mark.parametrize(("later_ms", "is_blamed"), [(0, True), (1, False)])
def test_only_a_death_at_the_moment_of_an_unreadable_answer_is_blamed_on_it(later_ms: int, is_blamed: bool) -> None:  # noqa: FBT001 a table
    """What dies later, though it has not called since, died of something else: PROC-ANSWER tells that."""
    run = played(failing(FaultKind.ANSWER_TRUNCATED), ReferenceClient)
    call = next(each for each in run.calls if FaultKind.ANSWER_TRUNCATED in run.faults_of(each))
    death = Act(call.answer_seq or 0, call.time + later_ms, ActKind.DIED, "in advance: MemoryError")
    assert bool(outcome("ERR-MALFORMED", replace(run, acts=(*run.acts, death))).breaches) == is_blamed


BUSY = failing(FaultKind.ANSWER_BUSY, times=ALWAYS)


@pytest.mark.parametrize(
    ("rule_id", "scenario", "quick", "then_ms", "is_broken"),
    [
        ("ERR-OFFLINE", OFFLINE, 0, 2 * MINUTE, False),
        ("ERR-OFFLINE", OFFLINE, 0, 2 * MINUTE - SECOND, True),
        ("ERR-RATE", BUSY, 0, 4 * SECOND, False),
        ("ERR-RATE", BUSY, 0, 4 * SECOND - 100, True),
        ("ERR-RATE", BUSY, 6, 4 * SECOND, False),
        ("ERR-RATE", BUSY, 7, 4 * SECOND, True),
    ],
)
def test_a_client_may_keep_the_very_pauses_that_a_rule_names(
    rule_id: str,
    scenario: Scenario,
    quick: int,
    then_ms: int,
    is_broken: bool,  # noqa: FBT001 a table
) -> None:
    """Every two minutes is 30 times an hour, every four seconds 15 times a minute, after six tries in a row."""

    class Paced(ReferenceClient):
        def pause(self, first_ms: int, tries: int, most_ms: int) -> int:  # noqa: ARG002 the other client's bounds
            """A second at first, and then always the same."""
            return SECOND if tries < quick else then_ms

    found = outcome(rule_id, played(scenario, Paced))
    assert found.exercised
    assert bool(found.breaches) == is_broken


@pytest.mark.parametrize(("every_ms", "is_broken"), [(0, False), (SECOND - 1, False), (SECOND, True)])
def test_many_calls_may_be_on_their_way_with_a_token_that_is_refused(every_ms: int, is_broken: bool) -> None:  # noqa: FBT001 a table
    """Workers that call at once learn it at once; who uses the token later than that has been told."""
    refused = ErrorCode.TOKEN_INVALID
    entries: list[Entry] = []
    for number in range(SAME_TOKEN):
        at = BEGIN + number * every_ms
        entries.append(
            Entry(2 * number + 1, at, RequestReceived("GET", "/v1.0/devices", "", {"access_token": "t"}, ""))
        )
        entries.append(Entry(2 * number + 2, at, RequestAnswered(2 * number + 1, refused, None, None, "whole")))
    run = Run(DEAD_TOKEN, tuple(entries), Profile(), frozenset())
    assert bool(outcome("ERR-TOKEN", run).breaches) == is_broken


class Moment(NamedTuple):
    """The number of an entry, and when something was tried, in ms."""

    seq: int
    time: int


@pytest.mark.parametrize(("every_ms", "is_stubborn"), [(DAY // PROBES, False), (DAY // PROBES - 1, True)])
def test_who_is_refused_for_good_may_ask_twice_a_day(every_ms: int, is_stubborn: bool) -> None:  # noqa: FBT001 a table
    """Every twelve hours is twice a day."""
    assert bool(stubborn([Moment(number, number * every_ms) for number in range(10)])) == is_stubborn


class Obedient(ReferenceClient):
    """Pauses by itself, and asks all the same when it is told to."""

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """At once."""
        self._not_before = 0
        super().sync(now_ms, window)

    def advance(self, now_ms: int) -> None:
        """When it is time."""
        super().sync(now_ms)


def test_a_client_that_is_told_to_sync_is_not_hasty() -> None:
    """Repeats that the harness asked for say nothing of a client's pauses."""
    told = [Syncs(BEGIN + 10 * MINUTE)] * 4
    scenario = failing(FaultKind.ANSWER_BUSY)
    run = played(replace(scenario, steps=(*scenario.steps, *told)), Obedient)
    assert len([sync for sync in run.syncs if sync.time == MIDNIGHT + BEGIN + 10 * MINUTE]) == len(told)
    assert not outcome("ERR-RATE", run).breaches


def test_a_lot_that_takes_commands_and_fails_them_is_left_alone_too() -> None:
    """Some clouds accept the command of a Jieshun lot and fail it later."""
    scenario = watched(lots=MIXED, runs_ms=12 * HOUR)
    scenario = replace(scenario, profile={"base": "accept-first"})
    assert kept("ERR-UNSUPPORTED", scenario)
    assert broken("ERR-UNSUPPORTED", scenario, zoo.RetriesUnsupported)


def test_a_refusal_that_heals_shows_no_stubbornness() -> None:
    """A client may try once more what was refused for good: if that goes through, nothing was exercised."""
    once = watched(Strikes(AT, FaultKind.ANSWER_REFUSE, 1106, times=1))
    found = outcome("ERR-PERMANENT", played(once, zoo.RetriesRefused))
    assert not found.exercised


class StopsAtFirst(ReferenceClient):
    """Leaves a lot whose server is not well, and stops for good where its time is wrong."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        """Never again."""
        if error.code == TIME_INVALID:
            self._stopped = str(error)
        self.leave_alone(lot, "left", str(error))


def test_a_client_that_may_stop_is_not_blamed_for_what_it_leaves() -> None:
    """Who was told that its time is wrong may stop: cells that failed for another reason are then left rightly."""
    unwell = Strikes(AT, FaultKind.ANSWER_ERROR, times=ALWAYS, lot=0)
    late = Strikes(AT, FaultKind.TIME_REFUSE, times=ALWAYS, lot=1)
    lots = ("tuya", "tuya")
    assert broken("ERR-KEEP", Scenario((LOST, unwell), lots=lots, runs_ms=HOUR), StopsAtFirst)
    assert not broken("ERR-KEEP", Scenario((LOST, unwell, late), lots=lots, runs_ms=HOUR), StopsAtFirst)


def test_a_client_whose_keys_are_refused_is_not_blamed_for_what_it_leaves() -> None:
    """Who is refused a token for its region may stop asking, whatever its last calls failed of."""
    unwell = Strikes(AT, FaultKind.ANSWER_ERROR, times=ALWAYS, lot=0)
    foreign = Strikes(AT + HOUR, FaultKind.TOKEN_REGION, times=ALWAYS)
    lots = ("tuya", "tuya")
    run = played(Scenario((LOST, unwell, foreign), lots=lots, runs_ms=3 * HOUR), StopsAtFirst)
    assert 2007 in {call.code for call in run.token_calls}
    assert not outcome("ERR-KEEP", run).breaches


ANIMALS = [animal for animal in ZOO.values() if animal.client.__module__ == zoo.__name__]


@pytest.mark.parametrize("seed", SEEDS[:2])
@pytest.mark.parametrize("animal", sampled(ANIMALS, every=6), ids=lambda animal: animal.name)
def test_every_animal_is_killed(animal: KnownBadClient, seed: int) -> None:
    """At any seed the cases that are aimed at its rule show each client of this group's zoo to break it."""
    assert killed(animal, seed)
