"""What the rules of clocks that change say at their very bounds, of histories that are written for it."""

import pytest

from contracts.play.recording import ActKind
from contracts.rules.times_windows import A_CHANGE, SMALL
from mock_server.model import DAY, HOUR, MINUTE, SECOND
from tests.contracts.rules.written import LEAVE, Written, says, window

NEW_YORK = "America/New_York"
CHANGE = 5 * DAY + 23 * HOUR
"""When the clocks of New York change: on 8 March 2026 at 07:00 UTC, after the start of a client."""

DAY_START, DAY_END = CHANGE - 2 * HOUR, CHANGE + 21 * HOUR
"""The bounds of that day there: it has 23 hours."""

LATER = DAY_END + DAY


def asks(*spans: tuple[int, int], story: Written | None = None) -> Written:
    """Windows from one time to another, each asked about a minute after the later of both."""
    found = story or Written()
    for start, end in spans:
        found.at(max(start, end) + MINUTE).sync(window(start, end - start))
    return found


@pytest.mark.parametrize(
    ("start", "end", "begin_ms", "verdict"),
    [
        (CHANGE, DAY_END - SECOND, 0, "kept"),
        (CHANGE + 1, DAY_END - SECOND, 0, "nothing"),
        (CHANGE, DAY_END - SECOND - 1, 0, "nothing"),
        (CHANGE, DAY_END, CHANGE + HOUR, "kept"),
    ],
)
def test_a_day_on_which_the_clocks_change_is_asked_about_to_its_end(
    start: int, end: int, begin_ms: int, verdict: str
) -> None:
    """From the change on, also by a client that was started on that day."""
    run = asks((start, end), story=Written(begin_ms=begin_ms)).run(DAY_END + HOUR, tz=NEW_YORK)
    assert says("TIME-DST", run) == verdict


def test_every_line_is_judged_for_the_day() -> None:
    """One of several reaches from before the change to the end of the day."""
    story = asks((CHANGE - HOUR, CHANGE + 1), (CHANGE + 1, DAY_END)).sync(window(0, HOUR, direction=LEAVE))
    assert says("TIME-DST", story.run(DAY_END + HOUR, tz=NEW_YORK)) == "kept"


@pytest.mark.parametrize(
    ("start", "length", "is_broken"),
    [
        (CHANGE - HOUR, DAY, False),
        (CHANGE - HOUR, DAY + 1, True),
        (CHANGE - HOUR, DAY + A_CHANGE, True),
        (CHANGE - HOUR, DAY + A_CHANGE + 1, False),
        (CHANGE, DAY + 1, False),
        (CHANGE - DAY - 1, DAY + 1, False),
        (CHANGE - 1, DAY + 1, True),
        (CHANGE - DAY, DAY + 1, True),
        (CHANGE + A_CHANGE, 0, True),
        (CHANGE - A_CHANGE, 0, True),
        (CHANGE + A_CHANGE + 1, 0, False),
        (CHANGE - A_CHANGE - 1, 0, False),
        (CHANGE, -1, True),
        (CHANGE, 1, False),
    ],
)
def test_a_window_is_above_a_day_or_empty_for_the_change(start: int, length: int, *, is_broken: bool) -> None:
    """By two hours at the most, around the change; any other has another reason."""
    assert A_CHANGE == 2 * HOUR
    run = Written().at(LATER).sync(window(start, length)).run(tz=NEW_YORK)
    assert (says("TIME-DST", run) == "broken") == is_broken


@pytest.mark.parametrize(
    ("start", "end", "is_broken"),
    [
        (DAY_START, DAY_START + A_CHANGE, True),
        (DAY_START, DAY_START + A_CHANGE + 1, False),
        (DAY_START - 1, DAY_START + HOUR, False),
        (DAY_END + HOUR, DAY_END + A_CHANGE, True),
        (DAY_END + HOUR, DAY_END + A_CHANGE + 1, False),
        (CHANGE, CHANGE + HOUR, True),
    ],
)
def test_a_hole_of_that_day_is_of_the_change(start: int, end: int, *, is_broken: bool) -> None:
    """If it is of two hours at the most, and ends two hours after the day at the latest."""
    story = Written(begin_ms=4 * DAY).at(LATER).sync(window(4 * DAY, LATER - 4 * DAY, direction=LEAVE))
    story.sync(window(4 * DAY, start - 4 * DAY)).sync(window(end, LATER - end))
    assert (says("TIME-DST", story.run(LATER + 5 * HOUR, tz=NEW_YORK)) == "broken") == is_broken


