"""Tests of the timeline: what is drawn, where, and what is drawn as one."""

from dataclasses import replace

from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.clients.zoo.process import KeepsItsOwnSchedule
from contracts.play.scenario import BEGIN, Crashes, Deletes, Happens, Scenario, Strikes
from contracts.report.timeline import AFTER, BEFORE, FOLDED_FROM, Timeline, cell_at, timeline
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from tests.contracts.report.support import AT, LOST


def drawn(run: Run, seq: int | None = None) -> Timeline:
    """The timeline around a line, the first if none is said."""
    found = timeline(run, run.entries[0].seq if seq is None else seq)
    assert found is not None
    return found


def shapes(run: Run) -> list[tuple[str, str]]:
    """What is drawn, with its labels."""
    return [(column.mark.shape, column.mark.label) for column in drawn(run).columns]


def test_a_story_is_drawn_from_left_to_right() -> None:
    """Records, a loss, deliveries, syncs with claimed and counted, the re-report: each in its column, in order."""
    found = drawn(run_of(LOST, ReferenceClient))
    assert [(column.mark.shape, column.mark.label) for column in found.columns] == [
        ("act", "starts"),
        ("kept", "r1"),
        ("delivery", "r1"),
        ("kept", "r2"),
        ("lost", "r2"),
        ("sync", "1 / 2"),
        ("rereport", "again 2"),
        ("delivery", "r1"),
        ("delivery", "r2"),
    ]
    assert [column.x for column in found.columns] == sorted({column.x for column in found.columns})
    assert found.columns[-1].x < found.width


def test_a_clock_stands_where_time_has_gone_on() -> None:
    """Equal times are written once; the day where it is another."""
    columns = drawn(run_of(LOST, ReferenceClient)).columns
    assert [column.clock for column in columns[:5]] == ["08:00:00", "08:10:00", "", "08:11:00", ""]
    assert [column.day for column in columns if column.day] == ["03-02"]


def test_the_window_of_a_wrong_claim_is_shaded() -> None:
    """From the first event in it to the last; none where the line is about no window."""
    run = run_of(LOST, CountsDeliveries)
    claim, _, _ = run.off_bracket[0]
    found = drawn(run, claim.seq)
    assert cell_at(run, claim.seq) == claim.cell
    assert found.window is not None
    low, high = found.window
    inside = [column.mark.time for column in found.columns if low <= column.x < high]
    assert all(claim.cell.start_time <= time < claim.cell.end_time for time in inside)
    assert len(inside) == sum(
        claim.cell.start_time <= column.mark.time < claim.cell.end_time for column in found.columns
    )
    assert "08:59:59.500" in found.window_text
    assert drawn(run, 1).window is None


def test_the_breach_is_framed_and_what_is_far_from_it_is_not_drawn() -> None:
    """A few columns before and after it; it is told how many are left out."""
    run = run_of(replace(LOST, settles=True), CountsDeliveries)
    seq = run.off_bracket[-1][0].seq
    found = drawn(run, seq)
    (here,) = [column for column in found.columns if column.here]
    assert here.mark.seq >= seq
    assert len(found.columns) <= BEFORE + 1 + AFTER
    assert found.before > 0
    assert found.before + len(found.columns) + found.after == len(drawn(run).columns) + drawn(run).after


def test_many_alike_at_one_moment_are_one() -> None:
    """So that a thousand records are no thousand columns; a few stay as they are."""
    few = Scenario((Happens(AT, "r1", many=FOLDED_FROM - 1),), settles=False)
    assert [shape for shape, _ in shapes(run_of(few, ReferenceClient))].count("kept") == FOLDED_FROM - 1
    many = Scenario((Happens(AT, "r1", many=1001),), settles=False)
    assert shapes(run_of(many, ReferenceClient)) == [
        ("act", "starts"),
        ("kept", "1001 \u00d7"),
        ("delivery", "1001 \u00d7"),
    ]


def test_what_goes_wrong_is_drawn_as_such() -> None:
    """A crash, a deletion, a delivery that is never acknowledged, a call that never reaches the lot."""

    class Silent(ReferenceClient):
        """Acknowledges nothing."""

        def answer_frame(self, *_: object, **__: object) -> None:
            """Nothing."""

    scenario = Scenario(
        (
            Happens(AT, "r1"),
            Crashes(AT + MINUTE),
            Deletes(AT + MINUTE, "r1"),
            Strikes(BEGIN + HOUR, FaultKind.ANSWER_BUSY, times=9),
        ),
        runs_ms=HOUR,
        settles=False,
    )
    run = run_of(scenario, Silent)
    columns = drawn(run).columns + drawn(run, run.syncs[-1].seq).columns
    marks = {column.mark.shape: column.mark for column in columns if not column.mark.good}
    assert {"act", "removed", "delivery", "sync"} <= set(marks)
    assert marks["act"].label == "crashes"
    assert "not acknowledged" in marks["delivery"].text
    assert not marks["sync"].reaches


def test_a_late_acknowledgement_has_a_place_of_its_own() -> None:
    """Where it does not follow the delivery at once."""
    run = run_of(Scenario((Happens(AT, "r1"),), settles=False), ReferenceClient)
    delivery = next(each for each in run.deliveries if each.record)
    assert delivery.acked_seq is not None
    delivery.time -= MINUTE
    assert ("ack", "r1") in shapes(run)


def test_nothing_is_drawn_of_nothing() -> None:
    """A run without any event has no timeline."""
    run = run_of(Scenario(settles=False), ReferenceClient)
    assert timeline(replace(run, entries=(), acts=()), 1) is None


def test_a_bill_is_told_from_a_pass() -> None:
    """At the lot and at the client, by its shape and in words."""
    steps = (Happens(AT, "r1"), Happens(AT + MINUTE, "r2", "bill"))
    drawn = timeline(run_of(Scenario(steps, settles=False), ReferenceClient), 0)
    assert drawn is not None
    marks = [column.mark for column in drawn.columns if column.mark.shape in ("kept", "delivery")]
    assert [(mark.label, mark.bill) for mark in marks] == [("r1", False), ("r1", False), ("r2", True), ("r2", True)]
    assert [mark.text for mark in marks if mark.shape == "kept"] == ["the lot keeps pass r1", "the lot keeps bill r2"]


def test_instances_share_a_lane() -> None:
    """They have one token, so nothing tells which of them has called; the drawing knows how many there are."""
    run = run_of(replace(LOST, instances=2), KeepsItsOwnSchedule)
    found = drawn(run, run.entries[-1].seq)
    assert found.instances == 2
    syncs = [column for column in found.columns if column.mark.shape == "sync"]
    assert len({column.x for column in syncs}) == len(syncs) >= 2, "two at one time do not hide each other"
