from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mock_server.history.events import CountCompared, RecordKept, Rereported
from mock_server.model import HOUR, Cell, DataType, Message, PassDirection, Record, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.uplink import STEP
from tests.strategies import new_bill, new_pass
from tests.support import LOT, NOON, make_project

HOUR_BEFORE = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)
LEAVING = structs.replace(HOUR_BEFORE, pass_direction=PassDirection.LEAVE)
BILLS = structs.replace(HOUR_BEFORE, data_type=DataType.BILL, pass_direction=None)


def lot_with(count: int, **profile: Any) -> Project:
    """A project whose lot has so many records in the hour before noon, one a second, acknowledged by nobody."""
    project = make_project(Profile(**profile))
    project.keep([new_pass(f"r{number:04d}", NOON - HOUR + number * 1000) for number in range(count)])
    project.queue.main.load({})
    return project


def rereported(project: Project) -> list[str]:
    """The record ids on the queue that were reported again, in the order of publication."""
    return [record.record_id for record in _rereported(project)]


def _rereported(project: Project) -> list[Record]:
    messages = [message for message in project.queue.main.pending_messages() if message.origin == "rereport"]
    return [message.subject for message in messages if isinstance(message.subject, Record)]


def messages(project: Project) -> list[Message]:
    """The re-reported messages on the queue."""
    return [message for message in project.queue.main.pending_messages() if message.origin == "rereport"]


def test_equal_counts_report_nothing() -> None:
    """The comparison is in the history, the queue stays empty."""
    project = lot_with(3)
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 3)])
    assert rereported(project) == []
    assert list(project.lots.rereports) == []
    compared = [entry.event for entry in project.history.after() if isinstance(entry.event, CountCompared)]
    assert [(event.claimed, event.counted, event.equal) for event in compared] == [(3, 3, True)]


@pytest.mark.parametrize("claimed", [0, 2, 4, 2**63 - 1])
def test_either_sign_of_a_difference_reports_the_cell_again(claimed: int) -> None:
    """Fewer or more than the lot has: every record of the cell comes again, in the order of its time."""
    project = lot_with(3)
    command = project.sync(LOT, [SyncInfo(HOUR_BEFORE, claimed)])
    assert rereported(project) == ["r0000", "r0001", "r0002"]
    [rereport] = project.lots.rereports
    assert (rereport.sn, rereport.time, rereport.cell) == (command.sn, NOON, HOUR_BEFORE)
    assert (rereport.claimed, rereport.counted) == (claimed, 3)
    assert rereport.record_ids == ("r0000", "r0001", "r0002")


def test_a_rereport_names_its_messages_in_the_order_of_publication() -> None:
    """New message ids and data ids, same record ids, no marker on the record."""
    project = make_project()
    project.keep([new_pass("b", NOON - 2), new_pass("a", NOON - 1)])
    first = project.queue.main.pending_messages()
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 0)])
    again = messages(project)
    [rereport] = project.lots.rereports
    assert tuple(message.message_id for message in again) == rereport.message_ids
    assert [message.subject for message in again] == [message.subject for message in first]
    assert {message.message_id for message in again}.isdisjoint(message.message_id for message in first)
    assert {message.data_id for message in again}.isdisjoint(message.data_id for message in first)


def test_a_claim_about_an_empty_cell_reports_nothing_but_is_remembered() -> None:
    """Zero records to report are a re-report of zero records."""
    project = lot_with(0)
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 5)])
    [rereport] = project.lots.rereports
    assert (rereport.counted, rereport.record_ids, rereport.message_ids) == (0, (), ())
    assert messages(project) == []


@pytest.mark.parametrize(("claimed", "reports"), [(2, True), (3, False), (4, False)])
def test_over_counts_can_be_ignored(claimed: int, reports: bool) -> None:  # noqa: FBT001 a test parameter
    """With `over_count` ignore only a claim below the lot's count is a difference (A7)."""
    project = lot_with(3, over_count="ignore")
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, claimed)])
    assert len(rereported(project)) == (3 if reports else 0)


@pytest.mark.parametrize(("scope", "cells"), [("cell", [LEAVING]), ("command", [HOUR_BEFORE, LEAVING])])
def test_the_scope_of_a_difference(scope: str, cells: list[Cell]) -> None:
    """Only the cells that differ, or every cell of a command in which one differs (A6)."""
    project = make_project(Profile(rereport_scope=scope))  # type: ignore[arg-type] # parameters are texts
    project.keep([new_pass("in"), new_pass("out", direction=PassDirection.LEAVE)])
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 1), SyncInfo(LEAVING, 0)])
    assert [rereport.cell for rereport in project.lots.rereports] == cells


def test_the_whole_command_is_silent_when_nothing_differs() -> None:
    """Scope `command` needs one difference; an ignored over-count is none."""
    project = lot_with(1, rereport_scope="command", over_count="ignore")
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 1), SyncInfo(LEAVING, 7)])
    assert list(project.lots.rereports) == []


