"""Tests of the rules of time."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pytest

from contracts.clients.messages import UnreadableError, epoch_ms
from contracts.clients.record_store import CellRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.clients.zoo.times import (
    AsksAboutTheMissingHour,
    AsksAtTheClose,
    DiesOfALeapSecond,
    DropsTheFuture,
    GoesOnFromNow,
    MovesTheFutureToNow,
    PlansInLocalTime,
    PlansLocalDays,
    ReadsTextAsLocalTime,
    SendsSeconds,
    SkipsTheRepeatedHour,
    StoresLocalTimes,
    StoresWholeSeconds,
    TakesSecondsForMilliseconds,
)
from contracts.play.scenario import BEGIN, MIDNIGHT, ClockJumps, Crashes, Happens, Scenario, Strikes
from contracts.rules import RULES as ALL_RULES
from contracts.rules.times import RULES
from contracts.rules.verdict import judge
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, SECOND
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS

AT = BEGIN + 10 * MINUTE
SHANGHAI, BERLIN, MARQUESAS = "Asia/Shanghai", "Europe/Berlin", "Pacific/Marquesas"
MARCH_29, OCTOBER_25 = (day * DAY + HOUR for day in (27, 237))
"""When the clocks of Berlin change."""

short = partial(Scenario, settles=False, runs_ms=2 * HOUR)
PLAIN = short((Happens(AT, "r1"),))
FINE = short((Happens(BEGIN + HOUR - 300, "r1"),))
IN_SHANGHAI, IN_MARQUESAS = replace(PLAIN, tz=SHANGHAI), replace(PLAIN, tz=MARQUESAS)
AHEAD = short((Happens(AT, "r1"), Happens(AT, "r2", event=AT + HOUR)))
TEXT, ISO, WHOLE = (replace(PLAIN, profile={"record_time": form}, tz=BERLIN) for form in ("text", "iso", "s"))
LEAP = replace(TEXT, steps=(Strikes(BEGIN, FaultKind.MESSAGE_LEAP_SECOND, times=50), Happens(AT, "r1")))
FAST = short(skew_ms=5 * MINUTE)
STEP = short((ClockJumps(BEGIN + 90 * MINUTE, -HOUR),), runs_ms=3 * HOUR)
SMALL_STEP = short((ClockJumps(BEGIN + 65 * MINUTE + SECOND, -3 * SECOND),), runs_ms=3 * HOUR)


def over(change: int) -> Scenario:
    """A client that is down in Berlin from before a change of the clocks until evening."""
    steps = (Crashes(change - 20 * MINUTE, 18 * HOUR),)
    return Scenario(steps, begin=change - HOUR, tz=BERLIN, runs_ms=23 * HOUR, settles=False)


SHORT_DAY, LONG_DAY = over(MARCH_29), over(OCTOBER_25)

BREAKERS = [
    (SendsSeconds, PLAIN),
    (StoresWholeSeconds, FINE),
    (PlansInLocalTime, IN_SHANGHAI),
    (StoresLocalTimes, IN_SHANGHAI),
    (StoresLocalTimes, IN_MARQUESAS),
    (PlansLocalDays, LONG_DAY),
    (SkipsTheRepeatedHour, LONG_DAY),
    (AsksAboutTheMissingHour, SHORT_DAY),
    (AsksAtTheClose, FAST),
    (MovesTheFutureToNow, AHEAD),
    (DropsTheFuture, AHEAD),
    (ReadsTextAsLocalTime, TEXT),
    (ReadsTextAsLocalTime, ISO),
    (TakesSecondsForMilliseconds, WHOLE),
    (DiesOfALeapSecond, LEAP),
    (GoesOnFromNow, STEP),
    (GoesOnFromNow, SMALL_STEP),
]


@pytest.mark.parametrize(("client", "scenario"), BREAKERS)
def test_a_defect_in_time_breaks_its_rule_and_no_other_of_time(
    client: type[ReferenceClient], scenario: Scenario
) -> None:
    """The smallest situation is enough to name the defect, and to tell it from its neighbours."""
    run = played(scenario, client)
    assert [rule.id for rule in RULES if outcome(rule.id, run).breaches] == [ZOO[client.__name__].rule_id]


@pytest.mark.parametrize(("client", "scenario"), BREAKERS)
def test_the_reference_client_keeps_each_rule_where_it_is_exercised(
    client: type[ReferenceClient], scenario: Scenario
) -> None:
    """What shows a defect shows that there is none, and breaks no other rule of time."""
    run = played(scenario, ReferenceClient)
    assert outcome(ZOO[client.__name__].rule_id, run).exercised
    assert not [rule.id for rule in RULES if outcome(rule.id, run).breaches]


@pytest.mark.parametrize(
    ("client", "scenario"),
    [
        (StoresWholeSeconds, FINE),
        (StoresLocalTimes, IN_SHANGHAI),
        (MovesTheFutureToNow, AHEAD),
        (DropsTheFuture, AHEAD),
        (ReadsTextAsLocalTime, TEXT),
        (TakesSecondsForMilliseconds, WHOLE),
    ],
)
def test_a_wrong_time_shows_in_the_counts_too(client: type[ReferenceClient], scenario: Scenario) -> None:
    """Whoever lets nobody look into the store is judged by what only records at wrong times explain."""
    rule_id = ZOO[client.__name__].rule_id
    run, right = (replace(played(scenario, each), dumps=()) for each in (client, ReferenceClient))
    assert outcome(rule_id, run).breaches
    assert outcome(rule_id, right).exercised
    assert not outcome(rule_id, right).breaches


@pytest.mark.parametrize(
    ("rule_id", "scenario"),
    [
        ("TIME-MS", short(runs_ms=MINUTE)),
        ("TIME-WHOLE-MS", PLAIN),
        ("TIME-WHOLE-MS", replace(FINE, profile={"record_time": "text"})),
        ("TIME-ZONE", PLAIN),
        ("TIME-DST", replace(SHORT_DAY, tz="UTC")),
        ("TIME-DST", replace(SHORT_DAY, tz=SHANGHAI)),
        ("TIME-DST", replace(SHORT_DAY, begin=MARCH_29 + 2 * HOUR, steps=())),
        ("TIME-SKEW-CLIENT", PLAIN),
        ("TIME-SKEW-CLIENT", short(skew_ms=-5 * MINUTE)),
        ("TIME-SKEW-LOT", PLAIN),
        ("TIME-SKEW-LOT", short((Happens(AT, "r1", event=AT - HOUR),))),
        ("TIME-RECORD-FORM", PLAIN),
        ("TIME-STEP", PLAIN),
        ("TIME-STEP", short((ClockJumps(BEGIN + 90 * MINUTE, HOUR),))),
        ("TIME-STEP", short((ClockJumps(BEGIN + 90 * MINUTE, -3 * SECOND),))),
        ("TIME-LEAP", TEXT),
        ("TIME-LEAP", replace(LEAP, profile={})),
    ],
)
def test_without_the_situation_a_rule_is_not_exercised(rule_id: str, scenario: Scenario) -> None:
    """What could not have gone wrong is not held to have gone well."""
    run = played(scenario, ReferenceClient)
    assert not outcome(rule_id, run).exercised


class StoresArrivals(ReferenceClient):
    """Takes the time at which a record comes for that of the record."""

    def time_of(self, value: object) -> int:  # noqa: ARG002 that is the defect
        """Now."""
        return self.now_ms()


def test_arrival_times_are_no_matter_of_fast_lots() -> None:
    """A client that moves late records as well has another defect than one that distrusts the future."""
    late = Happens(AT, "late", event=AT - 20 * MINUTE)
    assert broken("TIME-SKEW-LOT", replace(AHEAD, steps=(*AHEAD.steps, late)), MovesTheFutureToNow)
    assert not broken("TIME-SKEW-LOT", replace(AHEAD, steps=(*AHEAD.steps, late)), StoresArrivals)


class TrustsItsClock(ReferenceClient):
    """Never looks at the cloud's time."""

    def now_ms(self) -> int:
        """This machine's."""
        return self._machine_ms


