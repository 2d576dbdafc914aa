"""What the rules of receiving, and of several instances, say at their very bounds, of histories written for it."""

import pytest

from contracts.client.interface import Capability, DumpedRecord
from contracts.play.recording import ActKind
from contracts.play.scenario import LOT_IDS
from contracts.rules import RULES
from contracts.rules.evidence.acknowledgements import DEATH_MS, PATIENCE_MS
from contracts.rules.evidence.requests import HELD_MS
from contracts.rules.evidence.storage import OLD_MS
from contracts.rules.process import AT_ONCE
from contracts.rules.receiving import LONG_MS
from contracts.rules.verdict import judge
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import (
    ConsumerChange,
    ConsumerChanged,
    FaultInjected,
    MessageRefused,
    RedeliveryRequested,
)
from mock_server.model import DAY, HOUR, MINUTE, SECOND, Spoils
from mock_server.profile import Profile
from tests.contracts.rules.written import LOT, START, SUBSCRIPTION, Written, says, window

CELL = window()
GCM = Profile(encryption="aes_gcm")


def struck(
    story: Written, kind: FaultKind, spoils: Spoils | None = None, site: str = "message", *, acked: bool = False
) -> Written:
    """The last message was struck, and acknowledged after that or not."""
    message_id = story.message_id
    story.add(FaultInjected(kind, 0, site, "", spoils, message_id=message_id, consumer="c1"))
    return story.acked(message_id) if acked else story


def comes(name: str = "r1", *, acked: bool = False, story: Written | None = None, lot: str = LOT) -> Written:
    """A record of the first hour, and its message."""
    return (story or Written()).record(name, lot=lot).message(name, lot=lot, acked=acked)


def damaged(*, acked: bool = False, story: Written | None = None) -> Written:
    """A message that cannot be read."""
    return struck(comes("damaged", story=story), FaultKind.MESSAGE_FLIP_BIT, Spoils.CONTENT, acked=acked)


def extended(story: Written | None = None) -> Written:
    """A message with fields that no page names, not acknowledged."""
    return struck(comes("new", story=story), FaultKind.MESSAGE_UNKNOWN_FIELDS)


def torn(story: Written) -> Written:
    """A message that was lost with the connection."""
    return struck(comes("torn", story=story), FaultKind.SOCKET_CLOSE, Spoils.DELIVERY, "frame")


def refused(story: Written) -> Written:
    """The last message is refused."""
    return story.add(MessageRefused(story.message_id, "t", SUBSCRIPTION, "c1"))


def acked(story: Written) -> Written:
    """The last message is acknowledged."""
    return story.acked(story.message_id)


def row(name: str = "r1") -> DumpedRecord:
    """A record as a dump has it."""
    return DumpedRecord(name, LOT, 0, 0, START)


# Encryption


def looked(story: Written) -> Written:
    """The client calls, and then shows its store, which is empty."""
    return story.call().dump()


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (refused(comes()), True),
        (comes(), False),
        (refused(comes()).dump(row()), False),
        (refused(comes()).dump(), True),
        (refused(comes()).dump().dump(row()), False),
        (refused(comes()).sync(CELL, claimed=1), False),
        (refused(comes()).sync(CELL).sync(CELL, claimed=1), False),
        (refused(comes()).sync(CELL), True),
        (comes("r2", story=refused(damaged())), False),
        (comes("r2", story=refused(extended())), False),
        (comes("r2", story=refused(comes())), True),
        (refused(comes("r2", story=comes(acked=True))), False),
    ],
)
def test_a_client_that_refuses_what_is_intact_reads_nothing(story: Written, *, is_broken: bool) -> None:
    """It acknowledges nothing when it first comes, has nothing and counts nothing."""
    assert (says("REC-ENCRYPTION", story.run(DAY)) == "broken") == is_broken


def test_what_is_acknowledged_only_when_it_comes_again_was_given_up() -> None:
    """The message was damaged at first: acknowledging its whole copy shows that it was read or thrown away."""
    story = damaged()
    message_id = story.message_id
    story.delivered(message_id, 1).acked(message_id)
    assert says("REC-ENCRYPTION", refused(comes(story=story)).run(DAY)) == "broken"


