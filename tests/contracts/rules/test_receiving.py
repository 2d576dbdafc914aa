"""Tests of the rules of receiving."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from contracts.cases import CASES
from contracts.check.explore import Exploration
from contracts.client.interface import Capability, MakeClient
from contracts.client.over_native import over_native
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, native, receiving
from contracts.clients.zoo.counting import CountsOneMore
from contracts.play.scenario import BEGIN, Crashes, Happens, Looks, Scenario, Strikes
from contracts.rules import RULES as ALL_RULES
from contracts.rules.base import Outcome
from contracts.rules.receiving import CALM_PAUSE_MS, RULES
from contracts.rules.verdict import judge
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, SECOND
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS, sampled

AT = BEGIN + 10 * MINUTE
ASKED = BEGIN + HOUR + 10 * MINUTE
PLAIN = Scenario(steps=(Happens(AT, "r1"),), settles=False, runs_ms=MINUTE)
"""One record, delivered once: nothing in which receiving could go wrong."""


@dataclass(frozen=True)
class Lesson:
    """A rule, a client that breaks it, and a scenario in which that shows; in `without` it does not arise."""

    rule_id: str
    animal: type[ReferenceClient]
    scenario: Scenario
    without: Scenario = PLAIN


REPORTED_AGAIN = Scenario(
    steps=(
        Happens(AT, "r1"),
        Happens(AT + MINUTE, "r2", copies=0),
        Looks(BEGIN + 50 * MINUTE),
        Happens(ASKED, "r3"),
        Looks(ASKED),
    ),
    settles=False,
    runs_ms=5 * MINUTE,
)
IN_PART = replace(REPORTED_AGAIN, steps=(Happens(AT, "r1", again=(0,)), *REPORTED_AGAIN.steps[1:]))
EXIT_FIRST = Scenario(
    steps=(Happens(AT, "in", delay_ms=2 * MINUTE), Happens(AT + MINUTE, "out", "leave"), Looks(AT + 5 * MINUTE)),
    settles=False,
)
IN_ORDER = replace(EXIT_FIRST, steps=(Happens(AT, "in"), *EXIT_FIRST.steps[1:]))
DAY_LATE = Scenario(steps=(Happens(AT, "r1", event=AT - 23 * HOUR),), settles=False, runs_ms=MINUTE)
FIVE_LATE = Scenario(steps=(Happens(AT, "r1", event=AT - 5 * MINUTE),), settles=False, runs_ms=MINUTE)
CRASHED = Scenario(steps=(Happens(AT, "r1"), Crashes(AT)), settles=False, runs_ms=MINUTE)
BURST = Scenario(steps=(Happens(AT, "r1", many=2), Crashes(AT)), settles=False, runs_ms=MINUTE)
ACK_LOST = Scenario(
    steps=(Strikes(AT, FaultKind.ACK_LOSE, record="r1"), Happens(AT, "r1")), settles=False, runs_ms=2 * MINUTE
)
CRASHED_LATER = Scenario(steps=(Happens(AT, "r1"), Crashes(AT + 10 * MINUTE)), settles=False, runs_ms=MINUTE)
DAMAGED = Scenario(
    steps=(Strikes(AT, FaultKind.MESSAGE_FLIP_BIT), Happens(AT, "r1"), Happens(AT + SECOND, "r2")),
    settles=False,
    runs_ms=20 * MINUTE,
)
NEW_FIELDS = Scenario(
    steps=(Strikes(AT, FaultKind.MESSAGE_UNKNOWN_FIELDS), Happens(AT, "r1")), settles=False, runs_ms=MINUTE
)
NEW_EVENT = Scenario(
    steps=(Strikes(AT, FaultKind.MESSAGE_UNKNOWN_EVENT), Happens(AT, "r1")), settles=False, runs_ms=MINUTE
)
CUT = Scenario(
    steps=(Strikes(AT, FaultKind.SOCKET_CLOSE, times=10), Happens(AT, "r1"), Happens(AT, "r2")),
    settles=False,
    runs_ms=20 * MINUTE,
)
CUT_ONCE = replace(CUT, steps=(Strikes(AT, FaultKind.SOCKET_CLOSE), *CUT.steps[1:]))
LATER = AT + 15 * MINUTE
REFUSED = replace(
    CUT,
    steps=(
        *CUT.steps,
        Strikes(LATER, FaultKind.SOCKET_CLOSE),
        Strikes(LATER, FaultKind.SUBSCRIBE_REFUSE),
        Happens(LATER, "r3"),
    ),
)
SAID_GOODBYE = replace(CUT, steps=(Strikes(AT, FaultKind.SOCKET_IDLE, times=10), *CUT.steps[1:]))
STRANGER = Scenario(steps=(Happens(AT, "r1", lot=1), Looks(ASKED)), lots=("tuya", "tuya"), unlisted=(1,), settles=False)
NO_STRANGER = replace(STRANGER, unlisted=())
AWAY = Scenario(
    steps=(Crashes(AT, 5 * MINUTE), Happens(AT + MINUTE, "r1"), Happens(AT + 2 * MINUTE, "r2")),
    begin=AT,
    settles=False,
    runs_ms=5 * MINUTE,
)
EMPTY = Scenario(settles=False, runs_ms=MINUTE)
ALONE = Scenario(steps=(Happens(AT, "r1"),), begin=AT, settles=False, runs_ms=MINUTE)

LESSONS = (
    Lesson("REC-PERSIST-ACK", receiving.AcksBeforeStoring, CRASHED, CRASHED_LATER),
    Lesson("REC-UPSERT", receiving.InsertsEachTime, REPORTED_AGAIN),
    Lesson("REC-UPSERT", receiving.BlanksWhatItKnows, REPORTED_AGAIN),
    Lesson("REC-NO-REPLAY-EFFECT", receiving.ActsOnEveryMessage, REPORTED_AGAIN),
    Lesson("REC-NO-REPLACE", receiving.ReplacesTheWindow, IN_PART, REPORTED_AGAIN),
    Lesson("REC-ORDER", receiving.DropsExitsWithoutEntry, EXIT_FIRST, IN_ORDER),
    Lesson("REC-OLD", receiving.IgnoresOldEvents, DAY_LATE, FIVE_LATE),
    Lesson("REC-ASK-AGAIN", receiving.AcksTheUnreadable, DAMAGED),
    Lesson("REC-ENCRYPTION", receiving.ReadsOneEncryption, replace(PLAIN, profile={"encryption": "aes_gcm"}), EMPTY),
    Lesson("REC-NACK", receiving.StopsAtTheUnreadable, DAMAGED),
    Lesson("REC-CUMULATIVE", receiving.AcksTheLastOnly, AWAY, ALONE),
    Lesson("REC-ACK-DUPLICATES", receiving.SkipsWhatItKnows, REPORTED_AGAIN),
    Lesson("REC-RECONNECT", receiving.NewNameEachTime, CUT, CUT_ONCE),
    Lesson("REC-RECONNECT", receiving.ComesBackAtOnce, CUT, CUT_ONCE),
    Lesson("REC-RECONNECT", receiving.StaysCut, CUT, CUT_ONCE),
    Lesson("REC-RECONNECT", receiving.TakesGoodbyeForTheEnd, SAID_GOODBYE, PLAIN),
    Lesson("REC-TOLERANT", receiving.RefusesNewFields, NEW_FIELDS),
    Lesson("REC-TOLERANT", receiving.DiesOfNewEvents, NEW_EVENT),
    Lesson("REC-FOREIGN", receiving.GivesStrangersToTheFirstLot, STRANGER, NO_STRANGER),
    Lesson("REC-ASK-AGAIN", native.LogsAndGoesOn, DAMAGED),
    Lesson("REC-PERSIST-ACK", native.AcksUpToTheFirstDone, BURST, CRASHED_LATER),
    Lesson("REC-UPSERT", native.DedupesByRedeliveryCount, ACK_LOST),
    Lesson("REC-RECONNECT", native.GivesUpWhenRefused, REFUSED, PLAIN),
    Lesson("REC-NACK", native.EndsAtAnyError, DAMAGED),
)
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.animal.__name__)


def test_a_record_may_be_stored_otherwise_once_it_was_corrected() -> None:
    """REC-UPSERT is about a repeat of the same version; a newer one changes what is stored."""
    corrected = Happens(AT + 2 * MINUTE, "r1", event=AT, plate="京B10002")
    steps = (Happens(AT, "r1"), Looks(AT + MINUTE), corrected, Looks(AT + 3 * MINUTE))
    run = played(Scenario(steps, settles=False, runs_ms=MINUTE))
    (before,), (after,) = (dump.records for dump in run.dumps[:2])
    assert before.content_hash != after.content_hash
    assert outcome("REC-UPSERT", run) == Outcome(exercised=True)
    assert "京" not in f"{before.content_hash}{after.content_hash}", "no file has a plate, whatever the client gives"


@pytest.mark.parametrize(("pause_ms", "is_broken"), [(CALM_PAUSE_MS, False), (CALM_PAUSE_MS - 1, True)])
def test_pauses_of_half_a_minute_need_not_grow(pause_ms: int, is_broken: bool) -> None:  # noqa: FBT001 a table
    """Who waits that long before it connects again is no burden; who waits less has to wait longer each time."""

    class Steady(ReferenceClient):
        def pause(self, first_ms: int, tries: int, most_ms: int) -> int:  # noqa: ARG002 it is always the same
            """However often it failed."""
            return pause_ms

    found = outcome("REC-RECONNECT", played(CUT, Steady))
    assert found.exercised
    assert bool(found.breaches) == is_broken


@each_lesson
def test_a_defect_breaks_its_rule_and_no_other_of_the_group(lesson: Lesson) -> None:
    """In the smallest scenario where a defect shows, it breaks its own rule of receiving and only that one."""
    run = played(lesson.scenario, lesson.animal)
    assert [rule_id for rule_id, found in judge(run, RULES).items() if found.breaches] == [lesson.rule_id]


@each_lesson
def test_the_reference_client_keeps_the_rule_there(lesson: Lesson) -> None:
    """The same scenario exercises the rule, and a correct client keeps it."""
    assert kept(lesson.rule_id, lesson.scenario)


@each_lesson
def test_without_the_situation_nothing_is_exercised(lesson: Lesson) -> None:
    """A scenario in which the defect could not show is no evidence for anybody."""
    assert not outcome(lesson.rule_id, played(lesson.without, ReferenceClient)).exercised


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_has_a_lesson(rule: str) -> None:
    """No rule of receiving is untested."""
    assert rule in {lesson.rule_id for lesson in LESSONS}


@each_lesson
def test_a_client_that_counts_wrongly_is_not_blamed_for_its_receiving(lesson: Lesson) -> None:
    """A count that is one too high says nothing about what was received."""
    assert not broken(lesson.rule_id, lesson.scenario, CountsOneMore)


class Closed(ReferenceClient):
    """A client that lets nobody look into its store."""

    @property
    def can(self) -> frozenset[Capability]:
        """Everything but that."""
        return super().can - {Capability.DUMP}


@pytest.mark.parametrize(
    "lesson",
    [each for each in LESSONS if each.rule_id in ("REC-ORDER", "REC-NO-REPLACE", "REC-FOREIGN")],
    ids=lambda lesson: lesson.rule_id,
)
def test_claims_show_what_a_store_would(lesson: Lesson) -> None:
    """Of a client whose store nobody sees, the claims tell: the defect is found, and the correct client is cleared."""
    animal = type(lesson.animal.__name__, (Closed, lesson.animal), {})
    longer = replace(lesson.scenario, runs_ms=2 * HOUR)
    assert broken(lesson.rule_id, longer, animal)
    assert kept(lesson.rule_id, longer, Closed)


@pytest.mark.parametrize("make", [lambda client: client, over_native], ids=["websocket", "native"])
@pytest.mark.parametrize("redelivery_count", ["broker", "counted"])
def test_who_dedupes_by_the_redelivery_count_is_caught_whatever_it_is(
    redelivery_count: str, make: Callable[[type[ReferenceClient]], MakeClient]
) -> None:
    """Over both carriers: a re-report is new to the queue, and no message is where the count is always 0."""
    counted = replace(REPORTED_AGAIN, profile={"redelivery_count": redelivery_count})
    assert broken("REC-UPSERT", counted, make(native.DedupesByRedeliveryCount))
    assert kept("REC-UPSERT", counted, make(ReferenceClient))


class TrustsTheCount(ReferenceClient):
    """Stores by key, but not what the queue says that it has delivered before."""

    def take(self, frame: dict[str, Any]) -> bool:
        """Acknowledge it all the same."""
        return bool(frame["redeliveryCount"]) or super().take(frame)


@pytest.mark.parametrize("make", [lambda client: client, over_native], ids=["websocket", "native"])
def test_a_case_shows_who_takes_a_count_for_what_the_client_has(
    make: Callable[[type[ReferenceClient]], MakeClient],
) -> None:
    """Only where the queue counts: where the count is always 0 such a client is right."""
    found: dict[str, list[bool]] = {"broker": [], "counted": []}

    def watch(scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        found["counted"].append(bool(outcomes["CNT-TRUTH"].breaches))
        found["broker"].append(broken("CNT-TRUTH", replace(scenario, profile={}), make(TrustsTheCount)))
        return False

    exploration = Exploration(make(TrustsTheCount), (ALL_RULES["CNT-TRUTH"],), shrink=False, seed=0)
    exploration.of(CASES["receive/counted"], watch)
    assert sum(found["counted"]) == 3, "all but the acknowledgement that is lost"
    assert not any(found["broker"])


def test_a_message_may_be_set_aside_when_it_has_come_damaged_several_times() -> None:
    """A message that stays unreadable is acknowledged in the end by the reference client, and that is no breach."""
    stubborn = replace(
        DAMAGED, steps=(Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, times=8, record="r1"), *DAMAGED.steps[1:])
    )
    run = played(stubborn, ReferenceClient)
    assert any(each.damaged and each.acked_seq for each in run.deliveries)
    assert not outcome("REC-NACK", run).breaches


def test_a_client_that_dies_of_a_damaged_message_breaks_the_rule_about_those() -> None:
    """A death just after a damaged message is a breach of REC-NACK, not of REC-TOLERANT."""

    class DiesOfDamage(ReferenceClient):
        def take(self, frame: dict[str, object]) -> bool:
            if not super().take(frame):
                raise RuntimeError("damaged")
            return True

    assert broken("REC-NACK", DAMAGED, DiesOfDamage)
    assert not broken("REC-TOLERANT", DAMAGED, DiesOfDamage)


ANIMALS = {name: animal for name, animal in ZOO.items() if animal.client.__module__ == receiving.__name__}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", sampled(ANIMALS, every=3))
def test_each_animal_is_killed_at_any_seed(name: str, seed: int) -> None:
    """The aimed cases find each defect at the usual number of examples."""
    assert killed(ANIMALS[name], seed)
