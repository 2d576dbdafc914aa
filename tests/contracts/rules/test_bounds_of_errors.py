"""What the rules of errors say at their very bounds, of histories that are written for it."""

from collections.abc import Iterable
from typing import Any

import pytest

from contracts.play.recording import ActKind
from contracts.play.scenario import LOT_IDS
from contracts.rules.evidence.errors import PATIENCE, PROBES
from contracts.rules.evidence.renewals import RENEWED_WITHIN
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import Sent
from mock_server.model import DAY, HOUR, MINUTE, SECOND, Cell, ProcessStatus
from mock_server.profile import Profile
from mock_server.wire.paths import TOKEN_PATH
from tests.contracts.rules.written import LEAVE, START, Written, says, window

CELL = window()
AT = 2 * HOUR
"""When calls begin to fail."""

BUSY, TROUBLE, TOKEN, TIME, SIGN, OFFLINE, REFUSED, UNSUPPORTED = 1110, 500, 1010, 1013, 1004, 2001, 1106, 2008
DEVICES = "/v1.0/devices"


def lost(*, calm: bool = True, lots: tuple[str, ...] = ("tuya",)) -> Written:
    """A record of the first hour was lost, so that the client has to ask about it."""
    story = Written(lots).at(MINUTE).record(lost=True)
    return story.act(ActKind.CALM) if calm else story


def failing(times: Iterable[int], code: int | None = BUSY, story: Written | None = None, **call: Any) -> Written:
    """The client asks at these times, counted from the first failure, and each call fails."""
    found = story or lost()
    for time in times:
        found.at(AT + time).sync(CELL, code=code, **call)
    return found


def then(story: Written, at_ms: int) -> Written:
    """The next call goes through."""
    return story.at(AT + at_ms).sync(CELL, counted=1, records=1)


# The pace of repeats


def every(pause_ms: int, count: int, start_ms: int = 0) -> list[int]:
    """So many times with the same pause."""
    return [start_ms + number * pause_ms for number in range(count)]


QUICK = [0, 11, 22, 33, 44, 55]
"""Six tries in a row, each with a pause of more than nothing."""


@pytest.mark.parametrize(
    ("rule_id", "code", "times", "verdict"),
    [
        ("ERR-RATE", BUSY, [0], "nothing"),
        ("ERR-RATE", BUSY, [0, 10], "kept"),
        ("ERR-RATE", BUSY, [0, 10, 21], "kept"),
        ("ERR-RATE", BUSY, [0, 10, 20], "broken"),
        ("ERR-RATE", BUSY, [0, 10, 21, 31], "kept"),
        ("ERR-RATE", BUSY, QUICK + every(4 * SECOND, 15, 4 * SECOND), "kept"),
        ("ERR-RATE", BUSY, QUICK + every(3 * SECOND, 16, 4 * SECOND), "broken"),
        ("ERR-5XX", TROUBLE, [0, 10, 20, MINUTE], "kept"),
        ("ERR-5XX", TROUBLE, [0, 10, 20, 30], "broken"),
        ("ERR-TOKEN", TOKEN, [0, 10, 20, MINUTE], "kept"),
        ("ERR-TOKEN", TOKEN, [0, 10, 20, 30], "broken"),
        ("ERR-OFFLINE", OFFLINE, every(90 * SECOND, 41), "kept"),
        ("ERR-OFFLINE", OFFLINE, [0, *every(2 * MINUTE, 30, HOUR)], "kept"),
        ("ERR-OFFLINE", OFFLINE, [0, *every(2 * MINUTE - 1, 31, HOUR)], "broken"),
        ("ERR-UNKNOWN-CODE", 9999, [0, 10, 20, MINUTE], "kept"),
        ("ERR-UNKNOWN-CODE", 9999, [0, 10, 20, 30], "broken"),
    ],
)
def test_pauses_to_the_millisecond(rule_id: str, code: int, times: list[int], verdict: str) -> None:
    """How many repeats may follow at once, and how many a minute or an hour after that."""
    run = then(failing(times, code), 3 * HOUR).run(DAY)
    assert says(rule_id, run) == verdict


