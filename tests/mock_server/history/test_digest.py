"""What a history amounts to."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec import structs

from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.history.digest import FEED, GROUPS, HIDDEN, Digest
from mock_server.history.digest_lot import LINES, CellView, WindowSpan
from mock_server.history.events import Event
from mock_server.model import HOUR, Cell, DataType, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from tests.support import (
    ACCESS_ID,
    ACCESS_SECRET,
    JIESHUN_LOT,
    LOT,
    NOON,
    Api,
    examples,
    keep_passes,
    make_project,
    sync_info,
)

CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)
SPAN = WindowSpan(NOON - HOUR, NOON)


def digest_of(project: Project) -> Digest:
    """A digest that has read everything."""
    digest = Digest(project.profile)
    while digest.read(project.history, 3):
        pass
    return digest


def cell_of(project: Project) -> CellView:
    """The hour before noon, entering."""
    return digest_of(project).lot(LOT).cell((0, 0), SPAN)


def consume(project: Project, *, acknowledge: bool = True) -> Consumer:
    """Connect a consumer that acknowledges or does not."""
    consumer = Consumer("consumer", lambda message, _: acks.append(message.message_id))
    acks: list[str] = []
    project.queue.main.connect(consumer)
    for message_id in acks if acknowledge else ():
        project.queue.main.acknowledge(consumer, message_id)
    return consumer


def counts(cell: CellView) -> tuple[int, int, int, int]:
    """Lot, delivered, acknowledged, lost."""
    return len(cell.records), cell.delivered, cell.acknowledged, cell.missing


def test_every_kind_of_event_has_a_group() -> None:
    """Whatever may be in a history can be filtered or is hidden."""
    assert {*GROUPS, *HIDDEN} == {kind.kind for kind in Event.__args__}


def test_a_record_on_its_way() -> None:
    """Kept, lost, delivered and acknowledged records are counted apart."""
    project = make_project()
    keep_passes(project, NOON - 3, NOON - 2)
    keep_passes(project, NOON - 1, fate="lose")
    assert counts(cell_of(project)) == (3, 0, 0, 1)
    consume(project, acknowledge=False)
    assert counts(cell_of(project)) == (3, 2, 0, 1)
    project = make_project()
    keep_passes(project, NOON - 3, NOON - 2)
    consume(project)
    assert counts(cell_of(project)) == (2, 2, 2, 0)


def test_the_states_of_a_cell() -> None:
    """Never asked, re-reporting, repaired; equal from the first; refused."""
    project = make_project()
    keep_passes(project, NOON - 1)
    assert cell_of(project).state == "never asked"
    project.sync(LOT, [SyncInfo(CELL, 0)])
    assert cell_of(project).state == "re-reporting"
    project.sync(LOT, [SyncInfo(CELL, 3)])
    asked = cell_of(project).asked
    assert asked is not None
    assert (asked.rounds, asked.asks, asked.wrong, asked.claimed, asked.counted) == (2, 2, 2, 3, 1)
    project.sync(LOT, [SyncInfo(CELL, 1)])
    assert cell_of(project).state == "repaired"
    project = make_project()
    project.sync(LOT, [SyncInfo(CELL, 0)])
    assert cell_of(project).state == "equal"


def test_a_mismatch_without_a_rereport() -> None:
    """Where a lot does not report again what is over-counted, the cell stays a mismatch."""
    project = make_project(Profile(over_count="ignore"))
    project.sync(LOT, [SyncInfo(CELL, 1)])
    assert cell_of(project).state == "mismatch"


@pytest.mark.parametrize("spelling", ["camel", "snake"])
def test_a_refused_call_refuses_its_cells(spelling: str) -> None:
    """A Jieshun lot's cells are refused, with code and text, in either spelling of the call."""
    api = Api(make_project()).connect()
    if spelling == "camel":
        api.sync(sync_info(0), device_id=JIESHUN_LOT)
    else:
        info = {"total_count": 0, "start_time": SPAN.start, "end_time": SPAN.end, "pass_direction": 0}
        path = f"/v1.0/parking-control/{JIESHUN_LOT}/records/sync"
        api.call("POST", path, {"data_type": 0, "record_sync_infos": [info]})
    lot = digest_of(api.project).lot(JIESHUN_LOT)
    asked = lot.cell((0, 0), SPAN).asked
    assert asked is not None
    assert (asked.state, asked.refusal) == ("refused", "2003 function not support")
    assert lot.states["refused"] == 1


