"""Tests of sessions: what a scenario does to a client."""

import contextlib
import os
import sys
from itertools import pairwise
from typing import Any

import pytest
import requests

from contracts.client.interface import Client, DumpedRecord, Start, Window
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.clients.zoo.errors import HammersOffline
from contracts.play.recording import ActKind
from contracts.play.scenario import (
    BEGIN,
    LOT_IDS,
    MIDNIGHT,
    ClockJumps,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    Scenario,
    Strikes,
    Syncs,
)
from contracts.play.session import LINGER, PATIENCE, ROUNDS, SYNC_EVERY, Session
from contracts.play.supervision import MOST_RESTARTS
from contracts.rules import RULES
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, SECOND

AT = BEGIN + 10 * MINUTE


class Idle(Client):
    """A client that does nothing but note what it is told."""

    def __init__(self, told: list[tuple[str, int]]) -> None:
        self.told = told

    def start(self, start: Start) -> None:
        """Note it."""
        self.told.append(("start", start.now_ms - MIDNIGHT))

    def sync(self, now_ms: int, _window: Window | None = None) -> None:
        """Note it."""
        self.told.append(("sync", now_ms - MIDNIGHT))


class Wakeful(Idle):
    """One with timers that do not say when they are due."""

    def advance(self, now_ms: int) -> None:
        """Note it."""
        self.told.append(("advance", now_ms - MIDNIGHT))


class Mortal(Idle):
    """One that dies of every sync."""

    def sync(self, now_ms: int, _window: Window | None = None) -> None:
        """Die of it."""
        super().sync(now_ms)
        raise RuntimeError("out of order")


def watched(client: type[Idle], scenario: Scenario) -> tuple[Run, list[tuple[str, int]]]:
    """Play a scenario; the run, and what the client was told."""
    told: list[tuple[str, int]] = []
    return run_of(scenario, lambda _: client(told)), told


@pytest.mark.parametrize(("copies", "published"), [(0, 0), (1, 1), (2, 2)])
def test_a_record_is_published_as_often_as_it_says(copies: int, published: int) -> None:
    """Lost, once, twice: and no other record is struck by its fault."""
    scenario = Scenario((Happens(AT, "r1", copies=copies), Happens(AT, "r2")), settles=False)
    run = run_of(scenario, ReferenceClient)
    records = {record.name: len(record.deliveries) for record in run.records.values()}
    assert records == {"r1": published, "r2": 1}


def test_a_record_comes_as_late_as_it_says() -> None:
    """The delay passes on the world's clock, whoever sleeps."""
    run = run_of(Scenario((Happens(AT, "r1", delay_ms=7 * MINUTE),), runs_ms=HOUR, settles=False), ReferenceClient)
    (record,) = run.records.values()
    assert record.deliveries[0].time - record.time == 7 * MINUTE


def test_every_rereport_of_a_record_does_as_it_says() -> None:
    """`again` is lost, twice, once: the record is missing from the first re-report and doubled in the second."""
    lost = Happens(AT, "r1", copies=0, again=(0, 2))
    run = run_of(Scenario((lost, Happens(AT, "r2", copies=0, again=(0, 0, 0)))), ReferenceClient)
    record = next(record for record in run.records.values() if record.name == "r1")
    again = [each for each in record.deliveries if each.origin == "rereport"]
    sizes = [sum(entry.time <= each.time for entry, _ in run.rereports) for each in again]
    assert sizes[:3] == [2, 2, 3]


def test_a_run_ends_when_client_and_lots_agree() -> None:
    """The client is watched for a while after it agrees, and no longer."""
    run = run_of(Scenario((Happens(AT, "r1", copies=0),)), ReferenceClient)
    agreed_at = run.acts_of(ActKind.CONVERGED)[0].time
    assert run.agreed
    assert agreed_at <= run.ended_at <= agreed_at + LINGER
    assert [claim.equal for claim in run.claims_of[run.rereports[0][1].cell]][:2] == [False, True]


def test_a_hopeless_run_ends_before_the_patience_does() -> None:
    """A client whose count grows with every re-report is not watched for two days."""
    run = run_of(Scenario((Happens(AT, "r1", copies=2),)), CountsDeliveries)
    assert not run.agreed
    assert run.ended_at - (run.calm_at or 0) < PATIENCE
    assert max(sum(not claim.equal for claim in claims) for claims in run.claims_of.values()) >= ROUNDS


def test_a_client_that_does_nothing_is_given_all_the_patience() -> None:
    """Nobody agrees with a client that never asks."""
    run, _ = watched(Idle, Scenario((Happens(AT, "r1"),)))
    assert not run.agreed
    assert run.ended_at == (run.calm_at or 0) + PATIENCE
    assert (run.calm_at or 0) == MIDNIGHT + AT