def test_what_was_lost_with_the_connection_is_refused_when_it_comes_again() -> None:
    """The client has never seen it before."""
    story = comes("r2", story=struck(comes(), FaultKind.SOCKET_CLOSE, Spoils.DELIVERY, "socket"))
    story.delivered(story.message_id, 1, "c2")
    assert says("REC-ENCRYPTION", refused(story).run(DAY)) == "broken"


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (looked(comes(acked=True)), True),
        (Written().dump().record().message(), False),
        (looked(Written().dump().record().message()), True),
        (comes(acked=True).sync(CELL), True),
        (comes(acked=True).sync(window(HOUR)), False),
        (Written().record().sync(CELL).message(), False),
        (Written().dump().record().message().sync(CELL), False),
        (looked(Written().message(None)), False),
        (looked(comes()), False),
        (looked(comes(acked=True, lot=LOT_IDS[1], story=Written(("tuya", "jieshun")))), False),
        (looked(comes("r2", story=comes(acked=True))), True),
    ],
)
def test_where_messages_are_encrypted_otherwise_an_empty_store_shows_it(story: Written, *, is_broken: bool) -> None:
    """After the client has acknowledged one; by its claims only if it has no dump. The usual encryption is known."""
    assert (says("REC-ENCRYPTION", story.run(DAY, profile=GCM)) == "broken") == is_broken
    assert says("REC-ENCRYPTION", story.run(DAY)) != "broken"


@pytest.mark.parametrize(
    ("rule_id", "is_judged"),
    [
        ("CNT-TRUTH", False),
        ("REC-NACK", False),
        ("WIN-BOUNDARY", False),
        ("REC-ENCRYPTION", True),
        ("FORM-TYPES", True),
        ("WIN-GRACE", True),
    ],
)
def test_of_a_client_that_read_nothing_nothing_is_said_about_records(rule_id: str, *, is_judged: bool) -> None:
    """What it asks, and how, is judged all the same."""
    story = comes()
    first = story.message_id
    comes("r2", acked=True, story=damaged(acked=True, story=story)).acked(first)
    run = story.record("bound", HOUR).message("bound").sync(CELL, counted=3).dump().run(DAY, profile=GCM)
    says(rule_id, run)
    assert judge(run, [RULES[rule_id]])[rule_id].exercised == is_judged


# Requests for redelivery


def asks_again(story: Written, after_ms: int = HELD_MS) -> Written:
    """The consumer asks for what it holds."""
    return story.at(after_ms).add(RedeliveryRequested("t", SUBSCRIPTION, "c1", 1))


def acked_later(story: Written) -> Written:
    """The last message is acknowledged after the request."""
    return asks_again(story).acked(story.message_id)


def redelivered(story: Written) -> Written:
    """The last message comes again."""
    return story.delivered(story.message_id, 1)


def by_another(story: Written) -> Written:
    """The last message was delivered to another consumer too, on its way to whom it is."""
    return story.record("other").message("other", acked=False, consumer="c2")


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (asks_again(extended()), True),
        (asks_again(extended(), HELD_MS - 1), False),
        (asks_again(comes(story=extended())), False),
        (asks_again(comes(acked=True, story=comes(story=extended()))), True),
        (asks_again(comes("r2", story=comes(acked=True, story=extended()))), True),
        (asks_again(extended(comes("r2", story=comes(acked=True)))), False),
        (redelivered(asks_again(extended())), True),
        (asks_again(extended(comes(acked=True))), True),
        (acked_later(comes("r2", story=extended())), False),
        (asks_again(torn(extended())), True),
        (asks_again(by_another(extended())), True),
        (asks_again(comes("r3", acked=True, story=comes("r2", story=extended(comes(acked=True))))), True),
    ],
)
def test_a_request_refuses_what_alone_was_held_or_passed_over(story: Written, *, is_broken: bool) -> None:
    """For ten seconds, by the consumer that asks; what is held beside others may be in work."""
    assert HELD_MS == 10 * SECOND
    assert (says("REC-TOLERANT", story.run(HELD_MS + 1)) == "broken") == is_broken


