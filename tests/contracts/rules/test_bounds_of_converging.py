"""What the rules of converging say at their very bounds, of histories that are written for it."""

import pytest

from contracts.client.interface import Capability
from contracts.play.recording import ActKind
from contracts.play.scenario import LOT_IDS
from contracts.rules.converging import FLOOR, LONG_FLOW, MOST_A_DAY, SOON, WATCHED
from mock_server.history.events import FaultInjected, RecordLost
from mock_server.model import DAY, HOUR, MINUTE, SECOND, DataType, ProcessStatus, Spoils
from tests.contracts.rules.written import IN_PROCESS, Written, says, window

CELL = window()
ASKED = HOUR + 2 * MINUTE
"""When the window is asked about."""

FAILED, UNKNOWN = ProcessStatus.FAILED, ProcessStatus.UNKNOWN


def lost(*names: str, calm: bool = True, lots: tuple[str, ...] = ("tuya",)) -> Written:
    """Records of the first hour, each of which was lost; then nothing goes wrong any more, and the client asks."""
    story = Written(lots)
    for name in names or ("r1",):
        story.at(MINUTE).record(name, lost=True)
    return (story.act(ActKind.CALM) if calm else story).at(ASKED)


def comes(story: Written, name: str = "r1", *, acked: bool = True) -> Written:
    """A record is reported again."""
    return story.message(name, origin="rereport", acked=acked)