@pytest.mark.parametrize(
    ("rule_id", "code", "times", "well_ms", "verdict"),
    [
        ("ERR-5XX", TROUBLE, [0, 20 * SECOND, 40 * SECOND, 50 * SECOND], MINUTE, "kept"),
        ("ERR-5XX", TROUBLE, [0, 20 * SECOND, 40 * SECOND, 50 * SECOND], MINUTE - 1, "nothing"),
        ("ERR-5XX", TROUBLE, [0, 20 * SECOND, 40 * SECOND], MINUTE, "nothing"),
        ("ERR-OFFLINE", OFFLINE, [0, HOUR], 2 * HOUR, "kept"),
        ("ERR-OFFLINE", OFFLINE, [0, HOUR - 1], 2 * HOUR, "nothing"),
    ],
)
def test_a_trouble_has_to_last_to_show_the_pauses(
    rule_id: str, code: int, times: list[int], well_ms: int, verdict: str
) -> None:
    """Four failures within a minute, or an hour off line, and then a call that goes through."""
    assert says(rule_id, then(failing(times, code), well_ms).run(DAY)) == verdict


def test_a_lot_that_stays_off_line_shows_nothing_of_its_return() -> None:
    """Only one that is asked again with success does."""
    assert says("ERR-OFFLINE", failing([0, HOUR, 2 * HOUR], OFFLINE).run(DAY)) == "nothing"


@pytest.mark.parametrize(("act", "verdict"), [(ActKind.SYNCS, "kept"), (ActKind.LOOKS, "broken")])
def test_no_pause_is_asked_for_across_a_prompt_of_the_harness(act: ActKind, verdict: str) -> None:
    """Of the third try, which would be too much."""
    story = failing([10, 20], story=failing([0, 5]).act(act))
    assert says("ERR-RATE", then(story, HOUR).run(DAY)) == verdict


def test_a_prompt_behind_the_last_repeat_excuses_none() -> None:
    """It has to come before the repeat."""
    assert says("ERR-RATE", then(failing([0, 10, 20]).act(ActKind.SYNCS), HOUR).run(DAY)) == "broken"


def test_calls_that_go_through_are_no_repeats() -> None:
    """However soon one follows another."""
    assert says("ERR-RATE", then(then(then(failing([0, MINUTE]), HOUR), HOUR), HOUR).run(DAY)) == "kept"


# Cells that are left open


PASSED = [FaultKind.ANSWER_LATE, FaultKind.ANSWER_NO_RESULT]


