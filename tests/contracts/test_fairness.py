"""Tests that correct clients of designs which the reference client does not have are accused of nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contracts.check.engine import Plan, check_in_parallel
from contracts.client.interface import Capability, ClockKind, DumpedRecord, Start
from contracts.clients.messages import UnreadableError
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import errors, receiving, security, times
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.attachment import load
from contracts.play.own_cloud import in_own_cloud
from contracts.play.scenario import BEGIN, Crashes, Happens, Looks, Scenario, Step, Strikes
from contracts.play.session import CUTS_IN_REAL_TIME
from contracts.proof.matrix import shim_command
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.rules.security import HARMLESS_BYTES
from contracts.rules.situations import missed
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, JsonObject
from mock_server.wire.paths import SYNC_PREFIX
from tests.contracts.designs.batches import BatchingClient
from tests.contracts.designs.threads import ThreadedClient
from tests.contracts.support import broken, outcome

AT = BEGIN + 10 * MINUTE


def accusations(run: Run) -> set[str]:
    """The must-rules that a run breaks."""
    musts = [rule for rule in RULES.values() if rule.level == "must"]
    return {rule_id for rule_id, found in judge(run, musts).items() if found.breaches}


# A client receives while a dump is on its way


class ReceivesAfterTheReading(ReferenceClient):
    """Its receiver stores and acknowledges what has come between the reading of the store and the answer."""

    def quiet(self) -> None:
        """The receiver has not been at it yet."""

    def dump(self) -> list[DumpedRecord]:
        """Read the store, and receive before that is answered."""
        shown = super().dump()
        self.receive()
        return shown


class ReconnectsBeforeTheReading(ReferenceClient):
    """It is connected anew between the question and the reading: what came damaged comes again, and whole."""

    def dump(self) -> list[DumpedRecord]:
        """Connect, receive, read the store."""
        if self._socket is not None:
            self._socket.close()
        self.connect()
        self.receive()
        return super().dump()


def test_what_is_acknowledged_while_a_dump_is_on_its_way_may_be_missing_in_it() -> None:
    """A receiver that stores and acknowledges then is accused of nothing, after a crash and of late records."""
    crashed = Scenario((Happens(AT, "r1"), Crashes(AT)), settles=False, runs_ms=MINUTE)
    late = Scenario((Happens(AT, "r1", event=AT - 23 * HOUR), Looks(AT)), settles=False, runs_ms=MINUTE)
    for scenario in (crashed, late):
        run = run_of(scenario, ReceivesAfterTheReading)
        acked = [each.acked_seq for each in run.deliveries if each.acked_seq is not None]
        assert any(dump.asked_seq < seq <= dump.seq for dump in run.dumps for seq in acked)
        assert accusations(run) == set()


def test_what_is_delivered_while_a_dump_is_on_its_way_may_be_in_it() -> None:
    """A record that came whole only then is not taken for one that was read from a damaged message."""
    steps = (Strikes(AT, FaultKind.MESSAGE_FLIP_BIT), Happens(AT, "r1"), Looks(AT))
    run = run_of(Scenario(steps, settles=False, runs_ms=MINUTE), ReconnectsBeforeTheReading)
    whole = [each.seq for each in run.deliveries if each.record is not None and not each.damaged]
    shown = [dump for dump in run.dumps if any(dump.asked_seq < seq <= dump.seq for seq in whole)]
    assert shown[0].records
    assert accusations(run) == set()


def test_a_client_that_acknowledges_before_it_stores_is_caught_all_the_same() -> None:
    """What was acknowledged before the question has to be in the answer."""
    crashed = Scenario((Happens(AT, "r1"), Crashes(AT)), settles=False, runs_ms=MINUTE)
    assert broken("REC-PERSIST-ACK", crashed, receiving.AcksBeforeStoring)
    late = Scenario((Happens(AT, "r1", event=AT - 23 * HOUR), Looks(AT)), settles=False, runs_ms=MINUTE)
    assert broken("REC-OLD", late, receiving.IgnoresOldEvents)


# Pauses in real time


class RepeatsInRealTime(errors.RepeatsWhenBusy):
    """It repeats calls within a verb: what it pauses there goes by the machine's time, and nobody can see it."""

    clock: ClockKind = "real"


class StaysCutInRealTime(receiving.StaysCut):
    """It never comes back, by whatever clock."""

    clock: ClockKind = "real"


BUSY = Scenario(
    (Strikes(AT, FaultKind.ANSWER_BUSY, times=4, path=SYNC_PREFIX),), settles=False, runs_ms=HOUR + 10 * MINUTE
)
CUT = Scenario(
    (Strikes(AT, FaultKind.SOCKET_CLOSE, times=10), Happens(AT, "r1"), Happens(AT, "r2")),
    settles=False,
    runs_ms=20 * MINUTE,
)


def test_pauses_in_real_time_are_not_judged_and_never_green() -> None:
    """A rule about the pace of repeats has no outcome for a client that may sleep, and one that may not breaks it."""
    assert "ERR-RATE" not in judge(run_of(BUSY, RepeatsInRealTime), RULES.values())
    assert judge(run_of(BUSY, errors.RepeatsWhenBusy), RULES.values())["ERR-RATE"].breaches