def asked(story: Written, claimed: int = 0, counted: int = 1, at_ms: int = ASKED, records: int = 1) -> Written:
    """The client asks, and the lot reports so many records again if both differ."""
    return story.at(at_ms).sync(CELL, claimed=claimed, counted=counted, records=None if claimed == counted else records)


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (asked(comes(asked(asked(Written(), 0, 0, MINUTE // 2).at(MINUTE).record(lost=True))), 1, 1, 2 * HOUR), "kept"),
        (asked(comes(asked(asked(lost()), at_ms=2 * HOUR)), 1, 1, 3 * HOUR), "kept"),
        (asked(asked(comes(asked(lost())), 0, 1, 2 * HOUR), 1, 1, 3 * HOUR), "kept"),
        (asked(asked(comes(asked(lost())), 1, 1, 2 * HOUR), 0, 1, 3 * HOUR), "broken"),
    ],
)
def test_a_record_that_comes_again_is_counted_by_the_last_claim(story: Written, verdict: str) -> None:
    """Whatever was claimed before: from the first claim without it to the last one behind its acknowledgement."""
    assert says("CONV-REACHES", story.run(4 * HOUR)) == verdict


def torn(story: Written, name: str) -> Written:
    """The connection breaks while a message is sent."""
    message_id = story.message(name, origin="rereport", acked=False).message_id
    strike = FaultInjected("socket.close", 0, "socket", "", Spoils.DELIVERY, message_id=message_id, consumer="c1")
    return story.add(strike)


def comes_in_part() -> Written:
    """Of two records that were lost one comes again."""
    return comes(asked(lost("r1", "r2"), 0, 2, records=2), "r2")


@pytest.mark.parametrize(
    ("story", "later_ms", "verdict"),
    [
        (comes_in_part(), SOON, "broken"),
        (comes_in_part(), SOON - 1, "nothing"),
        (comes(comes_in_part()), SOON, "nothing"),
        (comes_in_part().act(ActKind.START), SOON, "nothing"),
        (asked(lost(), 1, 1), SOON, "broken"),
        (asked(lost(calm=False), 1, 1), SOON, "nothing"),
        (asked(lost(), 1, 1).message("r1"), SOON, "nothing"),
        (asked(lost(), 5, 1), SOON, "nothing"),
    ],
)
def test_a_client_has_two_days_to_ask_for_what_did_not_come(story: Written, later_ms: int, verdict: str) -> None:
    """One that is started again asks anew by itself; a claim that no truthful client makes ends the asking."""
    assert SOON == 2 * DAY
    assert says("CONV-REACHES", story.run(ASKED + later_ms)) == verdict


@pytest.mark.parametrize(
    ("later_ms", "verdict"),
    [(SOON, "broken"), (SOON - 1, "nothing")],
)
def test_a_success_is_no_agreement_for_two_days(later_ms: int, verdict: str) -> None:
    """Nothing came of the only sync about a record that is missing."""
    assert says("CONV-NOT-BY-SUCCESS", asked(lost()).run(ASKED + later_ms)) == verdict


OTHER_CELL = window(HOUR)


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (asked(lost()), "broken"),
        (asked(asked(lost()), at_ms=2 * HOUR), "kept"),
        (asked(lost().sync(CELL, code=500)), "broken"),
        (lost().sync(CELL, code=500), "nothing"),
        (asked(lost(), 1, 1), "nothing"),
        (asked(lost(calm=False)), "nothing"),
        (asked(lost().message()), "nothing"),
        (asked(lost()).removed(), "nothing"),
        (asked(lost()).record("r1", MINUTE), "nothing"),
        (asked(Written().at(MINUTE).record().act(ActKind.CALM)), "nothing"),
        (lost().sync(OTHER_CELL, counted=1), "nothing"),
        (Written().act(ActKind.CALM).sync(CELL, counted=1).at(MINUTE).record(lost=True), "nothing"),
        (asked(lost().record("r2", MINUTE).message("r2"), 1, 2), "broken"),
        (asked(lost().record("r2", MINUTE), 0, 2).message("r2"), "nothing"),
        (torn(asked(lost().record("r2", MINUTE), 0, 2), "r2"), "broken"),
    ],
)
def test_nothing_came_of_the_only_question_about_a_record(story: Written, verdict: str) -> None:
    """It was lost, is missing at the first call that went through, and no other record of the cell has come since."""
    assert says("CONV-NOT-BY-SUCCESS", story.run(4 * DAY)) == verdict


def test_a_count_that_was_wrong_once_may_be_right_the_next_time() -> None:
    """A cell that was asked about once is not yet known to be reported again for ever."""
    story = asked(Written().at(MINUTE).record().message(), 2, 1)
    assert says("CONV-QUIET", story.run(DAY)) == "nothing"
    assert says("CONV-QUIET", asked(story, 2, 1, 2 * HOUR).run(DAY)) == "broken"


def in_vain(*times: int, story: Written | None = None, ends: ProcessStatus = UNKNOWN) -> Written:
    """The client asks at these times, and each command comes to nothing."""
    found = story or lost()
    for time in times or (ASKED,):
        found.at(time).sync(CELL, ends=ends)
    return found


@pytest.mark.parametrize(
    ("story", "later_ms", "verdict"),
    [
        (in_vain(), SOON, "broken"),
        (in_vain(), SOON - 1, "nothing"),
        (in_vain(ends=FAILED), SOON, "broken"),
        (in_vain(ends=ProcessStatus.SUCCEEDED), SOON, "nothing"),
        (in_vain(ASKED, ASKED + 1), SOON, "nothing"),
        (in_vain(ASKED - 1, ASKED), SOON, "broken"),
        (asked(in_vain(), at_ms=2 * HOUR), SOON, "kept"),
        (asked(in_vain(), at_ms=2 * HOUR).at(2 * HOUR + 1).record("r2", HOUR + 1, lost=True), SOON, "kept"),
        (in_vain().sync(CELL, code=500), SOON, "nothing"),
        (in_vain(story=Written().at(MINUTE).record().act(ActKind.CALM)).message(), SOON, "nothing"),
        (in_vain(story=lost().message()), SOON, "nothing"),
        (in_vain().removed(), SOON, "nothing"),
    ],
)
def test_a_command_that_came_to_nothing_is_repeated_within_two_days(
    story: Written, later_ms: int, verdict: str
) -> None:
    """For a record that was lost, is still at the lot and had not come by another way."""
    assert says("CONV-RESULT", story.run(ASKED + later_ms)) == verdict


def test_one_healed_cell_shows_that_commands_are_followed() -> None:
    """Beside one for which the time was too short."""
    other = window(HOUR)
    story = in_vain().at(HOUR + MINUTE).record("r2", lost=True).at(2 * HOUR).sync(other, ends=UNKNOWN)
    assert says("CONV-RESULT", story.at(3 * HOUR).sync(other).run(DAY)) == "kept"


def flow(lasts_ms: int) -> Written:
    """A re-report whose messages come for so long, less than a minute apart."""
    count = lasts_ms // MINUTE + 2
    story = asked(lost(*(f"r{number}" for number in range(count))), 0, count, records=count)
    for number in range(count):
        comes(story.at(ASKED + min(number * (MINUTE - SECOND), lasts_ms)), f"r{number}")
    return story


def three(*times: int, records: int = 3) -> Written:
    """Three records were lost; the first messages of their re-report come so long after the client has asked."""
    story = asked(lost("r1", "r2", "r3"), 0, 3, records=records)
    for number, time in enumerate(times, 1):
        comes(story.at(ASKED + time), f"r{number}")
    return story


def again(story: Written, name: str = "r1") -> Written:
    """A record that is known comes once more, twenty seconds later."""
    return comes(story.at(ASKED + 90 * SECOND), name)


LOST_AGAIN = RecordLost(CELL.device_id, "r2", DataType.PASS, "uplink")

AMID = ASKED + 80 * SECOND
"""When the client asks again: a minute after the re-report has begun."""

TWO = (60 * SECOND, 70 * SECOND)


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (comes(asked(three(*TWO), 2, 3, AMID), "r3"), False),
        (comes(asked(three(*TWO), 2, 3, AMID).at(AMID + 1), "r3"), True),
        (comes(comes(asked(three(60 * SECOND), 1, 3, AMID).at(AMID + 1), "r2"), "r3"), True),
        (asked(three(*TWO), 2, 3, AMID), False),
        (comes(comes(asked(three(), 0, 3, AMID).at(AMID + 1), "r1"), "r2"), False),
        (again(asked(three(*TWO, records=2), 2, 3, AMID)), False),
        (asked(again(asked(three(*TWO, records=2), 2, 3, AMID)), 2, 3, 2 * HOUR), False),
        (again(asked(three(*TWO, records=2).sync(OTHER_CELL, counted=9, records=9), 2, 3, AMID)), False),
        (again(asked(three(60 * SECOND, records=2).add(LOST_AGAIN), 1, 3, AMID)), False),
        (again(asked(asked(three(1, 2, 3), 3, 4, 5 * MINUTE), 3, 4, AMID)), False),
        (comes(asked(three(*TWO).act(ActKind.START), 2, 3, AMID).at(AMID + 1), "r3"), False),
        (comes(asked(three(*TWO), 2, 3, AMID).act(ActKind.SYNCS).at(AMID + 1), "r3"), False),
    ],
)  # fmt: skip
def test_a_cell_is_not_asked_about_amid_its_re_report(story: Written, *, is_broken: bool) -> None:
    """Between two of its messages, while the last re-report has more than what came and was lost."""
    assert (says("CONV-DRAIN", story.run(DAY)) == "broken") == is_broken


