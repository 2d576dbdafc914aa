"""Tests of what a session shows a client of its world, and what the judge sees of the client."""

from contracts.client.interface import Start
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.receiving import SkipsWhatItKnows, StopsAtTheUnreadable
from contracts.play.convergence import REDELIVERIES
from contracts.play.scenario import BEGIN, LOT_IDS, MIDNIGHT, Crashes, Happens, Looks, Scenario, Strikes
from contracts.play.session import PATIENCE
from contracts.run.run import run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import MINUTE, JsonObject

AT = BEGIN + 10 * MINUTE
TWO_LOTS = Scenario(steps=(Happens(AT, "r1", lot=1),), lots=("tuya", "tuya"), unlisted=(1,))


def test_an_unlisted_lot_is_not_in_what_a_client_is_told() -> None:
    """Both places in which a client is told the exports leave it out; its messages come all the same."""
    told: list[JsonObject] = []

    class Listening(ReferenceClient):
        def start(self, start: Start) -> None:
            told.append(start.exports)
            super().start(start)

    def make(exports: JsonObject) -> ReferenceClient:
        told.append(exports)
        return Listening(exports)

    run = run_of(TWO_LOTS, make)
    assert len(told) == 2
    assert all(LOT_IDS[0] in str(exports) and LOT_IDS[1] not in str(exports) for exports in told)
    assert [each.device_id for each in run.deliveries if each.record] == [LOT_IDS[1]]


def test_nobody_need_ask_an_unlisted_lot() -> None:
    """A client agrees with the lots that it was told of, and takes syncs of no other."""
    run = run_of(TWO_LOTS, ReferenceClient)
    assert run.agreed
    assert [run.takes_sync(device_id) for device_id in LOT_IDS[:2]] == [True, False]


def test_a_look_shows_the_store_in_the_middle_of_a_run() -> None:
    """It shows what had been stored by then; the last one is made at the end."""
    steps = (Looks(AT - 1), Happens(AT, "r1"), Looks(AT), Happens(AT + 1, "r2"))
    run = run_of(Scenario(steps=steps, settles=False), ReferenceClient)
    assert [[each.record_id for each in dump.records] for dump in run.dumps] == [[], ["r1"], ["r1", "r2"]]


def test_the_store_is_looked_at_when_a_client_is_there_again() -> None:
    """After a crash, before anything is reported to it again."""
    steps = (Happens(AT, "r1"), Crashes(AT + 1, MINUTE), Happens(AT + 2, "r2"))
    run = run_of(Scenario(steps=steps, settles=False, runs_ms=5 * MINUTE), ReferenceClient)
    assert [[each.record_id for each in dump.records] for dump in run.dumps] == [["r1"], ["r1", "r2"]]


def test_a_fault_may_be_limited_to_one_record() -> None:
    """Only that record's messages are struck."""
    steps = (Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, record="r2"), Happens(AT, "r1"), Happens(AT, "r2"))
    run = run_of(Scenario(steps=steps, settles=False), ReferenceClient)
    assert [each.record.name for each in run.deliveries if each.damaged and each.record] == ["r2"]


def test_a_client_that_no_longer_reads_does_not_hold_up_its_judge() -> None:
    """Frames wait, the client takes none, and the run goes on to its end."""
    steps = (Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, record="r1"), Happens(AT, "r1"), Happens(AT, "r2"))
    run = run_of(Scenario(steps=steps, settles=False, runs_ms=3 * MINUTE), StopsAtTheUnreadable)
    assert run.ended_at >= MIDNIGHT + AT + 2 * MINUTE
    assert [each.acked_seq for each in run.deliveries if each.record and each.record.name == "r2"][-1:] == [None]


def test_a_message_that_always_comes_again_ends_a_run_early() -> None:
    """Some hours of the same show nothing that two days would not."""
    run = run_of(Scenario(steps=(Happens(AT, "r1", copies=2),)), SkipsWhatItKnows)
    assert not run.agreed
    assert max(each.redelivery_count for each in run.deliveries) >= REDELIVERIES
    assert run.ended_at - (run.calm_at or 0) < PATIENCE / 10


def test_what_is_unlisted_looked_at_and_limited_is_in_a_replay_file() -> None:
    """A scenario comes back as it was."""
    steps = (Looks(AT), Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, record="r1"), Happens(AT, "r1"))
    scenario = Scenario(steps=steps, lots=("tuya", "tuya"), unlisted=(1,))
    assert Scenario.from_json(scenario.to_json()) == scenario