@pytest.mark.parametrize(
    ("story", "rule_id", "verdict"),
    [
        (failing([0]), "ERR-BODY", "broken"),
        (failing([0], TROUBLE), "ERR-BODY", "broken"),
        (failing([0]), "ERR-KEEP", "broken"),
        (failing([0], None, sent="not"), "ERR-KEEP", "broken"),
        (failing([0], None, sent="not"), "ERR-TIMEOUT", "broken"),
        (failing([0], None, sent="not"), "ERR-BODY", "nothing"),
        (failing([0], TROUBLE, sent="not"), "ERR-BODY", "nothing"),
        (failing([0], None, sent="garbled", faults=[FaultKind.ANSWER_NOT_JSON]), "ERR-MALFORMED", "broken"),
        (failing([0], None, sent="garbled", faults=[FaultKind.ANSWER_EMPTY]), "ERR-MALFORMED", "broken"),
        (failing([0], None, sent="garbled", faults=[FaultKind.ANSWER_TRUNCATED]), "ERR-KEEP", "broken"),
        (failing([0], None, sent="garbled", faults=[FaultKind.ANSWER_UNKNOWN_FIELDS]), "ERR-MALFORMED", "nothing"),
        (failing([0], None, faults=[FaultKind.ANSWER_NO_RESULT]), "ERR-KEEP", "nothing"),
        (failing([0], TROUBLE, faults=[FaultKind.ANSWER_NO_RESULT]), "ERR-KEEP", "broken"),
        (failing([0], TROUBLE, faults=[FaultKind.ANSWER_LATE]), "ERR-KEEP", "nothing"),
        (failing([0], None, sent=None), "ERR-KEEP", "nothing"),
        (failing([0], 9999), "ERR-UNKNOWN-CODE", "broken"),
        (failing([0], 9999), "ERR-KEEP", "nothing"),
        (failing([0], 9999, sent="not"), "ERR-UNKNOWN-CODE", "nothing"),
        (failing([0]), "ERR-UNKNOWN-CODE", "nothing"),
        (failing([0], story=lost(calm=False)), "ERR-KEEP", "nothing"),
        (then(failing([0]), MINUTE), "ERR-KEEP", "kept"),
        (then(failing([0], story=lost(calm=False)), MINUTE), "ERR-KEEP", "nothing"),
        (then(failing([0], story=Written().act(ActKind.CALM)), MINUTE), "ERR-KEEP", "nothing"),
        (failing([0], story=then(lost(), -MINUTE)), "ERR-KEEP", "nothing"),
        (failing([0], None, faults=[FaultKind.ANSWER_TRUNCATED], sent="garbled", counted=0), "ERR-KEEP", "broken"),
        (then(failing([0], None, faults=[FaultKind.ANSWER_TRUNCATED], sent="garbled"), MINUTE), "ERR-KEEP", "nothing"),
        (failing([0]).at(AT + 1).sync(window(-HOUR, 90 * MINUTE), code=BUSY), "ERR-KEEP", "broken"),
        (failing([0]).at(AT + 1).sync(window(-HOUR, 90 * MINUTE)), "ERR-KEEP", "nothing"),
        (failing([0]).at(AT + 1).sync(window(HOUR // 2)), "ERR-KEEP", "nothing"),
        (failing([0]).at(AT + 1).sync(window(-HOUR // 2)), "ERR-KEEP", "nothing"),
        (failing([0]).at(AT + 1).sync(window(HOUR // 2 + 1)), "ERR-KEEP", "broken"),
        (failing([0]).at(AT + 1).sync(window(-HOUR // 2 - 1)), "ERR-KEEP", "broken"),
        (failing([0]).at(AT + 1).sync(window(direction=LEAVE)), "ERR-KEEP", "broken"),
        (failing([0]).call(DEVICES, SIGN), "ERR-KEEP", "nothing"),
        (failing([0]).call(DEVICES, 1005), "ERR-KEEP", "nothing"),
        (failing([0]).call(DEVICES, TIME), "ERR-KEEP", "nothing"),
        (failing([0]).call(DEVICES, REFUSED), "ERR-KEEP", "broken"),
        (failing([0]).call(f"{DEVICES}/{CELL.device_id}", REFUSED), "ERR-KEEP", "nothing"),
        (failing([0]).call(TOKEN_PATH, 2007), "ERR-KEEP", "nothing"),
        (failing([0]).call(TOKEN_PATH, TROUBLE), "ERR-KEEP", "broken"),
        (failing([MINUTE], TOKEN, failing([0])), "ERR-BODY", "nothing"),
        (failing([MINUTE], TOKEN, failing([0])).sync(window(DAY)), "ERR-BODY", "nothing"),
        (failing([MINUTE], TOKEN, failing([0])).sync(window(DAY)), "ERR-TOKEN", "broken"),
    ],
)
def test_a_cell_that_failed_is_asked_about_again(story: Written, rule_id: str, verdict: str) -> None:
    """Or a window that has its middle; who was refused for good may leave it."""
    assert says(rule_id, story.run(4 * DAY)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(PATIENCE, "broken"), (PATIENCE - 1, "nothing")])
def test_a_client_has_two_days_to_ask_again(later_ms: int, verdict: str) -> None:
    """After its last call about the cell, or when nothing goes wrong any more, whichever is later."""
    assert PATIENCE == 2 * DAY
    assert says("ERR-KEEP", failing([0]).run(AT + later_ms)) == verdict
    story = failing([0], story=lost(calm=False)).at(AT + HOUR).act(ActKind.CALM)
    assert says("ERR-KEEP", story.run(AT + HOUR + later_ms)) == verdict


@pytest.mark.parametrize(("deaths", "verdict"), [(5, "broken"), (6, "nothing")])
def test_a_client_that_is_not_started_again_cannot_ask(deaths: int, verdict: str) -> None:
    """It is started again five times."""
    story = failing([0])
    for _ in range(deaths):
        story.act(ActKind.DIED, "in sync: Error")
    assert says("ERR-KEEP", story.run(4 * DAY)) == verdict


BOTH = (CELL, window(direction=LEAVE))


@pytest.mark.parametrize(
    ("failed", "again", "verdict"),
    [
        (BOTH, BOTH, "kept"),
        (BOTH, BOTH[:1], "broken"),
        (BOTH, BOTH[1:], "broken"),
        (BOTH, (), "nothing"),
        (BOTH[:1], BOTH[:1], "nothing"),
        (BOTH[1:], BOTH[1:], "nothing"),
    ],
)
def test_all_cells_of_a_call_that_failed_are_asked_about_again(
    failed: tuple[Cell, ...], again: tuple[Cell, ...], verdict: str
) -> None:
    """If one of them is. The other direction has no record, so that only the first cell shows it."""
    story = lost().at(AT).sync(*failed, code=BUSY)
    if again:
        story.at(AT + HOUR).sync(*again, counted=1, records=1)
    run = story.run(4 * DAY)
    assert says("ERR-PARTIAL", run) == verdict
    assert (says("ERR-KEEP", run) == "broken") == (not again)


def test_the_other_cells_of_a_call_may_still_follow() -> None:
    """The run ends before two days are over."""
    assert says("ERR-PARTIAL", lost().at(AT).sync(*BOTH, code=BUSY).sync(CELL).run(DAY)) == "kept"


def test_a_cell_that_was_repeated_in_vain_is_not_left_out_of_its_call() -> None:
    """It is left open like any other."""
    story = lost().at(AT).sync(*BOTH, code=BUSY).at(AT + HOUR).sync(*BOTH, code=BUSY).at(AT + 2 * HOUR)
    run = story.sync(CELL, counted=1, records=1).run(4 * DAY)
    assert says("ERR-PARTIAL", run) == "kept"
    assert says("ERR-KEEP", run) == "broken"


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (failing([0], None, faults=[FaultKind.ANSWER_TRUNCATED], sent="garbled"), "broken"),
        (failing([0], None, faults=[FaultKind.ANSWER_NO_RESULT]), "broken"),
        (failing([0], TROUBLE), "nothing"),
        (lost(), "nothing"),
    ],
)
def test_a_client_dies_of_the_answer_before_its_death(story: Written, verdict: str) -> None:
    """If that could not be read; it asks on afterwards."""
    run = then(story.act(ActKind.DIED, "in sync: Error").at(AT + 1).act(ActKind.START), HOUR).run(DAY)
    assert says("ERR-MALFORMED", run) == verdict


# Tokens, clocks, keys


@pytest.mark.parametrize(("later_ms", "verdict"), [(HOUR, "kept"), (HOUR - 1, "nothing")])
def test_an_hour_shows_what_a_client_does_with_a_refused_token(later_ms: int, verdict: str) -> None:
    """From the refusal on."""
    assert says("ERR-TOKEN", then(failing([0], TOKEN), 1).run(AT + later_ms)) == verdict


def use(*times: int, sent: Sent = "whole", renews: int | None = None) -> Written:
    """One token is used, and refused, at these times; before the call of that place another is asked for."""
    story = Written()
    for place, time in enumerate(times):
        if place == renews:
            story.call()
        story.at(AT + time).call(DEVICES, TOKEN, sent, access_token="t")
    return story


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (use(0, SECOND, 2 * SECOND), True),
        (use(0, SECOND), False),
        (use(0, SECOND - 1, 2 * SECOND - 2), False),
        (use(0, SECOND, 2 * SECOND - 1), False),
        (use(0, SECOND, 2 * SECOND, renews=2), False),
        (use(0, SECOND, 2 * SECOND, sent="not"), False),
    ],
)
def test_a_token_that_was_refused_three_times_is_dead(story: Written, *, is_broken: bool) -> None:
    """At moments a second apart, without a call for another; the client has to have read the refusals."""
    assert (says("ERR-TOKEN", story.run(DAY)) == "broken") == is_broken


def late(off: object = 0, path: str = DEVICES) -> Written:
    """A call is refused for its time, which was wrong by so many ms, or no number."""
    sent = START + AT + off if isinstance(off, int) else off
    return Written().at(AT).call(path, TIME, t=str(sent))


TOLERANCE = Profile().time_tolerance_ms


def refused_tokens(*times: int) -> Written:
    """Calls for a token at these times are refused for their time."""
    story = Written()
    for time in times:
        story.at(AT + time).call(TOKEN_PATH, TIME, t=str(START + AT + time))
    return story


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (late(), "nothing"),
        (late(TOLERANCE), "nothing"),
        (late(TOLERANCE + 1), "kept"),
        (late(-TOLERANCE - 1), "kept"),
        (late("now"), "kept"),
        (refused_tokens(0, HOUR, 2 * HOUR), "nothing"),
        (refused_tokens(0, HOUR, 2 * HOUR, 3 * HOUR), "kept"),
        (refused_tokens(0, 10, 20, 30), "broken"),
        (refused_tokens(0, 10, 20, 31), "kept"),
        (refused_tokens(*QUICK, *every(4 * SECOND, 15, 4 * SECOND)), "kept"),
        (refused_tokens(*QUICK, *every(3 * SECOND, 16, 4 * SECOND)), "broken"),
    ],
)
def test_a_wrong_time_is_not_sent_again_and_again(story: Written, verdict: str) -> None:
    """It is wrong beyond the tolerance, or was refused more than three times."""
    assert says("ERR-TIME", story.run(DAY)) == verdict


def signed(*times: int, code: int = SIGN, sent: Sent = "whole", story: Written | None = None) -> Written:
    """Calls at these times are refused."""
    found = story or Written()
    for time in times:
        found.at(AT + time).call(DEVICES, code, sent)
    return found


THREE = (0, MINUTE, 2 * MINUTE)


@pytest.mark.parametrize(
    ("story", "later_ms", "verdict"),
    [
        (signed(0), 6 * HOUR, "kept"),
        (signed(0), 6 * HOUR - 1, "nothing"),
        (signed(0, story=Written().call(DEVICES)), 6 * HOUR - 1, "nothing"),
        (signed(0).call(DEVICES), 6 * HOUR, "nothing"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE), 6 * HOUR, "kept"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE).at(AT + HOUR).call(DEVICES), 6 * HOUR, "nothing"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 5 * MINUTE), 6 * HOUR, "broken"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 5 * MINUTE - 1), 6 * HOUR, "kept"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 3 * MINUTE + DAY), 2 * DAY, "kept"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 3 * MINUTE + DAY - 1), 2 * DAY, "broken"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 5 * MINUTE, sent="not"), 6 * HOUR, "nothing"),
        (signed(*THREE, 3 * MINUTE, 4 * MINUTE, 5 * MINUTE, code=1005), 6 * HOUR, "nothing"),
    ],
)
def test_a_wrong_signature_is_tried_twice_a_day(story: Written, later_ms: int, verdict: str) -> None:
    """After three refusals at different minutes; six hours show whether a client stops."""
    assert PROBES == 2
    assert says("ERR-SIGN", story.run(AT + later_ms)) == verdict