def test_messages_of_a_re_report_before_are_not_those_of_this_one() -> None:
    """All of the first re-report have come, and one of the second."""
    story = three(1, 2, 3, records=3)
    asked(story, 2, 3, ASKED + 2 * MINUTE, records=3)
    comes(story.at(ASKED + 3 * MINUTE), "r1")
    comes(asked(story, 2, 3, ASKED + 3 * MINUTE + 1).at(ASKED + 3 * MINUTE + 2), "r2")
    assert says("CONV-DRAIN", story.run(DAY)) == "broken"


def test_messages_of_a_larger_window_are_no_re_report_of_the_cell() -> None:
    """The client asks about a part of the window that is reported again, for the first time."""
    story = lost("r1", "r2").sync(window(0, 2 * HOUR), counted=2, records=2)
    comes(story)
    comes(asked(story, 1, 2, ASKED + 1).at(ASKED + 2), "r2")
    assert says("CONV-DRAIN", story.run(DAY)) == "nothing"


@pytest.mark.parametrize(("every_ms", "verdict"), [(MINUTE, "kept"), (MINUTE + 1, "nothing")])
def test_messages_a_minute_apart_are_one_re_report(every_ms: int, verdict: str) -> None:
    """A longer pause is taken for its end."""
    names = [f"r{number}" for number in range(6)]
    story = asked(lost(*names), 0, 6, records=6)
    for number, name in enumerate(names):
        comes(story.at(ASKED + number * every_ms), name)
    assert says("CONV-DRAIN", story.run(DAY)) == verdict


def triggered(after_ms: int, *, before: int = 0, prompted: bool = False, known: bool = False) -> Written:
    """Three messages of a re-report, of which the client asks so long after each, but just before some of the first."""
    story = lost("r1", "r2", "r3")
    if known:
        story.message("r3")
    asked(story, 0, 3, records=3)
    for number in range(3):
        at = ASKED + 10 * SECOND * (number + 1)
        if number < before:
            asked(story, number, 3, at)
        comes(story.at(at), f"r{number + 1}")
        if number >= before:
            asked(story, number + 1, 4, at + after_ms)
        if prompted:
            story.act(ActKind.SYNCS)
    return story


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (triggered(0), "broken"),
        (triggered(SECOND), "broken"),
        (triggered(SECOND + 1), "kept"),
        (triggered(0, before=1), "kept"),
        (triggered(0, prompted=True), "kept"),
        (triggered(SECOND + 1, known=True), "nothing"),
        (
            comes(asked(asked(asked(three(*TWO), 2, 3, AMID), 2, 3, AMID), 2, 3, AMID).at(AMID + 49 * SECOND), "r3"),
            "kept",
        ),
    ],
)
def test_three_syncs_within_a_second_of_three_messages_are_no_coincidence(story: Written, verdict: str) -> None:
    """Each after a message of the re-report; two of them may be one."""
    assert says("CONV-NO-TRIGGER", story.run(DAY)) == verdict