@pytest.mark.parametrize(("asks", "is_broken"), [(False, True), (True, False)])
def test_what_comes_again_for_a_request_was_not_left(*, asks: bool, is_broken: bool) -> None:
    """Any other message that was passed over and comes again was."""
    story = comes()
    message_id = story.message_id
    comes("r2", acked=True, story=story)
    if asks:
        asks_again(story, SECOND)
    run = story.delivered(message_id, 1).acked(message_id).run(DAY)
    assert (says("REC-CUMULATIVE", run) == "broken") == is_broken


# How long is long


@pytest.mark.parametrize(("later_ms", "is_broken"), [(PATIENCE_MS, True), (PATIENCE_MS - 1, False)])
def test_a_message_is_left_for_good_after_two_minutes(later_ms: int, *, is_broken: bool) -> None:
    """If a later one was acknowledged."""
    assert PATIENCE_MS == 2 * MINUTE
    run = comes("r2", acked=True, story=comes()).run(later_ms)
    assert (says("REC-CUMULATIVE", run) == "broken") == is_broken


@pytest.mark.parametrize(("later_ms", "is_broken"), [(DEATH_MS, True), (DEATH_MS + 1, False)])
def test_a_client_dies_of_a_message_within_a_minute(later_ms: int, *, is_broken: bool) -> None:
    """Of one that is odd, and that it has not answered."""
    assert DEATH_MS == MINUTE
    run = extended().at(later_ms).act(ActKind.DIED, "in advance: Error").run(DAY)
    assert (says("REC-TOLERANT", run) == "broken") == is_broken


def dies(story: Written) -> Written:
    """The client dies, and is started again."""
    return story.act(ActKind.DIED, "in advance: Error").act(ActKind.START)


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (dies(extended()), True),
        (dies(comes("r2", story=extended())), True),
        (dies(Written().message(None, acked=False)), True),
        (dies(struck(extended(), FaultKind.SOCKET_CLOSE, Spoils.DELIVERY, "frame")), False),
        (extended(dies(Written())), False),
        (acked(dies(extended())), True),
        (dies(acked(extended())), False),
        (dies(comes()), False),
    ],
)
def test_a_client_dies_of_what_it_holds(story: Written, *, is_broken: bool) -> None:
    """Not of what it has answered, has never seen, or gets later; nor of what is plain."""
    assert (says("REC-TOLERANT", story.run(MINUTE)) == "broken") == is_broken


@pytest.mark.parametrize(("age_ms", "is_broken"), [(OLD_MS, True), (OLD_MS - 1, False)])
def test_a_record_is_old_after_ten_minutes(age_ms: int, *, is_broken: bool) -> None:
    """When it first comes: it is acknowledged and not stored."""
    assert OLD_MS == 10 * MINUTE
    run = Written().record().at(age_ms).message().dump().run(DAY)
    assert (says("REC-OLD", run) == "broken") == is_broken


@pytest.mark.parametrize(("later_ms", "is_broken"), [(LONG_MS, True), (LONG_MS - 1, False)])
def test_a_client_goes_on_behind_a_damaged_message_within_a_quarter_of_an_hour(
    later_ms: int, *, is_broken: bool
) -> None:
    """Of the messages that came behind it one is acknowledged by then."""
    assert LONG_MS == 15 * MINUTE
    assert (says("REC-NACK", comes(story=damaged()).run(later_ms)) == "broken") == is_broken


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (Written().sync(CELL).at(AT_ONCE).sync(CELL), "kept"),
        (Written().sync(CELL).at(AT_ONCE - 1).sync(CELL), "broken"),
        (Written().sync(CELL, CELL), "kept"),
        (Written().sync(CELL, code=500).sync(CELL), "kept"),
        (Written().sync(CELL).sync(window(HOUR)), "kept"),
        (Written().sync(CELL, code=500), "nothing"),
    ],
)
def test_instances_ask_about_a_cell_once_a_minute(story: Written, verdict: str) -> None:
    """A call that failed may be repeated, by whichever of them; one instance alone is judged by other rules."""
    assert AT_ONCE == MINUTE
    can = frozenset(Capability)
    assert says("CONV-SINGLE", story.run(DAY, can=can, instances=2)) == verdict
    assert says("CONV-SINGLE", story.run(DAY, can=can)) == "nothing"


