import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import SystemClock, VirtualClock, wall_clock_ms
from tests.support import NOON


@given(st.lists(st.integers(min_value=-50, max_value=100), max_size=20), st.integers(min_value=0, max_value=100))
def test_timers_run_in_the_order_of_their_times_and_then_of_their_making(delays: list[int], step: int) -> None:
    """Advancing runs what is due and nothing else; each timer sees its own time, a late one the present."""
    clock = VirtualClock(NOON)
    ran: list[tuple[int, int]] = []
    for place, delay in enumerate(delays):
        clock.call_at(NOON + delay, lambda place=place: ran.append((clock.now_ms(), place)))  # type: ignore[misc] # mypy cannot type a default in a lambda
    clock.advance(step)
    due = sorted((max(delay, 0), delay, place) for place, delay in enumerate(delays) if delay <= step)
    expected = sorted(((delay, place) for _, delay, place in due))
    assert ran == [(NOON + max(delay, 0), place) for delay, place in expected]
    assert clock.pending == len(delays) - len(ran)
    assert clock.now_ms() == NOON + step


def test_a_timer_set_by_a_timer_runs_in_the_same_advance() -> None:
    """What a timer sets for a time on the way is run on the way."""
    clock = VirtualClock(0)
    ran: list[int] = []

    def set_another() -> None:
        clock.call_at(20, lambda: ran.append(clock.now_ms()))

    clock.call_at(10, set_another)
    clock.advance(30)
    assert ran == [20]


def test_time_does_not_go_back() -> None:
    """A time in the past is refused, also when a timer has moved the clock beyond the goal of its caller."""
    clock = VirtualClock(100)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(99)
    clock.call_at(110, lambda: clock.advance_to(500))
    clock.advance_to(120)
    assert clock.now_ms() == 500


def test_a_cancelled_timer_neither_runs_nor_counts() -> None:
    """Cancelling forgets a timer, at any time, any number of times."""
    clock = VirtualClock(0)
    ran: list[str] = []
    first = clock.call_at(10, lambda: ran.append("first"))
    second = clock.call_at(20, lambda: ran.append("second"))
    first.cancel()
    first.cancel()
    assert (clock.pending, clock.next_at()) == (1, 20)
    clock.advance(20)
    second.cancel()
    assert (ran, clock.pending, clock.next_at()) == (["second"], 0, None)


def test_cancel_all_forgets_everything() -> None:
    """Nothing is pending afterwards and nothing runs."""
    clock = VirtualClock(0)
    ran: list[int] = []
    timers = [clock.call_at(at, lambda: ran.append(1)) for at in (1, 2, 3)]
    clock.cancel_all()
    timers[0].cancel()
    clock.advance(10)
    assert (ran, clock.pending) == ([], 0)


def test_who_waits_for_a_dropped_timer_is_told() -> None:
    """Of those that were still to run, when all are forgotten; a timer that was cancelled alone tells nobody."""
    clock = VirtualClock(0)
    told: list[int] = []
    timers = [clock.call_at(at, lambda: None) for at in (1, 2, 3)]
    for timer in timers:
        timer.on_dropped = lambda at=timer.at_ms: told.append(at)
    timers[1].cancel()
    clock.advance(1)
    clock.cancel_all()
    assert told == [3]


def test_the_system_clock_runs_what_is_due_in_bites() -> None:
    """`run_due` stops after its limit and tells whether more is due."""
    now = [1000]
    clock = SystemClock(lambda: now[0])
    ran: list[int] = []
    for at in (1000, 1000, 900, 1001):
        clock.call_at(at, lambda at=at: ran.append(at))  # type: ignore[misc] # mypy cannot type a default in a lambda
    assert clock.run_due(limit=2)
    assert ran == [900, 1000]
    assert not clock.run_due(limit=2)
    now[0] = 1001
    assert not clock.run_due()
    assert ran == [900, 1000, 1000, 1001]


def test_the_owner_hears_of_an_earlier_timer_only() -> None:
    """`on_earlier` is called when the next time to wake up has changed, so that nobody wakes in vain."""
    clock = VirtualClock(0)
    heard: list[int] = []
    clock.on_earlier = heard.append
    for at in (50, 60, 50, 40):
        clock.call_at(at, lambda: None)
    assert heard == [50, 40]


def test_the_wall_clock_counts_milliseconds() -> None:
    """Epoch milliseconds have 13 digits until the year 2286."""
    assert len(str(wall_clock_ms())) == 13
    assert SystemClock().now_ms() >= wall_clock_ms() - 60_000
