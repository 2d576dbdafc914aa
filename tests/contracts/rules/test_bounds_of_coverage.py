"""What time is owed, and by whom, at its very bounds: histories that are written for it, as WIN-NO-GAP reads them."""

import pytest

from contracts.client.interface import Capability
from contracts.play.recording import ActKind
from contracts.play.scenario import LOT_IDS
from contracts.rules.evidence.coverage import BEGINS_WITHIN, FORGIVEN, LAGS_AT_MOST, SLACK
from mock_server.model import DAY, HOUR, MINUTE, PassDirection
from tests.contracts.rules.written import IN_PROCESS, LOT, Written, says, window

OTHER = LOT_IDS[1]
FIRST, SECOND_HOUR, THIRD = ((number * HOUR, HOUR) for number in range(3))


def asks(*windows: tuple[int, int], story: Written | None = None, at_ms: int | None = None, lot: str = LOT) -> Written:
    """Both directions of each window are asked about in one call, soon after its end or at a time."""
    found = story or Written()
    for start, length in windows:
        cells = [window(start, length, lot, direction) for direction in PassDirection]
        found.at(start + length + 2 * MINUTE if at_ms is None else at_ms).sync(*cells)
    return found


def gap(lots: tuple[str, ...] = ("tuya",)) -> Written:
    """The second hour is left out."""
    return asks(FIRST, THIRD, story=Written(lots))


BOTH = ("tuya", "tuya")
OTHERS = [window(lot=OTHER, direction=direction) for direction in PassDirection]


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (gap(), "broken"),
        (gap().call(code=1106), "nothing"),
        (gap().call(code=500), "nothing"),
        (asks(THIRD, story=gap().call(code=500)), "broken"),
        (asks(THIRD, story=gap().call(sent="not")), "broken"),
        (asks(THIRD, story=asks(THIRD, story=gap()).call(code=500), lot=OTHER), "nothing"),
        (gap(BOTH).sync(*OTHERS, code=1106), "broken"),
        (gap(BOTH).sync(*OTHERS, code=2001), "broken"),
        (gap(BOTH).sync(*OTHERS, code=500), "nothing"),
        (gap(BOTH).sync(window(), code=1106), "nothing"),
        (gap(BOTH).sync(window(), code=2001), "nothing"),
        (gap(BOTH).sync(window(), code=1010).sync(*OTHERS), "broken"),
        (gap(BOTH).sync(window(), code=1010), "nothing"),
        (gap(BOTH).sync(window(), code=500).sync(window(), code=1010).sync(*OTHERS), "nothing"),
        (gap().act(ActKind.CLOCK_JUMPS), "nothing"),
        (gap().act(ActKind.DIED), "nothing"),
        (gap().act(ActKind.DIED).act(ActKind.START), "broken"),
    ],
)
def test_time_is_owed_where_nothing_keeps_a_client_from_asking(story: Written, verdict: str) -> None:
    """A refusal for good, a wrong clock, a death; a passing failure until the lot is asked with success."""
    assert says("WIN-NO-GAP", story.run(DAY)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(SLACK, "broken"), (SLACK - 1, "nothing")])
def test_a_client_that_was_just_started_owes_nothing(later_ms: int, verdict: str) -> None:
    """For four hours."""
    assert SLACK == 4 * HOUR
    failed = asks(THIRD, story=gap().call(code=500))
    for story in (gap(), failed):
        assert says("WIN-NO-GAP", story.at(5 * HOUR).act(ActKind.START).run(5 * HOUR + later_ms)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(SLACK, "broken"), (SLACK - 1, "nothing")])
def test_a_window_is_owed_once_a_later_one_was_asked_about(later_ms: int, verdict: str) -> None:
    """Four hours before the end of the run."""
    assert says("WIN-NO-GAP", gap().run(3 * HOUR + 2 * MINUTE + later_ms)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(LAGS_AT_MOST, "broken"), (LAGS_AT_MOST - 1, "nothing")])
def test_a_window_of_thirty_hours_ago_is_owed_anyway(later_ms: int, verdict: str) -> None:
    """If the client has not been started since."""
    assert LAGS_AT_MOST == 30 * HOUR
    story = asks(FIRST).at(20 * HOUR).act(ActKind.START)
    assert says("WIN-NO-GAP", story.run(20 * HOUR + later_ms)) == verdict


@pytest.mark.parametrize(("later_ms", "is_broken"), [(0, False), (1, False), (2, True)])
def test_a_first_window_begins_within_a_day(later_ms: int, *, is_broken: bool) -> None:
    """Of the start; a millisecond between windows is how they join up."""
    assert BEGINS_WITHIN == DAY
    story = asks((DAY + later_ms, HOUR))
    assert (says("WIN-NO-GAP", story.run(2 * DAY)) == "broken") == is_broken