def test_a_wrong_clock_is_no_time_zone() -> None:
    """A clock that is eight hours fast asks about the future too, wherever it stands."""
    assert not broken("TIME-ZONE", replace(IN_SHANGHAI, skew_ms=8 * HOUR), TrustsItsClock)


def test_a_corrected_time_is_not_a_wrong_one() -> None:
    """The lot may correct the time of a record: a client that has missed that has stored the time that it was told."""
    corrected = Happens(AT + MINUTE, "r1", event=AT + 8 * HOUR, copies=0)
    assert not broken("TIME-ZONE", replace(IN_SHANGHAI, steps=(*PLAIN.steps, corrected)))


class AsksAboutSpans(ReferenceClient):
    """Asks about spans of its own."""

    spans: tuple[tuple[int, int], ...] = ()

    def cells_of(self, device_id: str, start: int, until: int) -> Iterator[tuple[str, int, int, int, int, int]]:
        """The spans of each hour."""
        for cell in super().cells_of(device_id, start, until):
            for low, high in self.spans:
                yield (*cell[:3], cell[3] + low, cell[3] + high, cell[5])


class Halves(AsksAboutSpans):
    """Asks about every hour in two halves."""

    spans = ((0, HOUR // 2), (HOUR // 2, HOUR))


class Slides(AsksAboutSpans):
    """Asks about each hour and the half of the next one."""

    spans = ((0, HOUR * 3 // 2),)


def test_a_part_of_an_old_window_is_no_half_overlap() -> None:
    """Windows that overlap by half behind a step back are blamed on it only if they do."""
    assert kept("TIME-STEP", STEP, Halves)
    assert broken("TIME-STEP", STEP, Slides)


class GoesWithTheJump(TrustsItsClock):
    """Ends its windows by a clock that has jumped, and begins the next one a whole hour before that end."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        """Five minutes later since the jump."""
        off = FORWARD.off_ms if cell.end_ms > BEGIN_MS + HOUR else 0
        return super().info(cell._replace(start_ms=cell.start_ms + off, end_ms=cell.end_ms + off), count)


FORWARD = ClockJumps(BEGIN + 70 * MINUTE, 5 * MINUTE)
BEGIN_MS = MIDNIGHT + BEGIN


def test_a_jump_that_leaves_time_out_is_a_gap() -> None:
    """A window of the last hour by a clock that has just jumped forward begins behind the end of the one before."""
    jump = short((FORWARD,), runs_ms=2 * HOUR)
    found = outcome("TIME-SKEW-CLIENT", played(jump, GoesWithTheJump))
    assert any("nobody asked" in breach.message for breach in found.breaches)
    assert kept("TIME-SKEW-CLIENT", jump)


class KeepsFirst(ReferenceClient):
    """Stores nothing that it knows already."""

    def take_record(self, record: Stored) -> None:
        """Only what is new."""
        if all(each.record_id != record.record_id for each in self.dump()):
            super().take_record(record)


def test_a_client_may_keep_either_version() -> None:
    """Which version of a record it keeps is a matter of other rules."""
    corrected = Happens(AT + MINUTE, "r1", event=AT + 2 * HOUR)
    scenario = replace(TEXT, steps=(*PLAIN.steps, corrected))
    assert not any(broken(rule.id, scenario, KeepsFirst) for rule in RULES)


class Form(NamedTuple):
    """A time in some form."""

    value: object
    form: str


@pytest.mark.parametrize(
    "time",
    [
        Form(1_652_788_800_000, "ms"),
        Form(1_652_788_800, "s"),
        Form("2022-05-17 20:00:00", "text"),
        Form("2022-05-17 19:59:60", "text"),
        Form("2022-05-17T20:00:00.000+08:00", "iso"),
        Form("2022-05-17T11:59:60.000Z", "iso"),
    ],
)
def test_every_form_of_a_time_is_normalised(time: Form) -> None:
    """Noon of 2022-05-17 in each form that a lot may write."""
    assert epoch_ms(*time) == 1_652_788_800_000


@pytest.mark.parametrize("time", [Form("yesterday", "text"), Form(None, "iso"), Form("", "ms")])
def test_what_is_no_time_is_refused(time: Form) -> None:
    """The message is set aside then."""
    with pytest.raises(ValueError, match=r"."):
        epoch_ms(*time)


@pytest.mark.parametrize("seed", SEEDS[:2])
@pytest.mark.parametrize(
    "animal", [each for each in ZOO.values() if each.rule_id in {rule.id for rule in RULES}], ids=str
)
def test_every_client_with_a_defect_in_time_is_caught(animal: KnownBadClient, seed: int) -> None:
    """At the usual number of examples, whatever the seed."""
    assert killed(animal, seed)


class KnowsNoLeapSecond(ReferenceClient):
    """Cannot read a time with a second 60, as Python's parsers: it leaves the message, then sets it aside."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The report, unless it has such a time."""
        report = super().read(frame)
        if any(":60" in str(status.get("value")) for status in report["status"]):
            raise UnreadableError("second 60")
        return report


def test_a_client_that_cannot_read_a_leap_second_breaks_no_must_rule() -> None:
    """Rules of one kind only are for information about that: a message that cannot be read has to be left."""
    two = (*LEAP.steps, Happens(AT, "r2"), Happens(AT + MINUTE, "r3", "bill"))
    outcomes = judge(played(replace(LEAP, steps=two, runs_ms=6 * HOUR), KnowsNoLeapSecond), ALL_RULES.values())
    broken_ones = {rule_id for rule_id, found in outcomes.items() if found.breaches}
    assert {rule_id for rule_id in broken_ones if ALL_RULES[rule_id].level == "must"} == set()