def test_a_client_without_timers_is_told_to_sync() -> None:
    """Every ten minutes, from its start."""
    _, told = watched(Idle, Scenario(runs_ms=HOUR, settles=False))
    syncs = [at for verb, at in told if verb == "sync"]
    assert len(syncs) >= 6
    assert {later - earlier for earlier, later in pairwise(syncs)} == {SYNC_EVERY}


def test_a_client_with_timers_is_told_the_time_every_minute() -> None:
    """It is never told to sync: its own plan says when."""
    _, told = watched(Wakeful, Scenario(runs_ms=10 * MINUTE, settles=False))
    assert [at for verb, at in told if verb == "advance"] == [BEGIN + minute * MINUTE for minute in range(1, 11)]
    assert not [at for verb, at in told if verb == "sync"]


def test_a_step_can_tell_the_client_to_sync() -> None:
    """At that very time."""
    _, told = watched(Wakeful, Scenario((Syncs(AT),), settles=False))
    assert ("sync", AT) in told


def test_a_client_that_dies_is_started_again_a_few_times() -> None:
    """Each death is noted with its reason; then it stays down, and the harness does not fail."""
    run, told = watched(Mortal, Scenario(runs_ms=DAY, settles=False))
    deaths = run.acts_of(ActKind.DIED)
    assert len(deaths) == MOST_RESTARTS + 1
    assert deaths[0].text == "in sync: RuntimeError('out of order')"
    assert [verb for verb, _ in told].count("start") == MOST_RESTARTS + 1


class Unmade(Idle):
    """One whose constructor fails."""

    def __init__(self, *_: object) -> None:
        raise ValueError("no configuration")


class Leaving(Idle):
    """One that ends its process."""

    def start(self, _start: Start) -> None:
        """End it."""
        sys.exit(0)


class Hard(Idle):
    """One that ends its process past every handler."""

    def start(self, _start: Start) -> None:
        """End it."""
        os._exit(3)


class Sleepless(Wakeful):
    """One that fails when it is asked for its next timer."""

    def wakes_at(self) -> int | None:
        """Fail."""
        raise KeyError("plan")


class Textual(Idle):
    """One that stores times as texts."""

    def dump(self) -> list[DumpedRecord]:
        """A record whose time is a text."""
        return [DumpedRecord("r1", "6ce", 0, 0, "08:00")]  # type: ignore[arg-type]  # that is what is wrong


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (Unmade, "in its constructor: ValueError('no configuration')"),
        (Leaving, "in start: SystemExit(0)"),
        (Hard, "in start: SystemExit('os._exit(3)')"),
        (Sleepless, "in advance: KeyError('plan')"),
        (
            Textual,
            'in dump: records[0].event_ms must be an integer, in epoch milliseconds, not a string: "08:00"',
        ),
    ],
    ids=["constructor", "exit", "hard-exit", "wake", "dump"],
)
def test_whatever_a_client_fails_at_is_a_death_of_the_client(client: type[Idle], words: str) -> None:
    """Neither of the harness nor of the process of the judge."""
    run, _ = watched(client, Scenario(runs_ms=HOUR, settles=False))
    assert run.deaths[0].text == words
    assert run.is_lifeless is (client is not Textual)


def test_a_malformed_answer_in_process_breaks_the_rule_about_answers() -> None:
    """As of a process: the finding names the field and what it wants. Another client is not known to keep the rule."""
    rule = RULES["PROC-ANSWER"]
    found = rule.outcome(watched(Textual, Scenario(runs_ms=HOUR, settles=False))[0])
    assert found is not None
    assert found.breaches[0].message.startswith(
        "in dump: records[0].event_ms must be an integer, in epoch milliseconds"
    )
    assert rule.outcome(watched(Idle, Scenario(runs_ms=HOUR, settles=False))[0]) is None


def test_a_crash_loses_what_is_not_in_the_folder() -> None:
    """The client is started again after its down time, on the same folder and subscription."""
    scenario = Scenario((Happens(AT, "r1"), Crashes(AT + MINUTE, down_ms=HOUR), Happens(AT + 2 * MINUTE, "r2")))
    run = run_of(scenario, ReferenceClient)
    assert [act.time - MIDNIGHT for act in run.acts_of(ActKind.START)] == [BEGIN, AT + MINUTE + HOUR]
    assert {record.record_id for record in run.dumps[-1].records} == {"r1", "r2"}
    subscriptions = {event.subscription for _, event in run.consumers}
    assert len(subscriptions) == 1


def test_a_client_that_cannot_crash_is_left_alone() -> None:
    """The step does nothing to a client without the verb."""
    run, told = watched(Idle, Scenario((Crashes(AT),), settles=False))
    assert [verb for verb, _ in told].count("start") == 1
    assert run.can == {"start", "sync", "instances"}