def test_a_refused_call_of_any_length_refuses_its_cells() -> None:
    """All 400 cells, though the history shows the first part of the body only; a window of years is not a cell."""
    api = Api(make_project()).connect()
    infos = [sync_info(0, SPAN.start - hours * HOUR, SPAN.end - hours * HOUR) for hours in range(400)]
    api.sync(*infos, sync_info(0, 0, NOON), device_id=JIESHUN_LOT)
    digest = digest_of(api.project)
    assert digest.lot(JIESHUN_LOT).states["refused"] == 400
    assert [item.entry.event.kind for item in digest.feed(["calls"], 2)] == ["answer", "request"]


def test_bodies_that_are_none_are_no_cells() -> None:
    """A refused call whose body cannot be read leaves no cell."""
    api = Api(make_project()).connect()
    path = f"/v1.0/parking-control/{LOT}/records/sync"
    bodies: list[object] = [[], {"dataType": 5}, {"dataType": 0, "recordSyncInfos": [{}]}, "text", None]
    for body in bodies:
        api.call("POST", path, body)
    assert digest_of(api.project).lot(LOT).spans(10) == []


def test_windows_that_nobody_asked_about() -> None:
    """Hours with records are windows until they are asked about; unasked ones are cut where asked ones are."""
    project = make_project()
    keep_passes(project, NOON - 1, NOON - 1 - 2 * HOUR)
    assert digest_of(project).lot(LOT).spans(10) == [SPAN, WindowSpan(NOON - 3 * HOUR, NOON - 2 * HOUR)]
    assert digest_of(project).lot(LOT).spans(1) == [SPAN]
    assert digest_of(project).lot(LOT).spans(10, before=NOON - HOUR) == [WindowSpan(NOON - 3 * HOUR, NOON - 2 * HOUR)]
    project.sync(LOT, [SyncInfo(structs.replace(CELL, start_time=NOON - HOUR - 500, end_time=NOON - 500), 0)])
    cut = [WindowSpan(NOON - 500, NOON + HOUR - 500), WindowSpan(NOON - HOUR - 500, NOON - 500)]
    assert digest_of(project).lot(LOT).spans(10) == [*cut, WindowSpan(NOON - 2 * HOUR - 500, NOON - HOUR - 500)]


def test_a_long_window_covers_its_hours() -> None:
    """Records of a day that was asked about in one need no hours beside it."""
    project = make_project()
    keep_passes(project, NOON - 1, NOON - 5 * HOUR)
    project.sync(LOT, [SyncInfo(structs.replace(CELL, start_time=NOON - 24 * HOUR), 2)])
    assert digest_of(project).lot(LOT).spans(10) == [WindowSpan(NOON - 24 * HOUR, NOON)]


@pytest.mark.parametrize(("bounds", "expected"), [("[s,e)", 2), ("[s,e]", 3), ("(s,e]", 2)])
def test_bounds_are_those_of_the_profile(bounds: str, expected: int) -> None:
    """A cell has the records that the lot counts."""
    project = make_project(Profile(window_bounds=bounds))  # type: ignore[arg-type]  # parametrized
    keep_passes(project, SPAN.start, SPAN.start + 1, SPAN.end)
    assert counts(cell_of(project))[0] == expected == project.lots.count(CELL)


def test_times_are_those_of_the_profile() -> None:
    """Where a lot files records by their coming, so does the digest."""
    project = make_project(Profile(window_time="created"))
    keep_passes(project, NOON - 5 * HOUR)
    assert digest_of(project).lot(LOT).spans(10) == [WindowSpan(NOON, NOON + HOUR)]


def test_corrected_and_removed_records() -> None:
    """A newer version takes the place of the older one and is known to have come; a removed record is gone."""
    project = make_project()
    (record,) = keep_passes(project, NOON - 2)
    consume(project)
    project.lots.keep(record)
    assert counts(cell_of(project)) == (1, 1, 1, 0)
    project.lots.remove(record.key)
    lot = digest_of(project).lot(LOT)
    assert (lot.records, lot.acknowledged, lot.spans(10)) == (0, 0, [])


def test_the_backlog() -> None:
    """Messages that wait and messages that were delivered are told apart, and forgotten when acknowledged."""
    project = make_project()
    keep_passes(project, NOON - 2, NOON - 1)
    assert (digest_of(project).waiting, digest_of(project).delivered) == (2, 0)
    consumer = consume(project, acknowledge=False)
    digest = digest_of(project)
    assert (digest.waiting, digest.delivered) == (0, 2)
    assert [(name, seen.subscription) for name, seen in digest.consumers.items()] == [("consumer", f"{ACCESS_ID}-sub")]
    for message_id in tuple(consumer.unacknowledged):
        project.queue.main.acknowledge(consumer, message_id)
    assert (digest_of(project).waiting, digest_of(project).delivered) == (0, 0)


