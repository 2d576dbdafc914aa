"""What the rules of windows say at their very bounds, of histories that are written for it."""

import pytest
from msgspec import structs

from contracts.play.recording import ActKind
from contracts.play.scenario import LOT_IDS
from contracts.rules import RULES
from contracts.rules.evidence.coverage import SLACK
from contracts.rules.windows_revisits import LATE, NOT_LATER, REVISIT_WITHIN
from mock_server.model import DAY, HOUR, MINUTE, SECOND, Cell, PassDirection
from tests.contracts.rules.written import LEAVE, LOT, START, Written, says, window

SOON = 2 * MINUTE
"""How long after its end a window is asked about here."""

HALF = HOUR // 2
OTHER = LOT_IDS[1]
FIRST, SECOND_HOUR, THIRD = (window(number * HOUR) for number in range(3))


def asks(*cells: Cell, written: Written | None = None, claimed: int = 0) -> Written:
    """Each window is asked about soon after its end."""
    story = written or Written()
    for cell in cells:
        story.after(cell, SOON).sync(cell, claimed=claimed)
    return story


def told(*events: int, written: Written | None = None, lot: str = LOT) -> Written:
    """Records with these times, each received at once."""
    story = written or Written()
    for event in events:
        story.at(event).record(f"r{event}", lot=lot).message(f"r{event}", lot=lot)
    return story


def leaves(until_ms: int, written: Written | None = None) -> Written:
    """The other direction: one record, and one window for all the time."""
    story = (written or Written()).at(1).record("leaves", direction=LEAVE).message("leaves", direction=LEAVE)
    return asks(window(0, until_ms, direction=LEAVE), written=story, claimed=1)


def down(start_ms: int, end_ms: int, written: Written | None = None) -> Written:
    """The client is down from one time to another."""
    return (written or Written()).at(start_ms).act(ActKind.CRASHES).at(end_ms).act(ActKind.START)


@pytest.mark.parametrize("rule_id", [rule_id for rule_id in RULES if rule_id != "PROC-ANSWER"])
def test_where_nothing_happens_no_rule_is_exercised(rule_id: str) -> None:
    """A client that was started, and has done nothing for a day but answer the verbs (PROC-ANSWER)."""
    assert says(rule_id, Written().run(DAY)) == "nothing"


@pytest.mark.parametrize(
    ("rule_id", "cells", "verdict"),
    [
        ("WIN-BOUNDARY-SAFE", [window(0, HALF + 1)], "broken"),
        ("WIN-BOUNDARY-SAFE", [window(1, SECOND - 1)], "broken"),
        ("WIN-BOUNDARY-SAFE", [window(1, HALF)], "kept"),
        ("WIN-OVERLAP", [FIRST], "nothing"),
        ("WIN-OVERLAP", [FIRST, SECOND_HOUR, window(direction=LEAVE)], "kept"),
        ("WIN-OVERLAP", [FIRST, window(0, HALF)], "kept"),
        ("WIN-OVERLAP", [FIRST, window(HALF, HALF)], "kept"),
        ("WIN-OVERLAP", [FIRST, window(HALF, HALF - MINUTE)], "kept"),
        ("WIN-OVERLAP", [FIRST, window(HOUR - 1)], "kept"),
        ("WIN-OVERLAP", [FIRST, window(HOUR - 2)], "broken"),
        ("WIN-SPAN-1H", [FIRST], "kept"),
        ("WIN-SPAN-1H", [window(0, HOUR + 1)], "broken"),
        ("WIN-MAX24", [window(0, HOUR), window(HOUR, DAY)], "nothing"),
        ("WIN-MAX24", [window(0, HOUR), window(HOUR, DAY), window(DAY, HOUR + 1)], "nothing"),
        ("WIN-MAX24", [window(0, HOUR), window(0, DAY + 1)], "broken"),
        ("WIN-MAX24", [window(0, HOUR), window(DAY, HOUR + 1)], "kept"),
    ],
)
def test_windows_to_the_millisecond(rule_id: str, cells: list[Cell], verdict: str) -> None:
    """Windows join up, overlap, lie in each other, or are just too long."""
    assert says(rule_id, asks(*cells).run(3 * DAY)) == verdict


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ([window(-HOUR), FIRST], "nothing"),
        ([FIRST, SECOND_HOUR], "kept"),
        ([FIRST], "nothing"),
        ([FIRST, window(HOUR + 1)], "kept"),
        ([FIRST, window(HOUR + 2)], "broken"),
    ],
)
def test_a_line_with_two_windows_shows_whether_they_join_up(cells: list[Cell], verdict: str) -> None:
    """The second has to start in the time that is owed, a millisecond after the first at the latest."""
    story = leaves(max(cell.end_time for cell in cells) - START)
    assert says("WIN-NO-GAP", asks(*cells, written=story).run(DAY)) == verdict