def test_a_shuffled_re_report_has_the_same_records() -> None:
    """Another order than that of time, the same one for the same seed of randomness (A5)."""
    orders = []
    for _ in range(2):
        project = lot_with(50, rereport_order="shuffled")
        project.sync(LOT, [SyncInfo(HOUR_BEFORE, 0)])
        orders.append(rereported(project))
        assert tuple(orders[-1]) == project.lots.rereports[0].record_ids
    assert orders[0] == orders[1]
    assert orders[0] != sorted(orders[0])
    assert sorted(orders[0]) == [f"r{number:04d}" for number in range(50)]


def test_a_re_report_can_be_spread_over_time() -> None:
    """Evenly, beginning now; the rereport knows all message ids from the start (A5)."""
    project = lot_with(4, rereport_spread_ms=1000)
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 0)])
    seen = []
    for _ in range(4):
        project.clock.run_due()
        seen.append(len(messages(project)))
        advance(project, 250)
    assert seen == [1, 2, 3, 4]
    assert tuple(message.message_id for message in messages(project)) == project.lots.rereports[0].message_ids


def test_a_long_re_report_comes_in_steps() -> None:
    """More than 500 records: the command is answered after the first step, the rest follows at the same time."""
    count = 2 * STEP + 1
    project = lot_with(count)
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 0)])
    assert len(messages(project)) == STEP
    advance(project, 0)
    assert len(messages(project)) == count
    assert {message.publish_time for message in messages(project)} == {NOON}
    assert tuple(message.message_id for message in messages(project)) == project.lots.rereports[0].message_ids


def test_several_infos_are_answered_one_by_one() -> None:
    """Each differing cell is a re-report of its own, in the order of the request."""
    project = make_project()
    project.keep([new_pass("in"), new_pass("out", direction=PassDirection.LEAVE), new_bill("bill")])
    project.queue.main.load({})
    early = structs.replace(HOUR_BEFORE, start_time=NOON - 2 * HOUR, end_time=NOON - HOUR)
    infos = [SyncInfo(LEAVING, 0), SyncInfo(early, 0), SyncInfo(HOUR_BEFORE, 9), SyncInfo(BILLS, 2)]
    project.sync(LOT, infos)
    assert [rereport.cell for rereport in project.lots.rereports] == [LEAVING, HOUR_BEFORE, BILLS]
    assert rereported(project) == ["out", "in", "bill"]


def test_the_same_cell_twice_is_reported_twice() -> None:
    """Duplicates in one request are two claims (A8)."""
    project = lot_with(2)
    project.sync(LOT, [SyncInfo(HOUR_BEFORE, 0), SyncInfo(HOUR_BEFORE, 1), SyncInfo(HOUR_BEFORE, 2)])
    assert rereported(project) == ["r0000", "r0001"] * 2
    assert [event.records for event in _events(project, Rereported)] == [2, 2]


def test_a_record_without_a_plate_or_a_fee_counts() -> None:
    """Empty plates and zero fees are records like any other."""
    project = make_project()
    project.keep([new_pass("p", plate_no=""), new_bill("b", payable_amount=0, paid_amount=0)])
    assert (project.lots.count(HOUR_BEFORE), project.lots.count(BILLS)) == (1, 1)
    assert [event.plate_no for event in _events(project, RecordKept)] == ["", "京A***5"]


def test_the_same_record_id_twice_is_one_record_and_two_messages() -> None:
    """A newer version replaces the older one at the lot; the queue has seen both."""
    project = make_project()
    project.keep([new_pass("r", NOON - 5), new_pass("r", NOON - HOUR - 5)])
    assert project.lots.count(HOUR_BEFORE) == 0
    assert len(project.store) == 1
    assert len(project.queue.main.pending_messages()) == 2
    assert [event.replaced for event in _events(project, RecordKept)] == [False, True]


@given(st.permutations([NOON - HOUR, NOON - 1, NOON, NOON + HOUR, 0, 2**63 - 1]))
def test_the_order_of_arrival_does_not_matter(times: list[int]) -> None:
    """Late, early and future events are counted in the windows of their own times."""
    project = make_project()
    project.keep([new_pass(event_time=time) for time in times])
    assert [record.event_time for record in project.lots.records_in(HOUR_BEFORE)] == [NOON - HOUR, NOON - 1]
    future = structs.replace(HOUR_BEFORE, start_time=NOON, end_time=NOON + HOUR)
    assert project.lots.count(future) == 1


@pytest.mark.parametrize(
    ("profile", "counted"),
    [
        (Profile(), 1),
        (Profile(window_bounds="[s,e]"), 2),
        (Profile(window_bounds="(s,e]"), 1),
        (Profile(window_time="created"), 0),
        (Profile(window_time="created", window_bounds="(s,e]"), 3),
    ],
)
def test_the_profile_says_what_a_window_is(profile: Profile, counted: int) -> None:
    """Records at the start, at the end and after it; all of them came to the lot at noon (A2, A3)."""
    project = make_project(profile)
    project.keep([new_pass(event_time=time) for time in (NOON - HOUR, NOON, NOON + 1)])
    assert project.lots.count(HOUR_BEFORE) == counted


def _events(project: Project, kind: type[Any]) -> list[Any]:
    return [entry.event for entry in project.history.after() if isinstance(entry.event, kind)]


def advance(project: Project, by_ms: int) -> None:
    """Advance the project's virtual clock."""
    clock: Any = project.clock
    clock.advance(by_ms)
