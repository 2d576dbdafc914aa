"""A story and whoever watches it, on two threads."""

import threading
from collections.abc import Callable

import pytest

from mock_server.guide import NO_NEWS, ActChosenError, Caption, Guide

DEADLINE_S = 60


@pytest.fixture
def guide() -> Guide:
    """A story of three acts, held."""
    held = Guide("project", ["one", "two", "three"])
    held.steer("pause")
    return held


def elsewhere(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Do some work on another thread; what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except ActChosenError as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def test_a_caption_is_shown_with_its_place(guide: Guide) -> None:
    """Act, step, text and lines are what was told."""
    guide.begin(1)
    guide.tell(Caption("lot", "first"))
    guide.tell(Caption("client", "second", ("a line",)))
    shown = guide.to_json()
    assert (shown["act"], shown["step"], shown["who"], shown["caption"]) == (1, 2, "client", "second")
    assert (shown["lines"], shown["ended"], shown["cell"]) == (["a line"], False, None)
    guide.end(Caption("lot", "last"))
    assert guide.to_json()["ended"]
    guide.begin(0)
    assert not guide.to_json()["ended"]


def test_a_step_ends_one_wait_only(guide: Guide) -> None:
    """A held story goes on by one caption for each step."""
    guide.begin(0)
    passed = threading.Semaphore(0)

    def tell() -> None:
        for text in ("one", "two"):
            guide.tell(Caption("lot", text))
            guide.wait()
            passed.release()

    thread, _ = elsewhere(tell)
    guide.steer("step")
    assert passed.acquire(timeout=DEADLINE_S)
    assert not passed.acquire(timeout=0.05)
    assert guide.to_json()["paused"]
    guide.steer("step")
    assert passed.acquire(timeout=DEADLINE_S)
    thread.join(DEADLINE_S)


def test_play_goes_on(guide: Guide) -> None:
    """A held story that is played goes on at once, and is held no longer."""
    guide.tell(Caption("lot", "one"))
    thread, _ = elsewhere(guide.wait)
    guide.steer("play")
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert not guide.to_json()["paused"]


@pytest.mark.parametrize(("order", "act", "expected"), [("repeat", None, 1), (None, 2, 2), (None, 0, 0)])
def test_an_act_is_chosen(guide: Guide, order: str | None, act: int | None, expected: int) -> None:
    """Whoever waits is told which act is wanted, once."""
    guide.begin(1)
    guide.tell(Caption("lot", "one"))
    thread, raised = elsewhere(guide.wait)
    guide.steer("repeat" if order else None, act=act)
    thread.join(DEADLINE_S)
    assert [each.act for each in raised if isinstance(each, ActChosenError)] == [expected]
    assert guide.to_json()["paused"]
    guide.tell(Caption("lot", "again"))


def test_a_choice_is_seen_by_whoever_tells(guide: Guide) -> None:
    """No caption of an act that nobody wants any more is shown."""
    guide.begin(0)
    guide.tell(Caption("lot", "shown"))
    guide.steer(act=2)
    with pytest.raises(ActChosenError):
        guide.tell(Caption("lot", "not shown"))
    assert (guide.to_json()["caption"], guide.to_json()["step"]) == ("shown", 0)


def test_an_order_or_something_else(guide: Guide) -> None:
    """A wait for an order ends with what else it waits for, once it is nudged."""
    happened = threading.Event()
    thread, raised = elsewhere(lambda: guide.wait_for_order(happened.is_set))
    happened.set()
    guide.nudge()
    thread.join(DEADLINE_S)
    assert (thread.is_alive(), raised) == (False, [])


def test_listeners_are_told_where_they_live(guide: Guide) -> None:
    """Every change is told by whatever carries out work on the listeners' thread, until they leave."""
    told: list[int] = []
    carried: list[object] = []

    def carry(work: Callable[[], None]) -> None:
        carried.append(work)
        work()

    guide.told_to(carry)
    leave = guide.listen(lambda: told.append(guide.number))
    before = guide.number
    guide.tell(Caption("lot", "one"))
    guide.steer(speed="fast")
    leave()
    guide.tell(Caption("lot", "two"))
    assert told == [before + 1, before + 2]
    assert len(carried) == 3


def test_the_world_is_shown_as_the_caption_tells_it(guide: Guide) -> None:
    """Up to its entry; nothing new while the narrator moves the world; all of it once a viewer changed it."""
    guide.begin(0)
    assert guide.shown_until(5) == NO_NEWS
    guide.tell(Caption("client", "asks", until=7), at=9)
    assert guide.shown_until(9) == 7
    assert guide.shown_until(10) is None
    guide.go_on()
    assert guide.shown_until(12) == NO_NEWS
    guide.tell(Caption("lot", "answers"), at=12)
    assert guide.shown_until(12) is None


def test_a_title_is_shown_with_its_own_caption(guide: Guide) -> None:
    """Between two acts the old title stays with the old sentence, also where a viewer chooses."""
    guide.begin(0)
    guide.tell(Caption("lot", "old"))
    guide.begin(1)
    assert (guide.to_json()["act"], guide.to_json()["caption"]) == (0, "old")
    guide.tell(Caption("lot", "new"))
    guide.steer(act=2)
    assert (guide.to_json()["act"], guide.to_json()["caption"]) == (1, "new")


def test_a_story_waits_for_its_first_viewer(guide: Guide) -> None:
    """Who looks later has missed nothing."""
    thread, _ = elsewhere(guide.wait_for_viewer)
    assert thread.is_alive()
    guide.note_viewer()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