def test_a_line_shows_it_where_a_window_begins_at_the_end_of_what_is_owed() -> None:
    """It is asked about in the last four hours, so that its own time is not owed yet."""
    assert says("WIN-NO-GAP", asks(FIRST, SECOND_HOUR, written=leaves(HOUR)).run(2 * HOUR + SLACK)) == "kept"


@pytest.mark.parametrize(("after_ms", "verdict"), [(MINUTE, "kept"), (MINUTE - 1, "broken")])
def test_a_window_is_asked_about_a_minute_after_its_end(after_ms: int, verdict: str) -> None:
    """Not a millisecond sooner."""
    assert says("WIN-GRACE", Written().after(FIRST, after_ms).sync(FIRST).run()) == verdict


@pytest.mark.parametrize(
    ("later_ms", "verdict"),
    [(0, "kept"), (1, "nothing")],
)
def test_a_window_without_records_is_judged_if_it_was_asked_about_in_time(later_ms: int, verdict: str) -> None:
    """Four hours before the end of the run, between windows with records."""
    story = told(MINUTE, 2 * HOUR + MINUTE)
    asks(FIRST, THIRD, written=story, claimed=1).at(4 * HOUR + later_ms).sync(SECOND_HOUR)
    assert says("WIN-ZERO", story.run(4 * HOUR + SLACK)) == verdict


@pytest.mark.parametrize(
    ("middle", "verdict"),
    [(window(-HOUR), "nothing"), (window(1 - HOUR), "nothing"), (window(2 - HOUR), "kept")],
)
def test_a_window_without_records_from_before_the_start_is_owed_by_nobody(middle: Cell, verdict: str) -> None:
    """Only one that reaches behind the start shows that a client asks about such windows."""
    story = told(-2 * HOUR + MINUTE, MINUTE)
    asks(window(-2 * HOUR), FIRST, written=story, claimed=1).sync(middle)
    assert says("WIN-ZERO", story.run(DAY)) == verdict


@pytest.mark.parametrize(("events", "claimed"), [((HOUR + MINUTE,), 0), ((), 1)])
def test_only_a_truthful_0_shows_that_a_client_asks_about_windows_without_records(
    events: tuple[int, ...], claimed: int
) -> None:
    """Neither a 0 for a window with a record, nor a 1 for one without."""
    story = told(MINUTE, *events, 2 * HOUR + MINUTE, written=leaves(3 * HOUR))
    asks(FIRST, THIRD, written=story, claimed=1).sync(SECOND_HOUR, claimed=claimed)
    assert says("WIN-ZERO", story.run(DAY)) == "nothing"


@pytest.mark.parametrize(
    ("events", "claims", "rule_id"),
    [
        ((MINUTE, 2 * HOUR + MINUTE), (1, 1), "WIN-ZERO"),
        ((MINUTE,), (1, 1), "WIN-ZERO"),
        ((MINUTE, 2 * HOUR + MINUTE), (0, 1), "WIN-ZERO"),
        ((MINUTE,), (1, 0), "WIN-NO-GAP"),
        ((MINUTE, 90 * MINUTE, 2 * HOUR + MINUTE), (1, 1), "WIN-NO-GAP"),
        ((MINUTE, HOUR, 2 * HOUR + MINUTE), (1, 1), "WIN-NO-GAP"),
        ((MINUTE, 2 * HOUR), (1, 1), "WIN-NO-GAP"),
    ],
)
def test_a_hole_is_told_by_what_made_it(events: tuple[int, ...], claims: tuple[int, int], rule_id: str) -> None:
    """A client that claims no 0 leaves out windows without records; any other has forgotten an hour."""
    story = told(*events, written=leaves(3 * HOUR))
    asks(FIRST, written=story, claimed=claims[0])
    run = asks(THIRD, written=story, claimed=claims[1]).run(DAY)
    both = {"WIN-NO-GAP", "WIN-ZERO"}
    assert {each for each in both if says(each, run) == "broken"} == {rule_id}