@pytest.mark.parametrize(("lasts_ms", "verdict"), [(LONG_FLOW, "kept"), (LONG_FLOW - 1, "nothing")])
def test_a_long_re_report_takes_five_minutes(lasts_ms: int, verdict: str) -> None:
    """From the first message to the last."""
    assert LONG_FLOW == 5 * MINUTE
    assert says("CONV-DRAIN", flow(lasts_ms).run(DAY)) == verdict


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (comes(asked(lost()).at(ASKED + FLOOR - 1)), "kept"),
        (comes(asked(lost()).at(ASKED + FLOOR)), "nothing"),
        (comes(in_vain()), "nothing"),
        (comes(asked(lost()).at(ASKED + 2 * FLOOR).sync(CELL, claimed=1)), "nothing"),
        (comes(lost().sync(CELL, counted=1, records=1, sent="not")), "nothing"),
        (asked(lost()), "nothing"),
        (asked(lost()).message(), "nothing"),
        (torn(asked(lost()), "r1"), "nothing"),
        (asked(comes(lost())), "nothing"),
    ],
)
def test_a_re_report_tempts_whoever_sees_it_come(story: Written, verdict: str) -> None:
    """Within a minute of a claim that was answered well, and that the lot found different."""
    assert says("CONV-MIN-INTERVAL", story.run(DAY)) == verdict


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (asked(asked(lost()), at_ms=ASKED + FLOOR), "nothing"),
        (asked(asked(lost()), at_ms=ASKED + FLOOR - 1), "broken"),
        (lost().sync(CELL, CELL), "nothing"),
        (lost().sync(CELL, sent="not").sync(CELL), "nothing"),
        (asked(asked(lost()).act(ActKind.SYNCS)), "nothing"),
        (asked(asked(lost()).act(ActKind.START)), "nothing"),
        (asked(asked(lost())), "broken"),
    ],
)
def test_a_minute_passes_between_two_syncs_of_a_cell(story: Written, verdict: str) -> None:
    """But for a call that failed, a client that was told to ask, and one that was started again."""
    assert FLOOR == 60 * SECOND
    assert says("CONV-MIN-INTERVAL", story.run(DAY)) == verdict


def deleted(*further: str, acked: bool = True, left: int = 1, lots: tuple[str, ...] = ("tuya",)) -> Written:
    """The client has r1, r2 and `further` records; the lot has deleted r1."""
    story = Written(lots).at(MINUTE)
    for name in ("r1", *(("r2",) if left else ()), *further):
        story.record(name).message(name, acked=acked or name == "r1")
    return story.removed()


def tries(times: list[int], claimed: int = 2, counted: int = 1, story: Written | None = None) -> Written:
    """The client claims all that it has."""
    found = story or deleted()
    for time in times:
        found.at(ASKED + time).sync(CELL, claimed=claimed, counted=counted, records=counted)
    return found


NOT_TAKEN = Written().at(MINUTE).record("r2").message("r2").record().message(acked=False).removed()
MOST = [number * HOUR for number in range(MOST_A_DAY)]


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (tries([0]), "nothing"),
        (tries([0, HOUR]), "kept"),
        (tries(MOST), "kept"),
        (tries([*MOST, DAY]), "kept"),
        (tries([*MOST, DAY - 1]), "broken"),
        (tries([0, HOUR]).removed("r2"), "kept"),
        (tries([0, HOUR], 2, 1, deleted()).at(3 * HOUR).sync(CELL, claimed=2, ends=UNKNOWN), "kept"),
        (tries([0, HOUR], 1, 1, deleted(acked=False)), "nothing"),
        (tries([0, HOUR], 5), "nothing"),
        (tries([0, HOUR], 2, 1, deleted("r3").removed("r3")), "nothing"),
        (tries([0, HOUR], 2, 1, NOT_TAKEN), "nothing"),
        (tries([0, HOUR], 3, 1, deleted("r3").record("r4").removed("r3").removed("r4")), "kept"),
        (tries([0, HOUR], 1, 0, deleted(left=0)), "nothing"),
        (tries([0, HOUR], 2, 2, deleted().record("r3", lost=True)), "nothing"),
        (tries([0, HOUR], 2, 3, deleted().record("r3", lost=True).record("r4", lost=True)), "nothing"),
        (tries([0, HOUR], 2, 3, deleted().record("r3").record("r4")).removed("r3").removed("r4"), "nothing"),
        (tries([0, HOUR]).record("r3", MINUTE, lost=True), "kept"),
    ],
)  # fmt: skip
def test_a_cell_that_can_never_agree_is_tried_ten_times_a_day(story: Written, verdict: str) -> None:
    """The client had what the lot has deleted, claims what it has, and nothing else is missing."""
    assert MOST_A_DAY == 10
    assert says("CONV-GIVE-UP", story.run(4 * DAY)) == verdict


