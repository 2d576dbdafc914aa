"""Every kind of fault under the reference client: the judge accuses nobody of what a fault has done."""

import pytest
from msgspec import structs

from contracts.check.failure_file import RecordedFailure, ReplayError, replay
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import BEGIN, Happens, Scenario, Strikes
from contracts.rules import RULES
from contracts.rules.base import NOT_EXERCISED
from contracts.rules.verdict import judge
from contracts.run.known_faults import KNOWN_FAULTS
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import (
    ACKNOWLEDGEMENT,
    CALL,
    CATALOGUE,
    DELIVERY,
    FRAME,
    OF_TOKEN_CALLS,
    RECORD,
    REPEAT,
    REREPORT,
    SOCKET,
    SUBSCRIPTION,
    UPLINK,
    CatalogueEntry,
    FaultKind,
)
from mock_server.faults.faults import publication
from mock_server.model import HOUR, MINUTE, Fate, Record, Spoils
from mock_server.queue.uplink import Uplink, record_occasion

AT = BEGIN + 10 * MINUTE
RECORDS = (Happens(AT, "r1"), Happens(AT, "r2", "bill"), Happens(AT + MINUTE, "r3", copies=0))
"""A pass and a bill at a full minute, and a pass that comes in a re-report only."""

NAMED = {
    CALL: ("request",),
    DELIVERY: ("message_id", "consumer"),
    SOCKET: ("message_id", "consumer"),
    ACKNOWLEDGEMENT: ("message_id", "consumer"),
    SUBSCRIPTION: (),
    RECORD: ("device_id", "data_type", "record_id"),
    UPLINK: ("device_id", "data_type", "record_id"),
    REPEAT: ("device_id", "data_type", "record_id", "message_id"),
    REREPORT: ("device_id", "data_type"),
}
"""What a fault names of what it struck, by its site."""


class EmulatorOnly(CatalogueEntry):
    """A kind of fault that somebody has added to the emulator, and to nothing else."""

    CORRUPT_TIME = "uplink.corrupt-time", UPLINK, Spoils.CONTENT, "a record's message has a time of another hour"


def struck_by(kind: str, times: int = 2) -> Scenario:
    """Records of one hour, on their way and in re-reports, and a kind of fault that strikes while they come.

    The first call for a token passes: a client that never gets one shows nothing.
    """
    strikes = Strikes(BEGIN, kind, times=times, skip=int(kind in OF_TOKEN_CALLS))
    # A client that is connected already subscribes again after a cut only.
    cut = (Strikes(BEGIN, FaultKind.SOCKET_CLOSE),) if kind == FaultKind.SUBSCRIBE_REFUSE else ()
    return Scenario((strikes, *cut, *RECORDS), profile={"record_time": "text"}, runs_ms=2 * HOUR)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind.site != FRAME])  # no frame over WebSocket
def test_the_reference_client_keeps_every_rule_under_every_fault(kind: FaultKind) -> None:
    """The fault strikes, the history names what it struck and what that spoils, and no rule is broken."""
    run = run_of(struck_by(kind), ReferenceClient)
    strikes = [event for _, event in run.faults if event.fault == kind]
    assert strikes
    assert {event.spoils for event in strikes} == {kind.spoils}
    assert all(getattr(event, name) is not None for event in strikes for name in NAMED[kind.site])
    outcomes = judge(run, RULES.values())
    assert any(outcome.exercised for outcome in outcomes.values())
    assert not {rule_id: outcome.breaches for rule_id, outcome in outcomes.items() if outcome.breaches}


def test_the_judge_knows_the_whole_catalogue() -> None:
    """Who adds a kind looks through the rules for what it does to a client, and then adds it to `KNOWN_FAULTS`."""
    assert set(CATALOGUE) == KNOWN_FAULTS


@pytest.fixture(name="corrupted")
def corrupted_fixture(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The reference client in a world whose emulator has a fault more than the judge knows."""

    def send(self: Uplink, record: Record, fate: Fate = None) -> None:
        strikes = self._faults.strike(record_occasion(UPLINK, record)) if fate is None else []
        if any(strike.kind == EmulatorOnly.CORRUPT_TIME for strike in strikes):
            record = structs.replace(record, event_time=record.event_time + 3 * HOUR)
        self._carry(record, publication(strikes), "uplink", cause="")

    monkeypatch.setitem(CATALOGUE, EmulatorOnly.CORRUPT_TIME, EmulatorOnly.CORRUPT_TIME)
    monkeypatch.setattr(Uplink, "send", send)
    return run_of(struck_by(EmulatorOnly.CORRUPT_TIME), ReferenceClient)


def test_a_fault_that_the_judge_does_not_know_accuses_nobody(corrupted: Run) -> None:
    """A run in which it struck is judged by no rule, although some rules look broken by the client in it."""
    assert corrupted.unknown_faults == {EmulatorOnly.CORRUPT_TIME}
    assert any(rule.look(corrupted).breaches for rule in RULES.values())
    assert all(rule.check(corrupted) == NOT_EXERCISED for rule in RULES.values())
    assert not judge(corrupted, RULES.values())


@pytest.mark.usefixtures("corrupted")
def test_a_replay_says_that_it_cannot_be_judged() -> None:
    """It is not taken for mended."""
    recorded = RecordedFailure(RULES["CNT-TRUTH"], "a case", None, struck_by(EmulatorOnly.CORRUPT_TIME), (), {})
    with pytest.raises(ReplayError, match=r"CNT-TRUTH cannot be judged: .* does not know .* uplink\.corrupt-time"):
        replay(recorded, ReferenceClient)