def test_the_clients_clock_can_be_wrong() -> None:
    """From the step on it is told another time than the world has."""
    _, told = watched(Wakeful, Scenario((ClockJumps(AT, off_ms=-HOUR),), runs_ms=MINUTE, settles=False))
    assert told[-1] == ("advance", AT + MINUTE - HOUR)


def test_a_lot_forgets_and_goes_offline() -> None:
    """Both are in the history, and the lot comes back by itself."""
    steps = (Happens(AT, "r1"), Deletes(AT, "r1"), GoesOffline(AT, for_ms=HOUR))
    run = run_of(Scenario(steps, runs_ms=2 * HOUR, settles=False), ReferenceClient)
    (record,) = run.records.values()
    assert record.removed_seq is not None
    assert run.devices[LOT_IDS[0]].online


def test_the_same_scenario_gives_the_same_history() -> None:
    """To the byte: nothing depends on the machine's time or on chance."""
    steps = (
        Happens(AT, "r1", copies=0, again=(0,)),
        Strikes(AT, FaultKind.ANSWER_BUSY, times=2),
        Crashes(AT + 90 * MINUTE),
    )
    first, second = (run_of(Scenario(steps), ReferenceClient) for _ in range(2))
    assert [entry.to_json() for entry in first.entries] == [entry.to_json() for entry in second.entries]


def test_the_world_is_left_when_a_step_fails() -> None:
    """`requests` is what it was before, whatever happened inside."""
    scenario = Scenario((Strikes(AT, "no.such.fault"),))
    with pytest.raises(KeyError):
        run_of(scenario, ReferenceClient)
    with Session(Scenario(), ReferenceClient) as session:
        assert session.world.parking.access_id.endswith("01")


def test_a_call_of_a_user_client_can_use_requests() -> None:
    """The vendor's hosts are answered for `requests` too while a session is open."""
    answers: list[Any] = []

    class Asking(Idle):
        def sync(self, _now_ms: int, _window: Window | None = None) -> None:
            answers.append(requests.get("https://openapi.tuyacn.com/v1.0/token?grant_type=1", timeout=1).json())

    watched(Asking, Scenario((Syncs(AT + SECOND),), settles=False))
    assert answers[0]["code"] == 1105


def test_a_client_without_pauses_ends_its_run_before_the_history_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """What such a client does is seen early; a run that went on would lose the lines that it began with."""
    monkeypatch.setattr("contracts.play.session.MOST_LINES", 100)
    run = run_of(Scenario((GoesOffline(BEGIN, for_ms=DAY),), runs_ms=DAY), HammersOffline)
    assert 100 <= len(run.entries) < 120
    assert run.ended_at < MIDNIGHT + BEGIN + 2 * HOUR


def test_a_clock_may_be_wrong_from_the_start() -> None:
    """The client is started at a wrong time, and is told when it is put right."""
    scenario = Scenario((ClockJumps(AT, 0),), skew_ms=-HOUR, settles=False)
    run, told = watched(Wakeful, scenario)
    assert told[0] == ("start", BEGIN - HOUR)
    assert told[-1] == ("advance", AT)
    assert [act.off_ms for act in run.acts_of(ActKind.CLOCK_JUMPS)] == [-3600000, 0]


def test_a_client_looks_at_its_clock_when_that_jumps() -> None:
    """Its timers need not run by the clock that is wrong: a step back is not slept away."""
    _, told = watched(Wakeful, Scenario((ClockJumps(AT + SECOND, -3 * SECOND),), settles=False))
    assert ("advance", AT - 2 * SECOND) in told


class Restless(Wakeful):
    """One that wants to be woken in the past."""

    def wakes_at(self) -> int | None:
        """Long ago."""
        return MIDNIGHT


def test_a_client_that_wants_to_be_woken_in_the_past_is_woken_each_second() -> None:
    """Time goes on all the same."""
    _, told = watched(Restless, Scenario(runs_ms=MINUTE, settles=False))
    assert len([at for verb, at in told if verb == "advance"]) == 60


class Endless(Idle):
    """One that calls for ever while time stands still."""

    def sync(self, _now_ms: int, _window: Window | None = None) -> None:
        """Ask for a token, again and again, whatever comes of it."""
        while True:
            with contextlib.suppress(Exception):
                requests.get("https://openapi.tuyacn.com/v1.0/token", timeout=1)


def test_a_client_that_calls_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a death like any other, and it is not started again. (At fewer calls than usual, for they take seconds.)"""
    monkeypatch.setattr("contracts.play.in_process_world.CALLS_AT_ONCE", 50)
    run, told = watched(Endless, Scenario(runs_ms=HOUR, settles=False))
    assert [act.text for act in run.acts_of(ActKind.DIED)] == ["in sync: 50 calls at one moment"]
    assert [verb for verb, _ in told].count("start") == 1