@pytest.mark.parametrize(("later_ms", "verdict"), [(WATCHED, "kept"), (WATCHED - 1, "nothing")])
def test_half_a_day_shows_that_a_client_gives_up(later_ms: int, verdict: str) -> None:
    """From the first claim that cannot agree."""
    assert WATCHED == 12 * HOUR
    assert says("CONV-GIVE-UP", tries([0, HOUR]).run(ASKED + later_ms)) == verdict


PACE = 2 * MINUTE
"""How long after its end a window is asked about here."""

BEHIND = 4 * HOUR + PACE
"""By when a loss has to be asked about: twice a window and two hours later, at the client's own pace."""


def beside(
    at_ms: int = 3 * HOUR,
    event_ms: int | None = None,
    *,
    is_lost: bool = True,
    lot: int = 0,
    story: Written | None = None,
) -> Written:
    """A cell can never agree; at that time another record is lost."""
    story = tries([0], story=story)
    return story.at(at_ms).record("beside", event_ms, lost=is_lost, lot=LOT_IDS[lot])


THEIRS = window(3 * HOUR)


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (beside(), "broken"),
        (beside().at(3 * HOUR + BEHIND).sync(THEIRS), "kept"),
        (beside().at(3 * HOUR + BEHIND + 1).sync(THEIRS), "broken"),
        (beside(ASKED), "broken"),
        (tries([0], story=deleted().at(ASKED - MINUTE).record("beside", lost=True)), "nothing"),
        (beside(3 * HOUR, 3 * HOUR + MINUTE), "broken"),
        (beside(3 * HOUR, 3 * HOUR - MINUTE), "broken"),
        (beside(3 * HOUR, 3 * HOUR + MINUTE + 1), "nothing"),
        (beside(3 * HOUR, 30 * MINUTE), "nothing"),
        (beside().removed("beside"), "nothing"),
        (beside(is_lost=False), "nothing"),
        (beside().message("beside"), "nothing"),
        (beside().message("beside", origin="rereport"), "broken"),
        (beside().act(ActKind.START), "broken"),
        (beside().at(3 * HOUR + 1).act(ActKind.START), "nothing"),
        (beside(story=deleted().at(ASKED).sync(window(-HOUR))).at(4 * HOUR + BEHIND).sync(THEIRS), "kept"),
        (beside(story=deleted(lots=("tuya", "jieshun")), lot=1), "nothing"),
        (beside().call(code=1106), "nothing"),
    ],
)
def test_a_loss_beside_a_cell_that_cannot_agree_is_asked_about_in_time(story: Written, verdict: str) -> None:
    """If it is plain: lost, of now, still there, of a lot that can be asked."""
    assert says("CONV-OTHERS", story.run(4 * DAY)) == verdict


def test_a_loss_in_the_cell_that_cannot_agree_is_not_beside_it() -> None:
    """The window was not over when it was asked about."""
    story = deleted().at(ASKED).sync(window(0, 4 * HOUR), claimed=2, counted=1, records=1)
    assert says("CONV-OTHERS", story.at(3 * HOUR).record("inside", lost=True).run(4 * DAY)) == "nothing"


@pytest.mark.parametrize(("later_ms", "verdict"), [(BEHIND, "broken"), (BEHIND - 1, "nothing")])
def test_a_run_that_ends_before_shows_nothing_of_a_loss_beside(later_ms: int, verdict: str) -> None:
    """The time by which a loss has to be asked about has to lie in it."""
    assert says("CONV-OTHERS", beside().run(3 * HOUR + later_ms)) == verdict


def test_a_client_that_cannot_be_told_the_time_is_not_asked_for_pauses() -> None:
    """It asks whenever it is told to."""
    run = asked(asked(lost())).run(DAY, can=IN_PROCESS - {Capability.ADVANCE})
    assert says("CONV-MIN-INTERVAL", run) == "nothing"
