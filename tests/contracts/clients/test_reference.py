"""Tests of the reference client: what it does in each situation that its choices are about."""

from itertools import pairwise

import pytest

from contracts.clients import reference
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import (
    BEGIN,
    LOT_IDS,
    MIDNIGHT,
    Calms,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    Scenario,
    Step,
    Strikes,
)
from contracts.play.session import Session
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE

AT = BEGIN + 10 * MINUTE
SYNC = "/v1.0/parking-control"


def played(*steps: Step, **settings: object) -> Run:
    """The run of a scenario."""
    return run_of(Scenario(steps, **settings), ReferenceClient)  # type: ignore[arg-type]  # settings of a test


def alarms_after(*steps: Step, hours: int = 30, **settings: object) -> tuple[list[str], Run]:
    """What somebody was told after some hours."""
    clients: list[ReferenceClient] = []

    def make(_: object) -> ReferenceClient:
        clients.append(ReferenceClient())
        return clients[-1]

    scenario = Scenario(steps, runs_ms=hours * HOUR, settles=False, **settings)  # type: ignore[arg-type]  # the same
    with Session(scenario, make) as session:
        run = Run.of(session.run())
        return clients[-1].alarms, run


def times_of(run: Run, device_id: str = LOT_IDS[0]) -> list[int]:
    """When the client asked a lot, in ms after midnight."""
    return [sync.time - MIDNIGHT for sync in run.syncs if sync.device_id == device_id]


def test_a_lost_record_is_found_and_the_client_comes_to_rest() -> None:
    """One re-report, then equal counts, then silence."""
    run = played(Happens(AT, "r1", copies=0))
    assert len(run.rereports) == 1
    assert {record.record_id for record in run.dumps[-1].records} == {"r1"}
    assert run.agreed


@pytest.mark.parametrize(
    "profile", ["default", "closed-windows", "open-start-windows", "gcm", "slow-rereport", "strict"]
)
def test_it_agrees_under_every_profile(profile: str) -> None:
    """Whatever the vendor leaves open, a record on a boundary of the client included."""
    edge = BEGIN + HOUR + reference.BOUNDARY_MS
    records = [Happens(AT, "r1", copies=0), Happens(edge, "r2"), Happens(AT, "r3", "bill", copies=2)]
    run = played(*records, profile={"base": profile})
    assert run.agreed
    assert not run.off_bracket


def test_silence_is_not_believed_at_once() -> None:
    """A re-report that is lost altogether is asked for again."""
    run = played(Happens(AT, "r1", copies=0, again=(0, 0)))
    assert len(run.rereports) == 3
    assert run.agreed


def test_a_closed_cell_is_visited_again_a_day_later() -> None:
    """A record that reaches the lot late, and whose message is lost, is found."""
    late = Happens(AT + 8 * HOUR, "r1", event=AT, copies=0)
    run = played(late)
    assert run.agreed
    assert run.ended_at - MIDNIGHT > DAY


def test_an_hour_without_records_is_asked_about_with_zero() -> None:
    """Both directions and bills."""
    run = played(runs_ms=2 * HOUR, settles=False)
    assert {(claim.cell.data_type, claim.cell.pass_direction) for claim in run.claims} == {(0, 0), (0, 1), (1, None)}
    assert {claim.claimed for claim in run.claims} == {0}


def test_what_cannot_be_equal_is_given_up_with_an_alarm() -> None:
    """The lot has forgotten a record that the client rightly has."""
    alarms, run = alarms_after(Happens(AT, "r1"), Happens(AT, "r2"), Deletes(AT + MINUTE, "r1"), hours=40)
    (told,) = alarms
    assert "does not agree" in told
    unequal = [claim for claim in run.claims if not claim.equal]
    assert len(unequal) <= reference.GIVE_UP_AFTER + 3


def test_a_jieshun_lot_is_left_alone_with_an_alarm() -> None:
    """One refused call; the other lot goes on."""
    alarms, run = alarms_after(lots=("jieshun", "tuya"), hours=5)
    assert len(times_of(run, LOT_IDS[0])) == 1
    assert len(times_of(run, LOT_IDS[1])) > 5
    assert "unsupported" in alarms[0]


