from hypothesis import given
from hypothesis import strategies as st

from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.model import mask_plate
from tests.strategies import plates


def event(number: int = 0) -> CommandMoved:
    """An event to log."""
    return CommandMoved(f"sn-{number}", "lot", 1)


@given(
    st.integers(min_value=0, max_value=20),
    st.integers(min_value=1, max_value=8),
    st.integers(min_value=0, max_value=25),
)
def test_after_gives_every_newer_entry_that_is_still_kept(added: int, limit: int, seq: int) -> None:
    """Numbers have no gaps; what was let go is counted."""
    history = History(lambda: 5, limit)
    assert [history.add(event(number)) for number in range(added)] == list(range(1, added + 1))
    assert [entry.seq for entry in history.after(seq)] == list(range(max(seq, added - limit) + 1, added + 1))
    assert (history.last, history.dropped) == (added, max(0, added - limit))


def test_an_entry_is_one_flat_object() -> None:
    """Number, time, kind and the event's own fields."""
    history = History(lambda: 42)
    history.add(event())
    assert next(history.after()).to_json() == {
        "seq": 1,
        "time": 42,
        "kind": "command",
        "sn": "sn-0",
        "device_id": "lot",
        "status": 1,
    }


def test_listeners_hear_of_every_entry_until_they_stop() -> None:
    """A listener may stop itself while it is told."""
    history = History(lambda: 0)
    heard: list[int] = []

    def once() -> None:
        heard.append(history.last)
        stop()

    stop = history.listen(once)
    history.listen(lambda: heard.append(-history.last))
    history.add(event())
    history.add(event())
    assert heard == [1, -1, -2]


def test_an_empty_one_starts_again_at_one() -> None:
    """A history that takes no entries in place of its own has no past, and has not dropped it either."""
    history = History(lambda: 0, limit=2)
    for _ in range(5):
        history.add(event())
    history.load((), 0)
    assert (history.last, history.dropped, list(history.after())) == (0, 0, [])
    assert history.add(event()) == 1


@given(plates.filter(bool))
def test_a_mask_never_gives_a_plate_away(plate_no: str) -> None:
    """However short a plate is, its mask neither holds it nor has all of its signs."""
    mask = mask_plate(plate_no)
    assert plate_no not in mask
    assert mask.replace("***", "") != plate_no


def test_a_mask_still_tells_plates_apart() -> None:
    """A usual plate shows its region and its last sign; no plate stays no plate."""
    assert mask_plate("京A12345") == "京A***5"
    assert mask_plate("") == ""
