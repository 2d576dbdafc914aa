"""The story of a project, told from its history alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mock_server.history.events import (
    Event,
    MessageAcknowledged,
    MessageDelivered,
    MessageDiscarded,
    MessagePublished,
    RecordKept,
    RecordLost,
    RequestAnswered,
    RequestReceived,
)
from mock_server.history.index import HistoryIndex
from mock_server.history.log import Entry
from mock_server.history.story import THINGS, WIDTH, differences, journeys, story
from tests.support import LOT, NOON

TEXT = st.text(max_size=300)


def told(*events: Event) -> list[Entry]:
    """Events as a history has them."""
    return [Entry(seq, NOON, event) for seq, event in enumerate(events, start=1)]


def kept(record_id: str, plate_no: str = "") -> RecordKept:
    """A record that a lot keeps."""
    return RecordKept(LOT, record_id, 0, 0, NOON, plate_no, "", replaced=False)


def test_an_empty_history() -> None:
    """A test that did nothing has a story of one line."""
    assert story([]) == ["0 records at the lots, 0 lost on the way at least once, 0 not acknowledged"]


@given(st.lists(TEXT, max_size=30), st.lists(TEXT, max_size=30))
def test_ten_things_whatever_happened(record_ids: list[str], paths: list[str]) -> None:
    """Whatever ids and paths hold, a story tells at most ten things, in printable lines no wider than a screen."""
    events: list[Event] = []
    for record_id in record_ids:
        events += [kept(record_id), RecordLost(LOT, record_id, 0, "uplink")]
    for path in paths:
        events.append(RequestReceived("GET", path, "", {}, ""))
        events.append(RequestAnswered(len(events), 1108, path, None, "not"))
    lines = story(told(*events))
    assert len([line for line in lines if not line.startswith(" " * 7)]) <= THINGS
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)


def test_the_last_calls_are_shown() -> None:
    """Of many calls the story shows the last ones, with what the client was told."""
    events: list[Event] = []
    for number in range(20):
        events.append(RequestReceived("GET", f"/{number}", "", {}, ""))
        events.append(RequestAnswered(len(events), None, None, None, "garbled"))
    assert story(told(*events))[-1] == "call   GET /19 -> success, answer garbled"
    assert len(story(told(*events))) == THINGS


def test_a_refusal_is_told_to_its_end() -> None:
    """What is too long for a line goes on below it, indented: a refusal stands last, and is what matters."""
    refusal = "param is illegal, please check it: " + "; ".join(f"record_sync_infos[{n}] is bad" for n in range(9))
    asked = RequestReceived("POST", "/v1.0/" + "x" * 900, "", {}, "")
    _, first, *more = story(told(asked, RequestAnswered(1, 1109, refusal, None, "whole")))
    assert first.startswith("call   POST /v1.0/xxx")
    assert all(line.startswith(" " * 7) for line in more)
    assert " ".join([first, *map(str.strip, more)]).endswith(f"xxx... -> 1109 {refusal}")


def test_what_a_library_threw_away_is_told() -> None:
    """A record that is missing because of it is no fault of the application, and only counting brings it back."""
    history = told(
        kept("r1"),
        MessagePublished("m1", LOT, "uplink", "r1", None, 0),
        MessageDelivered("m1", "event", "sub", "c", 0),
        MessageDiscarded("m1", "event", "sub", "c", "ChecksumMismatch"),
    )
    [line] = differences(Counter(), Counter(["r1"]), history)
    assert line.startswith("missing  r1: thrown away by the client's library")


def test_what_is_pending_beside_records_is_named() -> None:
    """A message that tells of no record is counted by its code until it is acknowledged."""
    events = [MessagePublished("m1", LOT, "command", None, "sn1"), MessagePublished("m2", LOT, "uplink", None, None)]
    (line,) = story(told(*events))
    assert line.endswith(", 0 not acknowledged; also pending: 1 command_result, 1 parking_space_alarm")
    handed = MessageDelivered("m1", "t", "s", "c", 0), MessageAcknowledged("m1", "t", "s", "c")
    assert "command_result" not in story(told(*events, *handed))[0]


def test_journeys_of_a_history_whose_beginning_is_gone() -> None:
    """What is told of a record that the history no longer has is left out."""
    events = told(RecordLost(LOT, "old", 0, "uplink"), MessagePublished("m", LOT, "uplink", "old", None))
    assert journeys(HistoryIndex(events)) == {}
    assert differences(Counter(), Counter(["old"]), events) == ["missing  old: the history no longer tells of it"]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abcd")))
def test_no_differences_means_the_same(client: list[str], lot: list[str]) -> None:
    """There are no differences exactly when both have the same records, each as often."""
    found = differences(Counter(client), Counter(lot), told(*map(kept, lot)))
    assert (found == []) == (Counter(client) == Counter(lot))