@pytest.mark.parametrize(("later_ms", "rule_ids"), [(0, []), (1, []), (2, ["WIN-NO-GAP"]), (HOUR, ["WIN-CATCHUP"])])
def test_three_days_are_owed_after_a_longer_downtime(later_ms: int, rule_ids: list[str]) -> None:
    """Not what is older: the client was down for days."""
    assert FORGIVEN == 3 * DAY
    story = asks(FIRST).at(2 * HOUR).act(ActKind.CRASHES).at(9 * DAY).act(ActKind.START)
    asks((6 * DAY + later_ms, 3 * DAY - later_ms), (9 * DAY, HOUR), story=story, at_ms=9 * DAY + 2 * HOUR)
    run = story.run(10 * DAY)
    assert [each for each in ("WIN-NO-GAP", "WIN-CATCHUP") if says(each, run) == "broken"] == rule_ids


@pytest.mark.parametrize(("short_ms", "verdict"), [(1, "kept"), (2, "broken")])
def test_the_last_window_of_a_line_may_end_a_millisecond_early(short_ms: int, verdict: str) -> None:
    """The other direction is asked about to its end."""
    story = asks(FIRST).after(window(HOUR), MINUTE)
    story.sync(window(HOUR, HOUR - short_ms)).sync(window(HOUR, direction=PassDirection.LEAVE))
    assert says("WIN-NO-GAP", story.run(DAY)) == verdict


def test_a_lot_that_takes_no_sync_is_owed_nothing() -> None:
    """However long it is not asked."""
    story = Written(("tuya", "jieshun"))
    asks((0, DAY), (DAY, DAY), (2 * DAY, DAY), story=story)
    assert says("WIN-NO-GAP", story.run(4 * DAY)) == "kept"


@pytest.mark.parametrize(
    ("acts", "can", "verdict"),
    [
        ([(HOUR, ActKind.CRASHES), (2 * HOUR, ActKind.START)], IN_PROCESS, "kept"),
        ([(HOUR, ActKind.DIED), (2 * HOUR, ActKind.START)], IN_PROCESS, "kept"),
        ([(HOUR, ActKind.DIED), (2 * HOUR, ActKind.START)], IN_PROCESS - {Capability.CRASH}, "kept"),
        ([(HOUR, ActKind.CRASHES), (2 * HOUR, ActKind.START)], IN_PROCESS - {Capability.CRASH}, "nothing"),
        ([(HOUR, ActKind.CRASHES), (90 * MINUTE, ActKind.DIED), (2 * HOUR, ActKind.START)], IN_PROCESS, "kept"),
        ([(HOUR, ActKind.CRASHES), (90 * MINUTE, ActKind.LOOKS), (2 * HOUR, ActKind.START)], IN_PROCESS, "kept"),
        ([(HOUR, ActKind.LOOKS), (2 * HOUR, ActKind.START)], IN_PROCESS, "nothing"),
    ],
)
def test_a_client_is_down_from_its_first_death_to_its_start(
    acts: list[tuple[int, ActKind]], can: frozenset[Capability], verdict: str
) -> None:
    """Whatever the harness does meanwhile; who cannot be crashed lives on."""
    story = Written()
    for at_ms, act in acts:
        story.at(at_ms).act(act)
    assert says("WIN-CATCHUP", asks((0, 3 * HOUR), story=story).run(DAY, can=can)) == verdict


def test_a_client_that_cannot_be_crashed_was_not_down() -> None:
    """What it has left out is a gap."""
    story = gap().at(HOUR).act(ActKind.CRASHES).at(2 * HOUR).act(ActKind.START)
    assert says("WIN-NO-GAP", story.run(DAY, can=IN_PROCESS - {Capability.CRASH})) == "broken"


@pytest.mark.parametrize(
    ("full", "empty", "verdict"),
    [
        ((FIRST, THIRD), SECOND_HOUR, "kept"),
        ((FIRST,), SECOND_HOUR, "nothing"),
        ((THIRD,), SECOND_HOUR, "nothing"),
        ((FIRST,), (0, MINUTE), "kept"),
        ((FIRST,), (HOUR // 2, HOUR // 2), "kept"),
    ],
)
def test_a_window_without_records_lies_between_those_with_some(
    full: tuple[tuple[int, int], ...], empty: tuple[int, int], verdict: str
) -> None:
    """Or within one: only there a client that leaves out empty windows would have left it out."""
    story = Written()
    for start, _ in full:
        story.at(start + 2 * MINUTE).record(f"r{start}").message(f"r{start}")
    for start, length in full:
        story.at(start + length + MINUTE).sync(window(start, length), claimed=1)
    assert says("WIN-ZERO", story.at(5 * HOUR).sync(window(*empty)).run(DAY)) == verdict
