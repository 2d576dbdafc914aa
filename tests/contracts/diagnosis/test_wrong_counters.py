"""Tests of the wrong counters: that each explains the client that it is a model of, and no other."""

from collections import defaultdict
from dataclasses import replace

import pytest

from contracts.clients.record_store import CellRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import counting as zoo
from contracts.clients.zoo.windows import CutsAtFullHours
from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis import wrong_identities as identities
from contracts.diagnosis.client_view import ClientView
from contracts.diagnosis.counting_model import CountingModel
from contracts.diagnosis.explain import diagnose, differs, fits, suspects
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.play.scenario import BEGIN, Crashes, Happens, Scenario, Strikes
from contracts.run.run import run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, SECOND, JsonObject

AT = BEGIN + 10 * MINUTE
LATE = BEGIN + 58 * MINUTE
RIGHT = WrongCounter("counts right", "do nothing", CountingModel().count)


class ClosedEnd(ReferenceClient):
    """Counts a record at the end of a window in it."""

    def count(self, cell: CellRow) -> int:
        """One millisecond more."""
        return super().count(cell._replace(end_ms=cell.end_ms + 1))


class OpenStart(ReferenceClient):
    """Counts a record at the end of a window in it, and one at its start not."""

    def count(self, cell: CellRow) -> int:
        """One millisecond later."""
        return super().count(cell._replace(start_ms=cell.start_ms + 1, end_ms=cell.end_ms + 1))


class NoStart(ReferenceClient):
    """Leaves out a record at the start of a window, and counts none at its end."""

    def count(self, cell: CellRow) -> int:
        """One millisecond less."""
        return super().count(cell._replace(start_ms=cell.start_ms + 1))


class NoEnd(ReferenceClient):
    """Leaves out a record at the end of a window, also where the lot counts it."""

    def count(self, cell: CellRow) -> int:
        """One millisecond less."""
        return super().count(cell._replace(end_ms=cell.end_ms - 1))


class ZoneAhead(ReferenceClient):
    """Stores local time for universal time."""

    def take_record(self, record: Stored) -> None:
        """Eight hours on."""
        super().take_record(record._replace(event_ms=record.event_ms + 8 * HOUR))