def test_commands_that_fail_one_after_the_other_are_no_support() -> None:
    """A Jieshun lot that takes the command and fails it is left alone after some of them."""
    alarms, run = alarms_after(lots=("jieshun",), hours=12, profile={"base": "accept-first"})
    assert "its commands fail" in alarms[0]
    assert len(times_of(run)) <= 2 * reference.FAILED_AFTER


def test_keys_that_are_refused_stop_everything_until_a_restart() -> None:
    """1004 cannot heal by itself."""
    steps = (Strikes(AT, FaultKind.ANSWER_REFUSE, value=1004, times=99, path=SYNC), Calms(AT + 5 * HOUR))
    alarms, run = alarms_after(*steps, hours=8)
    assert alarms[0].startswith("stopped: 1004")
    assert len([sync for sync in run.syncs if sync.call.code == 1004]) == 1
    assert run.syncs[-1].call.code == 1004
    _, restarted = alarms_after(*steps, Crashes(AT + 6 * HOUR), hours=8)
    assert restarted.syncs[-1].call.understood


def test_a_busy_cloud_is_asked_less_and_less() -> None:
    """Pauses double, with a bound; then the windows are those of before."""
    run = played(Strikes(AT, FaultKind.ANSWER_BUSY, times=6, path=SYNC), Happens(AT, "r1", copies=0), runs_ms=6 * HOUR)
    refused = [sync.time for sync in run.syncs if sync.call.code is not None]
    pauses = [later - earlier for earlier, later in pairwise(refused)]
    assert len(refused) == 6
    assert all(later > 1.5 * earlier for earlier, later in pairwise(pauses))
    assert run.agreed


def test_a_lot_off_line_does_not_stop_the_others() -> None:
    """It is tried again with growing pauses; the other lot is asked on time."""
    run = played(GoesOffline(BEGIN, 0, 6 * HOUR), lots=("tuya", "tuya"), runs_ms=7 * HOUR, settles=False)
    refused = [sync.time for sync in run.syncs if sync.call.code == 2001]
    pauses = [later - earlier for earlier, later in pairwise(refused)]
    assert pauses == sorted(pauses)
    assert len(refused) < 12
    assert not [sync for sync in run.syncs if sync.device_id == LOT_IDS[1] and sync.call.code]


def test_after_days_down_every_window_is_caught_up_with() -> None:
    """In batches of a bounded size, none longer than an hour."""
    run = played(Crashes(AT, down_ms=3 * DAY), Happens(AT + DAY, "r1", copies=0), runs_ms=3 * DAY)
    asked = {(claim.cell.start_time, claim.cell.pass_direction) for claim in run.claims if not claim.cell.data_type}
    assert len(asked) >= 2 * 72
    assert max(len(sync.entries) for sync in run.syncs) <= reference.BATCH
    assert run.agreed


def test_a_message_that_cannot_be_read_is_set_aside_and_the_others_go_on() -> None:
    """It is asked for again a few times, then acknowledged and kept apart; a re-report brings the record after all."""
    run = played(Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, times=9), Happens(AT, "r1"), runs_ms=2 * HOUR, settles=False)
    (record,) = run.records.values()
    first = [each for each in record.deliveries if each.message_id == record.deliveries[0].message_id]
    assert len(first) == reference.UNREADABLE_AFTER + 1
    assert first[-1].acked_seq is not None
    assert {each.record_id for each in run.dumps[-1].records} == {"r1"}


def test_effects_happen_once() -> None:
    """Whatever comes twice is done once."""
    run = played(Happens(AT, "r1", copies=2), Happens(AT, "r2", "bill", copies=2))
    assert sorted(run.effects or ()) == [("charge", "r2"), ("occupancy", "r1")]


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    """Up to a quarter longer, so that not all clients come at once."""
    with Session(Scenario(), lambda _: ReferenceClient()) as session:
        client = session.client
        assert isinstance(client, ReferenceClient)
        for tries, least in [(0, MINUTE), (1, 2 * MINUTE), (3, 8 * MINUTE), (30, HOUR)]:
            assert least <= client.pause(MINUTE, tries, HOUR) <= least * 5 // 4
