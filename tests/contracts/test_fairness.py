"""Tests that correct clients of designs which the reference client does not have are accused of nothing."""

from contracts.client.interface import DumpedRecord
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import receiving
from contracts.play.scenario import BEGIN, Crashes, Happens, Looks, Scenario, Strikes
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from tests.contracts.support import broken

AT = BEGIN + 10 * MINUTE


def accusations(run: Run) -> set[str]:
    """The must-rules that a run breaks."""
    musts = [rule for rule in RULES.values() if rule.level == "must"]
    return {rule_id for rule_id, outcome in judge(run, musts).items() if outcome.breaches}


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