def test_other_calls_between_do_not_hide_a_wrong_signature() -> None:
    """They have a path of their own."""
    story = Written()
    for number in range(6):
        signed(number * MINUTE, story=story).call("/v1.0/other")
    assert says("ERR-SIGN", story.run(DAY)) == "broken"


# Brands


BRANDS = ("jieshun", "tuya", "tuya")
JIESHUN, OTHER, THIRD = (window(lot=lot) for lot in LOT_IDS[:3])


@pytest.mark.parametrize(
    ("failed", "times", "profile", "ends", "verdict"),
    [
        (JIESHUN, 5, "refuse", None, "kept"),
        (JIESHUN, 6, "refuse", None, "broken"),
        (JIESHUN, 8, "accept", ProcessStatus.FAILED, "kept"),
        (JIESHUN, 9, "accept", ProcessStatus.FAILED, "broken"),
        (JIESHUN, 9, "accept", ProcessStatus.SUCCEEDED, "nothing"),
        (OTHER, 9, "refuse", None, "nothing"),
    ],
)
def test_a_lot_without_the_command_is_left_alone(
    failed: Cell, times: int, profile: str, ends: ProcessStatus | None, verdict: str
) -> None:
    """After three refusals, or six failed commands, it is tried twice a day. Only a Jieshun lot is one."""
    story = Written(BRANDS)
    for number in range(times):
        story.at(AT + number * HOUR).sync(failed, code=None if ends else UNSUPPORTED, ends=ends)
    run = story.run(DAY, profile=Profile(jieshun="refuse" if profile == "refuse" else "accept-then-fail"))
    assert says("ERR-UNSUPPORTED", run) == verdict