def test_commands_and_their_counts() -> None:
    """A command has its status and every claimed count, by its sn."""
    project = make_project()
    keep_passes(project, NOON - 1)
    leaving = structs.replace(CELL, pass_direction=PassDirection.LEAVE)
    command = project.sync(LOT, [SyncInfo(CELL, 0), SyncInfo(leaving, 0)])
    (seen,) = digest_of(project).latest_commands(5)
    assert (seen.sn, seen.device_id) == (command.sn, LOT)
    assert [(each.claimed, each.counted) for each in seen.compared] == [(0, 1), (0, 0)]


def test_faults_are_counted() -> None:
    """How often each kind has struck."""
    project = make_project()
    project.arm(Fault(FaultKind.UPLINK_LOSE, 0, times=2))
    keep_passes(project, NOON - 3, NOON - 2, NOON - 1)
    assert digest_of(project).struck == {FaultKind.UPLINK_LOSE: 2}


def test_what_is_worth_a_look() -> None:
    """The newest record; then a mismatch until it is settled; agreement about nothing never."""
    project = make_project()
    keep_passes(project, NOON - 1)
    empty = structs.replace(CELL, pass_direction=PassDirection.LEAVE)
    project.sync(LOT, [SyncInfo(CELL, 0), SyncInfo(empty, 0)])
    keep_passes(project, NOON - 5 * HOUR)
    focus = digest_of(project).focus
    assert focus is not None
    assert (focus.line, focus.span) == ((0, 0), SPAN)
    project.sync(LOT, [SyncInfo(CELL, 1)])
    keep_passes(project, NOON - 5 * HOUR)
    focus = digest_of(project).focus
    assert focus is not None
    assert (focus.at, focus.span) == (NOON - 5 * HOUR, None)


def test_a_reset_is_a_beginning() -> None:
    """After a reset nothing of before is left."""
    project = make_project()
    keep_passes(project, NOON - 1)
    digest = digest_of(project)
    project.reset()
    while digest.read(project.history, 100):
        pass
    assert digest.lot(LOT).records == 0
    assert digest.last == project.history.last


def test_what_was_let_go_is_told() -> None:
    """A digest that comes late says how much it has missed."""
    project = make_project()
    project.history._entries = type(project.history._entries)(project.history._entries, maxlen=5)
    keep_passes(project, *range(NOON - 9, NOON))
    digest = digest_of(project)
    assert digest.missed == project.history.dropped > 0


def test_the_feed_is_bounded_and_newest_first() -> None:
    """So many of each kind are kept, whatever else happens."""
    project = make_project()
    keep_passes(project, NOON - 1, fate="lose")
    keep_passes(project, *range(NOON - 2 * FEED, NOON))
    digest = digest_of(project)
    records = digest.feed(["records"], 10_000)
    assert len(records) == FEED
    assert [item.entry.seq for item in records] == sorted((item.entry.seq for item in records), reverse=True)
    assert [item.entry.event.kind for item in digest.feed(["losses"], 10)] == ["record.lost"]


@given(st.lists(st.tuples(st.sampled_from(["keep", "lose", "sync", "remove", "reset"]), st.integers(0, 7))), st.data())
@settings(max_examples=examples(60), deadline=None)
def test_reading_in_pieces_is_reading_at_once(acts: list[tuple[str, int]], data: st.DataObject) -> None:
    """However a history is read, piece by piece while it grows or at once, its sums are those of the lots."""
    project = Project(ACCESS_ID, ACCESS_SECRET, make_project().seed, make_project().clock)
    growing = Digest(project.profile)
    for act, number in acts:
        at = NOON - number * HOUR // 2
        if act in ("keep", "lose"):
            keep_passes(project, at, fate="lose" if act == "lose" else None)
        elif act == "sync":
            project.sync(LOT, [SyncInfo(CELL, number)])
        elif act == "remove":
            project.lots.remove((LOT, DataType.PASS, f"pass-{number:06d}"))
        else:
            project.reset()
        growing.read(project.history, data.draw(st.integers(0, 5)))
    while growing.read(project.history, 2):
        pass
    once = digest_of(project)
    for line in LINES:
        for span in once.lot(LOT).spans(99):
            cell = Cell(LOT, DataType(line[0]), None if line[1] is None else PassDirection(line[1]), *span)
            assert counts(growing.lot(LOT).cell(line, span)) == counts(once.lot(LOT).cell(line, span))
            assert len(once.lot(LOT).cell(line, span).records) == project.lots.count(cell)
    assert growing.lot(LOT).spans(99) == once.lot(LOT).spans(99)
    assert growing.lot(LOT).states == once.lot(LOT).states
    assert (growing.waiting, growing.delivered, growing.focus) == (once.waiting, once.delivered, once.focus)