def test_a_record_of_another_lot_makes_no_window_of_this_one_full() -> None:
    """A 0 for a window of a lot is truthful, whatever another lot reported then."""
    story = told(MINUTE, written=leaves(3 * HOUR, Written(("tuya", "tuya"))))
    told(2 * HOUR + MINUTE, written=story, lot=OTHER)
    asks(FIRST, written=story, claimed=1)
    run = asks(THIRD, written=story).run(DAY)
    assert says("WIN-NO-GAP", run) == "broken"
    assert says("WIN-ZERO", run) != "broken"


@pytest.mark.parametrize(
    ("begins", "ends", "first", "verdict"),
    [
        (HOUR, 2 * HOUR, 0, "kept"),
        (HOUR, 2 * HOUR - 1, 0, "nothing"),
        (HOUR, 2 * HOUR, HOUR, "kept"),
        (HOUR, 2 * HOUR, HOUR + 1, "nothing"),
        (HOUR, 4 * HOUR, 0, "kept"),
        (HOUR, 4 * HOUR + 1, 0, "nothing"),
    ],
)
def test_a_downtime_of_an_hour_has_to_be_caught_up(begins: int, ends: int, first: int, verdict: str) -> None:
    """If it lies within the time of which windows are owed: here up to the end of the fourth hour."""
    cells = [window(first, 4 * HOUR - first, direction=way) for way in PassDirection]
    story = down(begins, ends).at(4 * HOUR + SOON).sync(*cells)
    assert says("WIN-CATCHUP", story.run(DAY)) == verdict


@pytest.mark.parametrize(
    ("left", "is_down", "rule_id"),
    [
        ((2 * HOUR, HALF), (2 * HOUR, 3 * HOUR), "WIN-CATCHUP"),
        ((2 * HOUR, HALF - 1), (2 * HOUR, 3 * HOUR), "WIN-NO-GAP"),
        ((2 * HOUR, HALF), (2 * HOUR, 3 * HOUR - 1), "WIN-NO-GAP"),
        ((2 * HOUR, HALF), (4 * HOUR, 5 * HOUR), "WIN-NO-GAP"),
        ((2 * HOUR, HALF), (2 * HOUR + HALF, 4 * HOUR), "WIN-NO-GAP"),
        ((2 * HOUR, HALF), (2 * HOUR + HALF - 1, 4 * HOUR), "WIN-CATCHUP"),
    ],
)
def test_a_hole_of_half_an_hour_in_a_downtime_is_of_the_downtime(
    left: tuple[int, int], is_down: tuple[int, int], rule_id: str
) -> None:
    """A smaller one, or one beside it, is between windows that do not join up."""
    story = down(*is_down).at(8 * HOUR).sync(window(0, 7 * HOUR, direction=LEAVE))
    story.sync(window(0, left[0])).sync(window(sum(left), 7 * HOUR - sum(left)))
    run = story.run(DAY)
    both = ("WIN-NO-GAP", "WIN-CATCHUP")
    assert [each for each in both if says(each, run) == "broken"] == [rule_id]


def test_a_downtime_without_records_is_left_out_by_who_claims_no_0() -> None:
    """That is told as the window without records that it is."""
    story = down(HOUR, 2 * HOUR, told(MINUTE, written=leaves(3 * HOUR)))
    told(2 * HOUR + MINUTE, written=story)
    run = asks(FIRST, THIRD, written=story, claimed=1).run(DAY)
    assert says("WIN-CATCHUP", run) != "broken"
    assert says("WIN-ZERO", run) == "broken"


@pytest.mark.parametrize(
    ("calls", "after_ms", "every_ms", "lots", "verdict"),
    [
        (61, 0, SECOND - 20, 1, "broken"),
        (60, 0, SECOND - 20, 1, "kept"),
        (61, 0, SECOND, 1, "kept"),
        (61, 0, 0, 2, "kept"),
        (61, HOUR, 0, 1, "kept"),
        (61, HOUR - 1, 0, 1, "broken"),
        (61, 2 * HOUR, 0, 1, "kept"),
        (61, -90 * MINUTE, 0, 1, "kept"),
    ],
)
def test_a_flood_is_more_than_sixty_calls_of_a_lot_in_a_minute(
    calls: int, after_ms: int, every_ms: int, lots: int, verdict: str
) -> None:
    """In the hour after a downtime; whatever a client does before or later, it is not for that."""
    story = down(2 * HOUR, 3 * HOUR, Written(("tuya",) * lots))
    for number in range(calls):
        cell = window(0, 4 * HOUR, LOT_IDS[number % lots])
        story.at(3 * HOUR + after_ms + number * every_ms).sync(cell, structs.replace(cell, pass_direction=LEAVE))
    assert says("WIN-CATCHUP", story.run(DAY)) == verdict


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (window(MINUTE), "broken"),
        (window(-MINUTE), "broken"),
        (FIRST, "kept"),
        (SECOND_HOUR, "nothing"),
        (window(0, HALF), "nothing"),
        (window(HALF, HALF), "nothing"),
        (window(HALF, HALF + 1), "nothing"),
        (window(HALF, HALF + 2), "broken"),
        (window(-1, HALF), "nothing"),
        (window(-2, HALF), "broken"),
        (window(HOUR - 1), "nothing"),
        (window(HOUR - 2), "broken"),
        (window(MINUTE, direction=LEAVE), "nothing"),
    ],
)
def test_a_failed_window_is_not_moved(later: Cell, verdict: str) -> None:
    """It may be asked about in parts; a millisecond more on either side is how windows join up."""
    story = Written().after(FIRST, SOON).sync(FIRST, code=500)
    story.after(FIRST, HOUR).sync(later).sync(window(direction=LEAVE))
    assert says("WIN-STABLE", story.run(DAY)) == verdict