def refuses(
    *, calm_ms: int | None = 0, before: int | None = None, code: int | None = UNSUPPORTED, sent: Sent | None = "whole"
) -> Written:
    """A lot refuses the command at `AT`; each has had a record that was lost, the last one none.

    Another lot was asked `before`, and counted so many.
    """
    story = Written(BRANDS).at(MINUTE)
    for lot in LOT_IDS[:2]:
        story.record(lot, lot=lot, lost=True)
    if calm_ms is not None:
        story.at(calm_ms).act(ActKind.CALM)
    if before is not None:
        story.at(AT - HOUR).sync(OTHER, claimed=1, counted=before)
    return story.at(AT).sync(JIESHUN, code=code, sent=sent)


def goes_on(story: Written, *cells: Cell, at_ms: int = AT + HOUR) -> Written:
    """These are asked about afterwards."""
    for cell in cells:
        story.at(at_ms).sync(cell, counted=1)
    return story


@pytest.mark.parametrize(
    ("story", "later_ms", "verdict"),
    [
        (goes_on(refuses(), OTHER, THIRD), 4 * DAY, "kept"),
        (goes_on(refuses(calm_ms=None), OTHER, THIRD), 4 * DAY, "nothing"),
        (goes_on(refuses(code=None), OTHER, THIRD), 4 * DAY, "nothing"),
        (goes_on(refuses(), OTHER), HOUR, "kept"),
        (goes_on(refuses(), OTHER), 4 * DAY, "broken"),
        (goes_on(refuses(), THIRD), 4 * DAY, "broken"),
        (refuses(), PATIENCE, "broken"),
        (refuses(), PATIENCE - 1, "nothing"),
        (refuses(calm_ms=AT + HOUR), PATIENCE, "nothing"),
        (refuses(calm_ms=AT + HOUR), PATIENCE + HOUR, "broken"),
        (refuses().call(DEVICES, SIGN), 4 * DAY, "nothing"),
        (goes_on(refuses(), THIRD), HOUR, "nothing"),
        (goes_on(refuses(), JIESHUN), HOUR, "nothing"),
        (goes_on(refuses(before=1), OTHER), HOUR, "nothing"),
        (refuses(before=2), HOUR, "nothing"),
        (goes_on(refuses(before=2), OTHER), HOUR, "kept"),
        (goes_on(refuses(code=None, sent=None), OTHER, THIRD), 4 * DAY, "nothing"),
    ],
)
def test_a_lot_without_the_command_stops_nothing_but_itself(story: Written, later_ms: int, verdict: str) -> None:
    """A lot that needs another question gets it within two days."""
    assert says("ERR-UNSUPPORTED-SCOPE", story.run(AT + later_ms)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(RENEWED_WITHIN, "kept"), (RENEWED_WITHIN + 1, "nothing")])
def test_a_token_is_renewed_within_an_hour_and_a_half(later_ms: int, verdict: str) -> None:
    """A refusal that was mended is no failure for other rules: a cell that was refused as busy before it is healed."""
    story = failing([MINUTE], TOKEN, failing([0], story=lost().sync(window(direction=LEAVE))))
    story.at(AT + 2 * MINUTE).sync(window(direction=LEAVE), code=TROUBLE)
    story.at(AT + MINUTE + later_ms).sync(CELL, counted=1, records=1)
    assert says("ERR-BODY", story.run(4 * DAY)) == verdict