class WholeSeconds(ReferenceClient):
    """Has a column with whole seconds."""

    def take_record(self, record: Stored) -> None:
        """Cut off."""
        super().take_record(record._replace(event_ms=record.event_ms // SECOND * SECOND))


class RoundsSeconds(CutsAtFullHours):
    """Rounds times to whole seconds, and begins its windows where that matters."""

    def time_of(self, value: object) -> int:
        """To the nearest one."""
        return round(super().time_of(value) / SECOND) * SECOND


class BerlinForUtc(ReferenceClient):
    """Runs in Berlin and takes the UTC that it is told for its local time: an hour back in winter."""

    def time_of(self, value: object) -> int:
        """An hour earlier."""
        return super().time_of(value) - HOUR


class DropsTexts(ReferenceClient):
    """Leaves out records whose time is no number."""

    def take_record(self, record: Stored) -> None:
        """None of a lot that writes texts."""


class DropsKnownCells(ReferenceClient):
    """Takes nothing of a window that has been closed."""

    def take_record(self, record: Stored) -> None:
        """Only what comes in time."""
        if record.event_ms >= self.closed_until():
            super().take_record(record)


class IgnoresOld(ReferenceClient):
    """Takes no record that is older than ten minutes."""

    def take_record(self, record: Stored) -> None:
        """Only what is young."""
        if self.now_ms() - record.event_ms <= 10 * MINUTE:
            super().take_record(record)


class Replaces(ReferenceClient):
    """Deletes what it has of a window when the first record of a re-report comes."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._fresh: dict[tuple[object, ...], set[str]] = defaultdict(set)
        self._asked_at: dict[tuple[object, ...], int] = {}

    def take_record(self, record: Stored) -> None:
        """The first after a question opens the window anew."""
        super().take_record(record)
        cell = (*record[:2], record.direction, self.window_start(record.event_ms))
        if self._asked_at.pop(cell, None):
            self._fresh[cell].clear()
        self._fresh[cell].add(record.record_id)

    def count(self, cell: CellRow) -> int:
        """What has come since."""
        self._asked_at[cell[:4]] = self.now_ms()
        return len(self._fresh[cell[:4]])


def story(*steps: Happens | Strikes | Crashes) -> Scenario:
    """What is enough for two questions about the first hour."""
    return Scenario(steps=steps, runs_ms=3 * HOUR, settles=False)


COPIES_APART = story(
    Strikes(AT, FaultKind.SOCKET_CLOSE, skip=1),
    Happens(AT, "r1", copies=2),
    Happens(AT, "r2"),
    Happens(AT, "r3", copies=0),
)
LOST = story(
    Happens(AT, "r1", copies=2),
    Happens(AT, "r2", plate="京B10002", copies=0),
    Happens(LATE, "r3", plate="京C10003", delay_ms=12 * MINUTE),
)
GONE = story(Happens(AT, "r1"), Happens(LATE, "r2", plate="京B10002", copies=0))
EDGES = story(
    Happens(BEGIN + HOUR - SECOND // 2, "end"),
    Happens(BEGIN - SECOND // 2, "start", event=BEGIN - SECOND // 2),
    Happens(AT, "r1"),
)
PARTLY = story(Happens(AT, "r1", again=(0,)), Happens(AT, "r2", copies=0), Happens(AT, "r3"))
TEXTS = replace(
    story(Happens(AT, "r1"), Happens(AT, "r2"), Happens(LATE, "r3")), profile={"record_time": "text"}, runs_ms=10 * HOUR
)
BERLIN = replace(story(Happens(AT + HOUR, "r1"), Happens(AT + HOUR, "r2")), tz="Europe/Berlin", runs_ms=4 * HOUR)
CLOSED = replace(EDGES, profile={"base": "closed-windows"})
NEAR_THE_END = story(Happens(BEGIN + HOUR - 300, "r1"), Happens(AT, "r2"))

MODELS: list[tuple[WrongCounter, type[ReferenceClient], Scenario]] = [
    (identities.DELIVERIES, zoo.CountsDeliveries, COPIES_APART),
    (identities.MESSAGE_IDS, zoo.CountsMessageIds, COPIES_APART),
    (counters.CACHED, zoo.KeepsTheFirstCount, LOST),
    (counters.CLOSED_END, ClosedEnd, EDGES),
    (counters.OPEN_START, OpenStart, EDGES),
    (counters.OPEN, NoStart, EDGES),
    (counters.HALF_OPEN, NoEnd, CLOSED),
    (counters.ZONE_AHEAD, ZoneAhead, EDGES),
    (counters.UTC_AS_LOCAL, BerlinForUtc, BERLIN),
    (counters.NO_TEXT, DropsTexts, TEXTS),
    (counters.WHOLE_SECONDS, WholeSeconds, NEAR_THE_END),
    (counters.OLD[0], IgnoresOld, LOST),
    (counters.NO_REREPORTS, DropsKnownCells, GONE),
    (counters.REPLACED, Replaces, PARTLY),
    (counters.ONE_MORE, zoo.CountsOneMore, EDGES),
]


@pytest.mark.parametrize(("counter", "client", "scenario"), MODELS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_wrong_counter_explains_its_client(
    counter: WrongCounter, client: type[ReferenceClient], scenario: Scenario
) -> None:
    """It is among the suspects of the client that it is a model of, and no more than two others are."""
    names = [suspect.name for suspect in suspects(run_of(scenario, client))]
    assert counter.name in names
    assert len(names) <= 3
    assert differs(run_of(scenario, ReferenceClient), counter)


def test_times_that_are_rounded_are_told_from_those_that_are_cut() -> None:
    """Rounding puts a record of the last half second into the next window, cutting leaves it where it is."""
    run = run_of(NEAR_THE_END, RoundsSeconds)
    assert [suspect.name for suspect in suspects(run)] == [counters.ROUNDED_SECONDS.name]
    assert not differs(run, counters.WHOLE_SECONDS)
    assert differs(run_of(NEAR_THE_END, CutsAtFullHours), counters.ROUNDED_SECONDS)


def test_no_wrong_counter_is_suspected_of_a_true_count() -> None:
    """Where every claim is on the bracket there is nothing to explain, whatever fits."""
    run = run_of(COPIES_APART, ReferenceClient)
    assert any(found.fits for found in diagnose(run))
    assert suspects(run) == []


def test_a_diagnosis_names_the_claim_that_speaks_against_a_candidate() -> None:
    """Every candidate is judged; of one that does not fit the first claim that it cannot explain is told."""
    run = run_of(COPIES_APART, zoo.CountsMessageIds)
    found = {diagnosis.counter: diagnosis for diagnosis in diagnose(run)}
    assert tuple(found) == CANDIDATES
    assert found[identities.MESSAGE_IDS].fits
    assert found[identities.MESSAGE_IDS].against is None
    against = found[identities.DELIVERIES].against
    assert against is not None
    assert against == next(claim for claim in run.claims if claim.claimed)


@pytest.mark.parametrize("scenario", [COPIES_APART, LOST, EDGES, PARTLY, NEAR_THE_END])
def test_the_right_counter_is_never_off_the_bracket(scenario: Scenario) -> None:
    """What all the wrong ones differ from is what the reference client claims."""
    run = run_of(scenario, ReferenceClient)
    assert fits(run, RIGHT)
    assert not differs(run, RIGHT)
    assert RIGHT.claims(run).ranges == run.brackets


def test_a_message_that_is_not_acknowledged_leaves_two_views() -> None:
    """Nobody knows whether a client that was handed a record and has not acknowledged it counts it already."""

    class Silent(ReferenceClient):
        """Stores, and acknowledges nothing."""

        def answer_frame(self, *_: object, **__: object) -> None:
            pass

    run = run_of(story(Happens(AT, "r1")), Silent)
    place = next(place for place, claim in enumerate(run.claims) if claim.claimed)
    assert run.once(ClientView).views == ("delivery", "acknowledgement")
    assert RIGHT.claims(run).ranges[place] == run.brackets[place] == (0, 1)
    assert not differs(run, counters.ONE_LESS)


def test_what_a_broken_connection_swallowed_was_not_seen() -> None:
    """A delivery on which the connection breaks reaches nobody: it is no delivery to count."""
    run = run_of(story(Strikes(AT, FaultKind.SOCKET_CLOSE), Happens(AT, "r1")), ReferenceClient)
    assert [each.torn for each in run.deliveries if each.record] == [True, False]
    assert not differs(run, identities.DELIVERIES)


def test_candidates_have_names_of_their_own() -> None:
    """A report tells them apart by their names, and says of each what to do."""
    assert len({counter.name for counter in CANDIDATES}) == len(CANDIDATES)
    assert all(counter.remedy for counter in CANDIDATES)