JUMP = HOUR + MINUTE
"""When the client's clock jumps."""


def jumps(*offs: int, story: Written | None = None) -> Written:
    """Its clock is wrong by so much, after another."""
    found = (story or Written()).at(JUMP)
    for off in offs:
        found.act(ActKind.CLOCK_JUMPS, off_ms=off)
    return found


@pytest.mark.parametrize(
    ("story", "end_ms", "verdict"),
    [
        (jumps(SMALL), JUMP + 1, "kept"),
        (jumps(SMALL), JUMP, "nothing"),
        (jumps(SMALL + 1), JUMP + 1, "nothing"),
        (jumps(1), JUMP + 1, "kept"),
        (jumps(-SMALL), JUMP + 1, "nothing"),
        (jumps(SMALL, 0), JUMP + 1, "nothing"),
        (jumps(2 * SMALL, SMALL), JUMP + 1, "kept"),
        (jumps(SMALL, story=Written().at(JUMP - 1).sync(window(0, JUMP + 1))), JUMP + 1, "nothing"),
    ],
)
def test_a_window_that_closes_under_a_fast_clock_shows_what_a_client_does(
    story: Written, end_ms: int, verdict: str
) -> None:
    """If it is fast by five minutes at the most, and the window was not asked about before."""
    assert SMALL == 5 * MINUTE
    assert says("TIME-SKEW-CLIENT", story.at(3 * HOUR).sync(window(0, end_ms)).run()) == verdict


@pytest.mark.parametrize(
    ("early_ms", "verdict"),
    [(0, "kept"), (1, "broken"), (MINUTE, "broken"), (MINUTE + 1, "kept")],
)
def test_a_window_is_asked_about_before_its_end_by_a_fast_clock(early_ms: int, verdict: str) -> None:
    """By what the clock is fast at the most."""
    story = jumps(MINUTE).at(2 * HOUR - early_ms).sync(window(HOUR))
    assert says("TIME-SKEW-CLIENT", story.run(3 * HOUR)) == verdict