# Connections


def changed(story: Written, change: ConsumerChange, subscription: str = SUBSCRIPTION, consumer: str = "c1") -> Written:
    """A consumer comes, becomes the active one, or leaves."""
    return story.add(ConsumerChanged("t", subscription, consumer, change))


def cut(story: Written) -> Written:
    """The connection is cut."""
    story.add(FaultInjected(FaultKind.SOCKET_CLOSE, 0, "socket", "", Spoils.DELIVERY, consumer="c1"))
    return changed(story, "disconnected")


def returns(*pauses: int) -> Written:
    """Cut after cut, each as long before the client is back, a second after it came back from the one before."""
    story, now = changed(changed(Written(), "connected"), "active"), 0
    for pause in pauses:
        cut(story.at(now + SECOND))
        now += SECOND + pause
        changed(changed(story.at(now), "connected"), "active")
    return story


CALM = 30 * SECOND
ONE, TWO = [SECOND] * 3, [2 * SECOND] * 3


@pytest.mark.parametrize(
    ("pauses", "verdict"),
    [
        ([SECOND] * 9, "broken"),
        ([SECOND] * 8, "nothing"),
        ([*ONE, *ONE, *TWO], "kept"),
        ([*ONE, *TWO, *ONE], "broken"),
        ([*ONE, HOUR, *ONE[:2], *TWO], "kept"),
        ([*TWO, *ONE[:2], HOUR, *ONE], "broken"),
        ([CALM] * 9, "kept"),
        ([CALM - 1] * 9, "broken"),
        ([*TWO, *TWO, SECOND, SECOND, CALM], "kept"),
        ([CALM * 2, CALM * 2, CALM * 2, *TWO, SECOND, SECOND, CALM], "kept"),
        ([SECOND, SECOND, SECOND, CALM], "kept"),
        ([SECOND, SECOND, SECOND, CALM - 1], "nothing"),
        ([SECOND, SECOND, CALM], "nothing"),
        ([SECOND, SECOND, CALM, SECOND], "nothing"),
    ],
)
def test_pauses_grow_over_nine_cuts_or_are_half_a_minute(pauses: list[int], verdict: str) -> None:
    """The sums of the first and of the last three are compared, as pauses may be random."""
    assert says("REC-RECONNECT", returns(*pauses).run()) == verdict


@pytest.mark.parametrize(("later_ms", "is_broken"), [(LONG_MS, True), (LONG_MS - 1, False)])
def test_a_client_is_back_within_a_quarter_of_an_hour(later_ms: int, *, is_broken: bool) -> None:
    """One whose pauses go by real time is waited for, and is not back if that was in vain."""
    real = frozenset(Capability) - {Capability.PAUSES}
    assert (says("REC-RECONNECT", cut(returns()).run(later_ms)) == "broken") == is_broken
    assert says("REC-RECONNECT", cut(returns()).run(later_ms, can=real)) != "broken"
    waited = cut(returns()).act(ActKind.NOT_BACK).run(later_ms, can=real)
    assert (says("REC-RECONNECT", waited) == "broken") == is_broken


@pytest.mark.parametrize(
    ("story", "is_broken"),
    [
        (changed(cut(returns()), "connected", "another"), True),
        (changed(returns(), "connected", "another", "c2"), False),
        (changed(changed(cut(returns()), "connected", "another"), "connected"), False),
    ],
)
def test_a_subscription_is_not_left_for_another(story: Written, *, is_broken: bool) -> None:
    """Several may be used side by side."""
    assert (says("REC-RECONNECT", story.act(ActKind.START).run(DAY)) == "broken") == is_broken
