"""Tests of the rules of planning windows."""

from collections.abc import Iterator, Mapping

import pytest

from contracts.cases.windows import AFTER_A_WINDOW, UNTIL_JUDGED
from contracts.clients.correct import AsksByRollingWindows
from contracts.clients.record_store import LotRow
from contracts.clients.reference import BATCH, ReferenceClient
from contracts.clients.vendor_api import CallError
from contracts.clients.zoo import ZOO, KnownBadClient, windows
from contracts.clients.zoo.counting import CountsOneMore
from contracts.clients.zoo.windows import (
    BeginsNow,
    CatchesUpInAFlood,
    CountsBetween,
    GroupsByHour,
    MakesOneWindowOfADowntime,
    MovesWindowsOnRetry,
    SkipsDowntimes,
    SlidesItsWindows,
    SwapsEnds,
)
from contracts.play.scenario import BEGIN, ClockJumps, Crashes, Happens, Scenario, Step, Strikes
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.rules.verdict import judge
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS, sampled

HALF_SECOND = 500
EDGE = BEGIN + HOUR - HALF_SECOND
"""Where the reference client's first whole window ends."""


def hours(*steps: Step, runs_ms: int = UNTIL_JUDGED, profile: str = "default") -> Scenario:
    """These steps, and then some hours in which a missing window would be missed."""
    return Scenario(steps, runs_ms=runs_ms, settles=False, profile={"base": profile})


IDLE = hours()
PLAIN = hours(Happens(BEGIN + 10 * MINUTE, "r1"))
ONE_WAY = hours(Happens(BEGIN + 10 * MINUTE, "r1"), Happens(BEGIN + 20 * MINUTE, "r2", "leave", copies=0))
RESTART = hours(Crashes(BEGIN + 2 * HOUR + 2 * MINUTE))
OUTAGE = hours(Crashes(AFTER_A_WINDOW, 26 * HOUR), runs_ms=26 * HOUR + UNTIL_JUDGED)
ON_AN_EDGE = hours(Happens(EDGE, "r1"))
REFUSED = hours(Strikes(BEGIN, FaultKind.ANSWER_BUSY), Happens(BEGIN + 10 * MINUTE, "r1"))
LATE = Scenario((Happens(BEGIN + 8 * HOUR, "r1", event=BEGIN + 10 * MINUTE, copies=0),))
MONTH = hours(Crashes(AFTER_A_WINDOW, 34 * DAY), runs_ms=34 * DAY + 20 * MINUTE)

SITUATIONS: Mapping[str, Scenario] = {
    "WIN-MAX24": OUTAGE,
    "WIN-POSITIVE": PLAIN,
    "WIN-NO-GAP": PLAIN,
    "WIN-OVERLAP": PLAIN,
    "WIN-ZERO": ONE_WAY,
    "WIN-GRACE": PLAIN,
    "WIN-CATCHUP": OUTAGE,
    "WIN-REVISIT": LATE,
    "WIN-STABLE": REFUSED,
    "WIN-BOUNDARY": ON_AN_EDGE,
    "WIN-BOUNDARY-SAFE": PLAIN,
    "WIN-HORIZON": MONTH,
    "WIN-SPAN-1H": PLAIN,
}
"""A smallest scenario in which each rule can be broken."""

ANIMALS = [animal for animal in ZOO.values() if animal.client.__module__ == windows.__name__]


@pytest.mark.parametrize("rule_id", SITUATIONS)
def test_the_reference_client_is_put_to_the_test_and_keeps_the_rule(rule_id: str) -> None:
    """The smallest situation exercises the rule, and a correct client is not blamed in it."""
    assert kept(rule_id, SITUATIONS[rule_id])


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_an_animal_breaks_its_rule_in_the_smallest_situation(animal: KnownBadClient) -> None:
    """What exercises a rule is enough to catch its mutants."""
    assert broken(animal.rule_id, SITUATIONS[animal.rule_id], animal.client)