def test_who_never_comes_back_is_told_whatever_its_clock() -> None:
    """The rest of a rule whose pauses are not judged can be broken, and is not passed."""
    assert judge(run_of(CUT, StaysCutInRealTime), RULES.values())["REC-RECONNECT"].breaches
    assert "REC-RECONNECT" not in judge(run_of(CUT, ReferenceOfRealTime), RULES.values())


class ReferenceOfRealTime(ReferenceClient):
    """Its timers go by virtual time, and it does not say so."""

    clock: ClockKind = "real"


DESIGNS = (ThreadedClient, BatchingClient)


@pytest.mark.parametrize("design", DESIGNS)
def test_virtual_time_stands_still_until_a_client_of_real_time_is_back(design: type[ReferenceClient]) -> None:
    """A process that reconnects with a sleep is back at the virtual moment of the cut, and is accused of nothing."""
    run = run_of(CUT, load(f"exec {shim_command(design)}"))
    cuts = [entry.time for entry, event in run.faults if event.fault == FaultKind.SOCKET_CLOSE]
    back = [entry.time for entry, event in run.consumers if event.change == "connected"]
    assert len(cuts) == CUTS_IN_REAL_TIME
    assert back[1:] == cuts
    assert accusations(run) == set()


@pytest.mark.parametrize("design", DESIGNS)
def test_clients_that_receive_beside_their_questions_are_accused_of_nothing(design: type[ReferenceClient]) -> None:
    """By a pool of threads, out of order, or in batches: messages that are lost, doubled and late, and a crash."""
    fates = (Happens(AT, "r1"), Happens(AT, "r2", copies=0), Happens(AT, "r3", copies=2), Happens(AT, "r4", "leave"))
    late = Happens(AT + MINUTE, "r5", "bill", event=AT - 20 * HOUR)
    steps = (*fates, late, Crashes(AT + 2 * MINUTE), Looks(AT + 3 * MINUTE))
    run = run_of(Scenario(steps, settles=False, runs_ms=2 * HOUR), load(f"exec {shim_command(design)}"))
    acked = {each.record.name for each in run.deliveries if each.record is not None and each.acked_seq is not None}
    assert acked == {"r1", "r2", "r3", "r4", "r5"}
    assert accusations(run) == set()


# One of two encryptions, no signature, a second 60


class ReadsGcmOnly(ReferenceClient):
    """It decrypts every message by GCM."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The report in a frame, decrypted by GCM."""
        return super().read(frame | {"properties": {"em": "aes_gcm"}})


class SetsAsideAtOnce(receiving.ReadsOneEncryption):
    """It acknowledges what it cannot read at first sight."""

    def asks_again(self, message_id: str) -> bool:  # noqa: ARG002 the reference client's name
        """Never."""
        return False


FATES = (Happens(AT, "r1"), Happens(AT, "r2", "leave", copies=0), Happens(AT, "r3", copies=2), Crashes(AT + 2 * MINUTE))
CUT_SHORT = (Strikes(AT, FaultKind.SOCKET_CLOSE, times=4), *FATES)
STRANGE = Happens(AT, "r4", "bill", lot=1)
IN_GCM: JsonObject = {"encryption": "aes_gcm"}


@pytest.mark.parametrize(
    ("client", "profile"),
    [(receiving.ReadsOneEncryption, IN_GCM), (SetsAsideAtOnce, IN_GCM), (ReadsGcmOnly, {})],
)
@pytest.mark.parametrize("steps", [FATES, CUT_SHORT, (), (*FATES, STRANGE)], ids=["fates", "cuts", "none", "strange"])
def test_who_reads_another_encryption_is_told_that_alone(
    client: type[ReferenceClient], profile: JsonObject, steps: tuple[Step, ...]
) -> None:
    """No must-rule is broken by what follows, and what is about records is not exercised, with the reason."""
    lots = ("tuya", "tuya") if STRANGE in steps else ("tuya",)
    run = run_of(
        Scenario(steps, lots, profile, runs_ms=2 * HOUR, settles=False, unlisted=(1,)[: len(lots) - 1]), client
    )
    found = judge(run, RULES.values())
    assert {rule_id for rule_id, each in found.items() if each.breaches} <= {"REC-ENCRYPTION"}
    if steps:
        assert found["REC-ENCRYPTION"].breaches
        assert not found["CNT-TRUTH"].exercised
        assert f"encrypted by {run.profile.encryption}" in missed(RULES["CNT-TRUTH"], run).text


def test_who_says_what_its_cloud_sends_and_cannot_read_it_is_told_the_truth() -> None:
    """In its own cloud nothing excuses a count of nothing."""
    own = in_own_cloud(Scenario(FATES, runs_ms=2 * HOUR, settles=False), IN_GCM)
    assert own is not None
    assert "CNT-TRUTH" in accusations(run_of(own, receiving.ReadsOneEncryption))


