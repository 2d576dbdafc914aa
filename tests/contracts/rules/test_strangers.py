"""What clients of strangers were wrong about: the smallest scenario that shows each, and the rule that names it."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.cases.counting import paging
from contracts.cases.dimensions import ALIKE, SHARED, STAYS, named, with_stays
from contracts.cases.errors import BEFORE, FAILS_AT, KNOWN_AT
from contracts.client.interface import Client
from contracts.clients.zoo import (
    concurrency,
    days,
    durability,
    fields,
    giving_up,
    identity,
    volume,
)
from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis import wrong_identities as identities
from contracts.diagnosis.explain import suspects
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.play.scenario import BEGIN, Crashes, GoesOffline, Happens, Scenario, Step, Strikes
from contracts.rules.evidence.coverage import SLACK
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, SECOND
from tests.contracts.support import broken, kept, played
from tests.support import sampled

AT = BEGIN + 10 * MINUTE
MIDNIGHT_IN_BEIJING = 8 * HOUR
TO_FRIDAY, TO_APRIL = 4 * DAY + 6 * HOUR, 29 * DAY + MIDNIGHT_IN_BEIJING
LONG = SLACK + 3 * HOUR


def story(*steps: Step, hours: int = 2, **settings: Any) -> Scenario:
    """A scenario that goes on for so many hours."""
    return Scenario(steps, runs_ms=hours * HOUR, settles=False, **settings)


TWO = story(Happens(AT, "r1"), Happens(AT + MINUTE, "r2", plate="京B10002"))
TWO_LOTS = story(Happens(AT, "r1"), Happens(AT, "r2", lot=1, plate="京B10002"), lots=("tuya", "tuya"))
PASS_AND_BILL = story(Happens(AT, "r1"), Happens(AT, "r2", kind="bill", plate="京B10002"))
BILL = story(Happens(AT, "r1", kind="bill"), hours=2)
QUIET_DAY = Scenario((Happens(AT, "r1"),), runs_ms=LONG, settles=False)
DOUBLED = story(Happens(AT, "r1", copies=2))
LOST_BEFORE_A_RESTART = story(Happens(AT, "r1"), Happens(AT, "r2", copies=0), Crashes(BEGIN + HOUR))
TWICE_KILLED = story(Happens(AT, "r1"), Crashes(AT), Happens(AT + MINUTE, "r2"), Crashes(AT + 2 * MINUTE), hours=0)
NEVER_AGREES = Scenario(
    (Happens(AT, "r1", copies=0, again=(0, 0)), Strikes(BEGIN + 62 * MINUTE, FaultKind.TOKEN_EXPIRE)),
    runs_ms=10 * MINUTE,
)
CUTS = story(Strikes(AT, FaultKind.SOCKET_CLOSE, times=12), Happens(AT, "r1"))
REFUSED = Scenario(
    (Happens(KNOWN_AT, "r1", event=BEFORE, copies=0), Strikes(FAILS_AT, FaultKind.ANSWER_ERROR, times=6)),
    runs_ms=2 * HOUR,
)
UNREACHABLE = story(
    Happens(KNOWN_AT, "r1", event=BEFORE, copies=0),
    GoesOffline(FAILS_AT, for_ms=60 * HOUR),
    hours=58,
    lots=("tuya", "tuya"),
)
IN_VAIN = Scenario(
    (Happens(KNOWN_AT, "r1", event=BEFORE, copies=0), GoesOffline(FAILS_AT, for_ms=9 * HOUR)),
    profile={"offline": "accept-then-unknown"},
)
LATE = Scenario((Happens(AT + 6 * HOUR, "late", event=AT, copies=0, lot=1),), ("tuya", "tuya"))

DEFECTS: list[tuple[str, type[Client], Scenario]] = [
    ("WIN-NO-GAP", days.SleepsAtNight, replace(QUIET_DAY, runs_ms=15 * HOUR).moved(4 * HOUR)),
    ("WIN-NO-GAP", days.RestsAtWeekends, replace(QUIET_DAY, runs_ms=40 * HOUR).moved(TO_FRIDAY)),
    ("WIN-NO-GAP", days.KnowsWindowsByDayAndHour, QUIET_DAY.moved(TO_APRIL - HOUR)),
    ("CNT-EVENT-TIME", days.CountsInTheDayOfTheStart, TWO.moved(MIDNIGHT_IN_BEIJING)),
    ("CNT-EVENT-TIME", days.CountsInTheMonthOfTheStart, TWO.moved(TO_APRIL)),
    ("CNT-EVENT-TIME", days.CountsToMinute59, story(Happens(BEGIN + HOUR - 40 * SECOND, "r1"))),
    ("CNT-NOT-COARSE", identity.IgnoresTheCaseOfIds, named(TWO, "case")),
    ("CNT-NOT-COARSE", identity.CutsIdsShort, named(TWO, "end")),
    ("CNT-NOT-COARSE", identity.TrimsIds, named(TWO, "blanks")),
    ("CNT-NOT-COARSE", identity.ReadsIdsAsNumbers, named(TWO, "zeros")),
    ("CNT-DEVICE", identity.KeysByIdOverLots, named(TWO_LOTS, SHARED)),
    ("CNT-TYPE", identity.KeysByIdOverTypes, named(PASS_AND_BILL, SHARED)),
    ("CNT-NOT-COARSE", identity.KeysByPlateAndTime, story(Happens(AT, "r1"), Happens(AT, "r2"))),
    ("CNT-NOT-COARSE", identity.DropsDoubleReadings, story(Happens(AT, "r1"), Happens(AT + SECOND, "r2"))),
    ("CNT-EVENT-TIME", fields.CountsBillsByEntering, with_stays(BILL, STAYS[3])),
    ("CNT-EVENT-TIME", fields.CountsBillsByLeaving, with_stays(BILL, STAYS[3])),
    ("CNT-NO-FILTER", fields.LeavesOutUnpaidBills, with_stays(BILL, STAYS[4])),
    ("CNT-CORRECTION", fields.KeepsTheFirstVersion, story(Happens(AT, "r1"), Happens(AT + MINUTE, "r1", "leave"))),
    ("CNT-CORRECTION", fields.KeepsBothDirections, story(Happens(AT, "r1"), Happens(AT + MINUTE, "r1", "leave"))),
    ("REC-UPSERT", volume.RemembersAHundredIds, paging((120,), lost=1)),
    ("CNT-PAGING", volume.KeepsTheNewestRecords, paging((501,))),
    ("CNT-TRUTH", volume.DropsAboveTheHighWater, paging((201,))),
    ("WIN-CATCHUP", volume.AsksForOneBatch, story(Crashes(AT + HOUR, 30 * HOUR), hours=40)),
    ("REC-UPSERT", durability.DedupesInMemory, LOST_BEFORE_A_RESTART),
    ("REC-PERSIST-ACK", durability.WritesEveryTenMinutes, story(Happens(AT, "r1"), Crashes(AT), hours=0)),
    ("REC-PERSIST-ACK", durability.WritesInBlocks, story(Happens(AT, "r1"), Crashes(AT), hours=0)),
    ("REC-PERSIST-ACK", durability.AppendsToATornLine, TWICE_KILLED),
    ("REC-RECONNECT", giving_up.StopsReconnecting, CUTS),
    ("ERR-KEEP", giving_up.ForgetsAfterThreeFailures, REFUSED),
    ("WIN-NO-GAP", giving_up.AbortsThePass, UNREACHABLE),
    ("CONV-RESULT", giving_up.IgnoresCommandResults, IN_VAIN),
    ("WIN-REVISIT", giving_up.RevisitsFullWindowsOnly, LATE),
    ("WIN-REVISIT", giving_up.RevisitsTheFirstLotOnly, LATE),
    ("REC-UPSERT", concurrency.ChecksThenInserts, DOUBLED),
    ("REC-NO-REPLAY-EFFECT", concurrency.ChecksThenActs, DOUBLED),
    ("ERR-TOKEN", concurrency.RefreshesTwice, NEVER_AGREES),
]


@pytest.mark.parametrize("defect", sampled(DEFECTS, every=3), ids=lambda defect: defect[1].__name__)
def test_a_strangers_defect_breaks_its_rule(defect: tuple[str, type[Client], Scenario]) -> None:
    """In a scenario in which the reference client keeps the rule, and the rule is exercised."""
    rule_id, client, scenario = defect
    assert broken(rule_id, scenario, client)
    assert not broken(rule_id, scenario)


CAUSES: dict[str, WrongCounter] = {
    "CountsInTheDayOfTheStart": counters.IN_ITS_DAY,
    "CountsInTheMonthOfTheStart": counters.IN_ITS_MONTH,
    "CountsToMinute59": counters.NOT_THE_LAST_MINUTE,
    "IgnoresTheCaseOfIds": identities.IDS_ALIKE[1],
    "TrimsIds": identities.IDS_ALIKE[3],
    "ReadsIdsAsNumbers": identities.IDS_ALIKE[5],
    "CutsIdsShort": identities.IDS_ALIKE[11],
    "KeysByIdOverLots": identities.ID_OVER_LOTS[0],
    "KeysByIdOverTypes": identities.ID_OVER_TYPES[0],
    "KeysByPlateAndTime": identities.PLATE_AND_TIME[1],
    "DropsDoubleReadings": identities.DOUBLE_READINGS,
    "CountsBillsByEntering": counters.BY_ENTER_TIME,
    "CountsBillsByLeaving": counters.BY_LEAVE_TIME,
    "LeavesOutUnpaidBills": counters.UNPAID,
    "KeepsTheFirstVersion": identities.FIRST_VERSION,
    "KeepsBothDirections": identities.CORRECTIONS,
    "KeepsTheNewestRecords": counters.PAGES[1],
    "DropsAboveTheHighWater": counters.PAGES[2],
}
"""Those that count wrongly, and what is wrong with each."""


@pytest.mark.slow
def test_what_is_wrong_is_among_what_explains_a_wrong_count() -> None:
    """So small a scenario leaves other explanations too; `test_narrowing` tries what many runs leave together."""
    counting = {client: scenario for rule_id, client, scenario in DEFECTS if rule_id.startswith("CNT-")}
    assert {client.__name__ for client in counting} == CAUSES.keys()
    for client, scenario in counting.items():
        assert CAUSES[client.__name__] in suspects(played(scenario, client))


def test_commands_that_came_to_nothing_are_exercised_by_asking_again() -> None:
    """Where a lot was out of reach and the client asked until it was back."""
    assert kept("CONV-RESULT", IN_VAIN)


@pytest.mark.parametrize("naming", [*ALIKE, SHARED])
def test_ids_that_are_alike_accuse_nobody(naming: str) -> None:
    """The reference client tells them apart."""
    for scenario in (TWO, TWO_LOTS, PASS_AND_BILL):
        assert not broken("CNT-TRUTH", named(scenario, naming))