@pytest.mark.parametrize(
    ("rule_id", "scenario"),
    [
        ("WIN-MAX24", PLAIN),
        ("WIN-NO-GAP", hours(runs_ms=HOUR)),
        ("WIN-ZERO", IDLE),
        ("WIN-CATCHUP", RESTART),
        ("WIN-STABLE", PLAIN),
        ("WIN-BOUNDARY", PLAIN),
        ("WIN-BOUNDARY", hours(Happens(EDGE - 1, "r1"))),
        ("WIN-BOUNDARY", hours(Happens(EDGE, "r1"), profile="lot-time")),
        ("WIN-REVISIT", hours(*LATE.steps)),
        ("WIN-REVISIT", PLAIN),
        ("WIN-HORIZON", OUTAGE),
        ("WIN-GRACE", hours(ClockJumps(BEGIN, 2 * MINUTE))),
        ("WIN-POSITIVE", hours(runs_ms=0)),
    ],
)
def test_without_its_situation_a_rule_is_not_exercised(rule_id: str, scenario: Scenario) -> None:
    """Where a mutant would not have been caught, nothing is said."""
    assert outcome(rule_id, played(scenario, ReferenceClient)) == Outcome(exercised=False)


@pytest.mark.parametrize(
    ("rule_id", "client", "scenario"),
    [
        ("WIN-NO-GAP", GroupsByHour, ONE_WAY),
        ("WIN-CATCHUP", GroupsByHour, OUTAGE),
        ("WIN-ZERO", BeginsNow, ONE_WAY),
        ("WIN-CATCHUP", BeginsNow, OUTAGE),
        ("WIN-NO-GAP", SkipsDowntimes, OUTAGE),
        ("WIN-ZERO", SkipsDowntimes, OUTAGE),
        ("WIN-NO-GAP", CatchesUpInAFlood, OUTAGE),
        ("WIN-NO-GAP", SwapsEnds, PLAIN),
        ("WIN-CATCHUP", MakesOneWindowOfADowntime, OUTAGE),
        ("WIN-NO-GAP", MovesWindowsOnRetry, REFUSED),
        ("WIN-STABLE", SlidesItsWindows, REFUSED),
        ("WIN-BOUNDARY", CountsOneMore, ON_AN_EDGE),
        ("WIN-BOUNDARY", CountsBetween, hours(Happens(EDGE, "r1"), profile="closed-windows")),
    ],
)
def test_a_neighbours_defect_is_not_blamed_on_a_rule(
    rule_id: str, client: type[ReferenceClient], scenario: Scenario
) -> None:
    """Holes are told apart by what made them, and counts off by one from counts at a boundary."""
    assert not broken(rule_id, scenario, client)


def test_a_hole_at_a_short_restart_is_a_gap() -> None:
    """A client that forgets the hour in which it died leaves a hole that no long downtime explains."""
    assert broken("WIN-NO-GAP", RESTART, SkipsDowntimes)


@pytest.mark.parametrize(
    "scenario",
    [
        hours(Strikes(BEGIN, FaultKind.ANSWER_REFUSE, times=99)),
        hours(Strikes(BEGIN, FaultKind.ANSWER_BUSY, times=9999)),
        hours(Crashes(AFTER_A_WINDOW, 30 * DAY)),
        hours(Crashes(AFTER_A_WINDOW, 3 * HOUR), runs_ms=4 * HOUR),
        Scenario(lots=("jieshun",), runs_ms=UNTIL_JUDGED, settles=False),
    ],
    ids=["refused for good", "refused all the time", "down", "just back", "a lot that takes no syncs"],
)
def test_who_cannot_ask_owes_nothing(scenario: Scenario) -> None:
    """No window is missed while something keeps the client from asking, nor shortly after."""
    assert outcome("WIN-NO-GAP", played(scenario, ReferenceClient)) == Outcome(exercised=False)
    assert outcome("WIN-CATCHUP", played(scenario, ReferenceClient)) == Outcome(exercised=False)