def test_who_reads_what_is_not_signed_is_told_that_alone() -> None:
    """A message changed on the way is stored: SEC-TAMPER, in either encryption, and no other must-rule."""
    struck = Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, HARMLESS_BYTES[0], times=1000)
    for client, profile in ((security.IgnoresTheSignature, {}), (security.IgnoresTheTag, IN_GCM)):
        scenario = Scenario((struck, *FATES), profile=profile, runs_ms=2 * HOUR, settles=False)
        assert accusations(run_of(scenario, client)) == {"SEC-TAMPER"}


class RefusesSecond60(ReferenceClient):
    """Its parser of times knows no second 60: it sets such a record aside, or refuses it three times before."""

    def time_of(self, value: object) -> int:
        """A time in ms. ValueError for a second 60."""
        if ":60" in str(value):
            raise ValueError("second must be in 0..59")
        return super().time_of(value)


class RefusesSecond60First(ReferenceClient):
    """It takes a message with a second 60 for damaged, and asks for it again three times."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The report. UnreadableError for a second 60."""
        report = super().read(frame)
        if ":60" in json.dumps(report):
            raise UnreadableError("second must be in 0..59")
        return report


@pytest.mark.parametrize("client", [RefusesSecond60, RefusesSecond60First, times.DiesOfALeapSecond])
def test_a_second_60_breaks_no_must_rule(client: type[ReferenceClient]) -> None:
    """Nobody has to read it, nor to survive it: TIME-LEAP is for information."""
    struck = Strikes(BEGIN, FaultKind.MESSAGE_LEAP_SECOND, times=50)
    scenario = Scenario((struck, *FATES), profile={"record_time": "text"}, runs_ms=2 * HOUR, settles=False)
    assert accusations(run_of(scenario, client)) == set()


# Two instances


class RunsAlone(ReferenceClient):
    """It has a lock on its folder: a second instance refuses to start."""

    def start(self, start: Start) -> None:
        """Take the lock, or fail."""
        with (start.folder / "lock").open("x"):
            super().start(start)


class SaysSo(ReferenceClient):
    """It declines a second instance."""

    instances: int | None = 1


TWO = Scenario((Happens(AT, "r1"), Happens(AT, "r2", copies=0)), settles=False, runs_ms=HOUR, instances=2)


def test_only_rules_about_instances_are_judged_of_two() -> None:
    """What two that do not know of each other say is not held against one."""
    run = run_of(TWO, load(f"exec {shim_command(CountsDeliveries)}"))
    assert set(judge(run, RULES.values())) == {"CONV-SINGLE"}


def test_a_client_that_runs_alone_is_played_alone() -> None:
    """It is judged by all rules but those about several instances."""
    run = run_of(TWO, SaysSo)
    assert len({event.consumer for _, event in run.consumers}) == 1
    assert judge(run, RULES.values())["CNT-TRUTH"].exercised
    assert RULES["CONV-SINGLE"].missing(run.can | {Capability.OWN_PROCESS}) == [Capability.INSTANCES]


def test_a_second_instance_that_does_not_start_is_left_out() -> None:
    """A lock on the folder is a way to run alone: the first goes on, and keeps the rule about instances."""
    run = run_of(TWO, RunsAlone)
    assert (run.deaths, run.has_replicas) == ([], True)
    assert outcome("CONV-SINGLE", run) == Outcome(exercised=True)


# Clients behind URLs


class CallCounter(BaseHTTPRequestHandler):
    """Answers every call with nothing to tell, and counts the scenarios and the calls at one time."""

    protocol_version = "HTTP/1.1"
    can = json.dumps({"agent": "counter", "version": "1", "protocol": 1, "can": ["sync", "stop"]})

    def do_POST(self) -> None:
        """Answer a call."""
        seen: Any = self.server
        with seen.lock:
            seen.now += 1
            seen.most = max(seen.most, seen.now)
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen.verbs.append(call["verb"])
        result = self.can if call["verb"] == "hello" else "{}"
        body = f'{{"id": {call["id"]}, "result": {result}}}'.encode()
        with seen.lock:
            seen.now -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def counting() -> Iterator[Any]:
    """A client behind a URL, with what it has counted."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), CallCounter)
    server.lock, server.now, server.most, server.verbs = threading.Lock(), 0, 0, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def is_one_at_a_time(verbs: list[str]) -> bool:
    """Whether each `start` comes after the `stop` before it."""
    turns = [verb for verb in verbs if verb in ("start", "stop")]
    return turns == ["start", "stop"] * (len(turns) // 2)


@pytest.mark.slow
def test_one_scenario_at_a_time_is_played_to_a_url() -> None:
    """Two URLs get one each at a time, whichever of them is free, and every case is played to one of them."""
    with counting() as one, counting() as other:
        urls = [f"http://127.0.0.1:{server.server_port}/" for server in (one, other)]
        plan = Plan(case_ids=("process/answers", "receive/told-late", "receive/crash", "receive/news"), examples=1)
        found = check_in_parallel(f"http {' '.join(urls)}", plan, jobs=2)
        assert found.runs == len(plan.case_ids)
        for server in (one, other):
            assert server.most <= 1
            assert is_one_at_a_time(server.verbs)
        assert (one.verbs + other.verbs).count("start") == found.runs