@pytest.mark.parametrize(("slack_ms", "verdict"), [(SLACK, "broken"), (SLACK - 1, "nothing")])
def test_a_failed_window_may_still_be_repeated_at_the_end_of_a_run(slack_ms: int, verdict: str) -> None:
    """Four hours after its last start a client has had the time for it."""
    story = Written().after(FIRST, SOON).sync(FIRST, code=500).sync(window(MINUTE)).at(5 * HOUR).act(ActKind.START)
    assert says("WIN-STABLE", story.run(5 * HOUR + slack_ms)) == verdict


def late(
    late_ms: int = LATE,
    event_ms: int = HALF,
    *,
    lots: tuple[str, ...] = ("tuya",),
    lost: bool = True,
    cells: tuple[Cell, ...] = (FIRST,),
) -> Written:
    """A record that reaches its lot so late, after the windows to which it belongs have been asked about."""
    story = asks(*cells, written=Written(lots))
    return story.at(event_ms + late_ms).record("late", event_ms, lost=lost)


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (late(), "broken"),
        (late(LATE - 1), "nothing"),
        (late(NOT_LATER), "broken"),
        (late(NOT_LATER + 1), "nothing"),
        (late(event_ms=0), "broken"),
        (late(event_ms=-1, cells=(window(-HOUR),)), "nothing"),
        (late(lost=False), "nothing"),
        (late().message("late"), "nothing"),
        (late().message("late", origin="rereport"), "broken"),
        (late().removed("late"), "nothing"),
        (late().record("late", HALF), "nothing"),
        (late(lots=("jieshun",)), "nothing"),
        (late().sync(FIRST), "kept"),
        (late(cells=(FIRST, window(0, 2 * HOUR))).sync(FIRST), "kept"),
        (late(cells=()), "nothing"),
        (late().act(ActKind.START), "broken"),
        (late().at(HALF + LATE + 1).act(ActKind.START), "nothing"),
        (late().call(code=1106), "nothing"),
        (late().call(code=1106).sync(SECOND_HOUR), "nothing"),
    ],
)
def test_a_late_record_that_is_lost_is_found_by_a_window_that_is_asked_about_again(
    story: Written, verdict: str
) -> None:
    """It was lost, belongs to a window from after the start, and nothing kept the client from going back."""
    assert says("WIN-REVISIT", story.run(4 * DAY)) == verdict


@pytest.mark.parametrize(("within_ms", "verdict"), [(REVISIT_WITHIN, "broken"), (REVISIT_WITHIN - 1, "nothing")])
def test_a_client_has_fifty_hours_to_go_back(within_ms: int, verdict: str) -> None:
    """One that goes back every second day is asked for no more."""
    assert REVISIT_WITHIN == 50 * HOUR
    assert says("WIN-REVISIT", late().run(HALF + LATE + within_ms)) == verdict


@pytest.mark.parametrize(
    ("asked_ms", "start_ms", "verdict"),
    [
        (32 * DAY, 31 * DAY, "nothing"),
        (32 * DAY + 1, 31 * DAY, "kept"),
        (31 * DAY, 0, "nothing"),
        (31 * DAY + 1, 0, "broken"),
    ],
)
def test_a_window_may_be_a_month_old(asked_ms: int, start_ms: int, verdict: str) -> None:
    """Not a millisecond more; a client that has run for a month and a day could have asked about one."""
    assert says("WIN-HORIZON", Written().at(asked_ms).sync(window(start_ms)).run()) == verdict