class EndsAMillisecondEarlier(ReferenceClient):
    """Reads its windows as closed: each ends a millisecond before the next begins."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """To the last millisecond."""
        return ((start, end - 1) for start, end in super().windows(from_ms, until_ms))


class EndsASecondEarlier(ReferenceClient):
    """Forgets the last second of each hour."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """To the last second but one."""
        return ((start, end - 1000) for start, end in super().windows(from_ms, until_ms))


class AsksAtNight(ReferenceClient):
    """Asks about all the hours of a day at half past two of the next night."""

    grace_ms = 2 * HOUR + 30 * MINUTE

    def closed_until(self) -> int:
        """The last midnight that is long enough past."""
        return (super().closed_until() + HALF_SECOND) // DAY * DAY - HALF_SECOND

    def next_close(self) -> int:
        """The next night."""
        return self.closed_until() + DAY + self.grace_ms


def test_windows_join_up_to_the_millisecond() -> None:
    """A window may end one millisecond before the next begins, not a second."""
    assert kept("WIN-NO-GAP", PLAIN, EndsAMillisecondEarlier)
    assert broken("WIN-NO-GAP", PLAIN, EndsASecondEarlier)


@pytest.mark.parametrize(("length_ms", "is_broken"), [(0, True), (1, False)])
def test_a_window_that_holds_nothing(length_ms: int, is_broken: bool) -> None:  # noqa: FBT001 a table
    """One that ends where it starts breaks WIN-POSITIVE; one of a millisecond does not."""

    class AsksAboutMoments(ReferenceClient):
        def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
            """Each window, and its end once more."""
            for start, end in super().windows(from_ms, until_ms):
                yield from ((start, end), (end - length_ms, end))

    assert broken("WIN-POSITIVE", PLAIN, AsksAboutMoments) == is_broken


@pytest.mark.parametrize("scenario", [PLAIN, ONE_WAY, OUTAGE, REFUSED])
def test_a_client_may_have_another_rhythm(scenario: Scenario) -> None:
    """Windows that are not yet due by a client's own plan are no gap."""
    run = played(scenario, AsksAtNight)
    assert not any(outcome(rule_id, run).breaches for rule_id in ("WIN-NO-GAP", "WIN-ZERO", "WIN-CATCHUP"))


@pytest.mark.parametrize("profile", ["default", "closed-windows", "open-start-windows"])
def test_a_record_on_a_boundary_counts_as_the_lot_counts_it(profile: str) -> None:
    """Whatever the lot does with a record at a boundary, who does the same keeps the rule."""
    assert kept("WIN-BOUNDARY", hours(Happens(EDGE, "r1"), profile=profile))


def test_a_boundary_breach_says_what_is_read_how() -> None:
    """The message has the counts, the record, and both readings."""
    (breach,) = outcome("WIN-BOUNDARY", played(ON_AN_EDGE, CountsBetween)).breaches
    assert "claimed 1 where 0 was right" in breach.message
    assert "r1" in breach.message
    assert "the client counts records at the start and at the end" in breach.message


class RollsOn(AsksByRollingWindows):
    """Asks each hour about the last two; after a failed call it goes on with the next two."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        """Leave the cells of the call."""
        super().failed(lot, error)
        for data_type in (0, 1):
            for cell in self._store.due_cells(lot.device_id, data_type, self.now_ms(), BATCH):
                self._store.put_cell(cell._replace(due_ms=None))


def test_windows_that_roll_on_settle_a_failed_one_by_the_next() -> None:
    """All of its time is asked about with success. A window that is moved for a minute leaves that minute out."""
    scenario = hours(Strikes(BEGIN + 2 * HOUR, FaultKind.ANSWER_BUSY), Happens(BEGIN + 10 * MINUTE, "r1"))
    assert not broken("WIN-STABLE", scenario, RollsOn)
    assert broken("WIN-STABLE", REFUSED, MovesWindowsOnRetry)


def test_a_convention_that_no_page_names_is_told_once_and_breaks_no_must_rule() -> None:
    """The wrong counts are its effect; the milliseconds in the client's store refute that it cuts times."""
    outcomes = judge(played(ON_AN_EDGE, CountsBetween), RULES.values())
    assert {rule_id for rule_id, found in outcomes.items() if found.breaches} == {"WIN-BOUNDARY"}
    assert outcomes["CNT-TRUTH"].exercised
    alone = judge(played(ON_AN_EDGE, CountsBetween), [RULES["CNT-TRUTH"]])
    assert not alone["CNT-TRUTH"].breaches


def test_a_gap_is_told_once_with_its_time() -> None:
    """Each hole is one breach with the lot, the line, and from when until when."""
    found = outcome("WIN-ZERO", played(ONE_WAY, GroupsByHour)).breaches
    assert [breach.message.split(": ")[0] for breach in found] == ["lot 6ce0000000000001, passes, leave"]
    assert "2026-03-02 08:00:00 - 2026-03-02 08:59:59.500" in found[0].message


@pytest.mark.parametrize("seed", SEEDS[:2])
@pytest.mark.parametrize("animal", sampled(ANIMALS, every=3), ids=lambda animal: animal.name)
def test_every_animal_is_killed_in_the_cases_that_aim_at_it(animal: KnownBadClient, seed: int) -> None:
    """At any seed the default number of examples is enough; it stops at the first."""
    assert killed(animal, seed)