def gap(
    length_ms: int, jump_ms: int = SMALL, *, before: tuple[int, int] = (0, HOUR), asked_ms: int = 2 * HOUR
) -> Written:
    """A window is asked about before a jump, and one after it that begins so much later."""
    story = asks((0, HOUR)) if before == (0, HOUR) else asks(before, (0, HOUR))
    jumps(jump_ms, story=story)
    return story.at(JUMP + asked_ms).sync(window(HOUR + length_ms))


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (gap(SMALL), "broken"),
        (gap(SMALL + 1), "kept"),
        (gap(1), "kept"),
        (gap(2), "broken"),
        (gap(SMALL, -SMALL), "broken"),
        (gap(2 * SMALL, 2 * SMALL), "broken"),
        (gap(2 * SMALL + 1, 2 * SMALL + 1), "nothing"),
        (gap(SMALL, 0), "nothing"),
        (gap(SMALL, before=(0, HOUR // 2)), "broken"),
        (gap(SMALL).sync(window(HOUR)), "kept"),
        (gap(SMALL).sync(window(4 * HOUR), code=500), "kept"),
        (asks((0, HOUR), (HOUR + SMALL, HOUR + 2 * SMALL), story=jumps(SMALL)), "kept"),
        (
            asks((0, HOUR), (HOUR + SMALL, 2 * HOUR), story=jumps(SMALL, story=Written().sync(window(-2 * HOUR)))),
            "kept",
        ),
        (asks((HOUR + 2 * SMALL, 2 * HOUR), story=jumps(SMALL, -SMALL, story=asks((0, HOUR)))), "broken"),
        (asks((HOUR + SMALL, 2 * HOUR), story=jumps(SMALL, story=asks((HOUR, 0)))), "kept"),
        (asks((2 * HOUR, HOUR + SMALL), story=jumps(SMALL, story=asks((0, HOUR)))), "kept"),
        (gap(SMALL).sync(window(HOUR // 2, HOUR // 2)), "broken"),
        (gap(SMALL, before=(HOUR + SMALL, HOUR + 2 * SMALL)), "kept"),
        (jumps(SMALL, story=asks((HOUR + SMALL, HOUR + 2 * SMALL), (0, HOUR))).sync(window(9 * HOUR)), "kept"),
    ],
)
def test_a_hole_at_a_jump_is_no_longer_than_the_jump(story: Written, verdict: str) -> None:
    """Between a window that was asked about before it and the next one, asked about after it, and no call failed."""
    assert says("TIME-SKEW-CLIENT", story.at(5 * HOUR).sync(window(20 * HOUR)).run(DAY)) == verdict


def back(by_ms: int = MINUTE, since_ms: int = MINUTE, *after: tuple[int, int]) -> Written:
    """The first hour is asked about so long before the clock is set back, and other windows after it."""
    story = Written().at(JUMP - since_ms).sync(window())
    jumps(-by_ms, story=story)
    for start, end in after or ((HOUR, 2 * HOUR),):
        story.at(3 * HOUR).sync(window(start, end - start))
    return story


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (back(), "kept"),
        (back(MINUTE, MINUTE + 1), "nothing"),
        (back(SECOND, SECOND), "kept"),
        (back(SECOND - 1, SECOND - 1), "nothing"),
        (back(MINUTE, MINUTE, (0, HOUR)), "nothing"),
        (jumps(-MINUTE).at(3 * HOUR).sync(window()), "nothing"),
        (jumps(2 * MINUTE, MINUTE, story=Written().at(JUMP).sync(window())).sync(window(HOUR)), "kept"),
        (jumps(MINUTE, 2 * MINUTE, story=Written().at(JUMP).sync(window())).sync(window(HOUR)), "nothing"),
        (back(MINUTE, MINUTE, (HOUR, HOUR)), "broken"),
        (back(MINUTE, MINUTE, (HOUR, HOUR - 1)), "broken"),
        (back(MINUTE, MINUTE, (HOUR, HOUR + 1)), "kept"),
        (back(MINUTE, MINUTE, (HOUR - 1, 2 * HOUR)), "kept"),
        (back(MINUTE, MINUTE, (HOUR - 2, 2 * HOUR)), "broken"),
        (back(MINUTE, MINUTE, (MINUTE, HOUR)), "kept"),
        (back(MINUTE, MINUTE, (-HOUR, 2 * HOUR)), "kept"),
        (back(MINUTE, MINUTE, (HOUR, 2 * HOUR), (HOUR + MINUTE, 3 * HOUR)), "kept"),
        (back().sync(window(HOUR, direction=LEAVE)), "kept"),
        (jumps(-MINUTE, story=Written().sync(window(-HOUR)).at(JUMP).sync(window())).sync(window(HOUR)), "kept"),
        (jumps(-MINUTE, story=Written().sync(window(-HOUR)).at(JUMP).sync(window())).sync(window(MINUTE)), "broken"),
        (jumps(-MINUTE, story=Written().at(JUMP).sync(window()).sync(window(0, 1))).sync(window(MINUTE)), "broken"),
        (jumps(-MINUTE, story=Written().at(JUMP).sync(window()).sync(window(0, 0))).sync(window(MINUTE)), "kept"),
        (jumps(-MINUTE, story=Written().at(JUMP).sync(window()).sync(window(0, -1))).sync(window(MINUTE)), "kept"),
    ],
)
def test_a_clock_that_is_set_back_makes_no_window_half_anew(story: Written, verdict: str) -> None:
    """By a second or more, within which the last window was asked about, and a new one follows."""
    assert says("TIME-STEP", story.run(DAY)) == verdict
