import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mock_server.clock import SystemClock
from mock_server.project import Project
from mock_server.web.serving.driver import ClockDriver
from tests.support import make_project

DEADLINE_S = 60.0


def drive(story: Callable[[Project, ClockDriver], Awaitable[None]]) -> None:
    """Tell a story on a loop that drives a project's clock, before a deadline."""

    async def run() -> None:
        project = make_project(clock=SystemClock())
        driver = ClockDriver(project, asyncio.get_running_loop())
        try:
            await asyncio.wait_for(story(project, driver), DEADLINE_S)
        finally:
            driver.stop()

    asyncio.run(run())


def test_timers_run_when_they_are_due_and_not_before() -> None:
    """In order, each by the machine's clock."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        clock, done = project.clock, asyncio.Event()
        ran: list[int] = []
        start = clock.now_ms()
        for delay in (40, 0, 20):
            clock.call_at(start + delay, lambda delay=delay: ran.append(delay))  # type: ignore[misc] # mypy cannot type a default in a lambda
        clock.call_at(start + 41, done.set)
        await done.wait()
        assert ran == [0, 20, 40]
        assert clock.now_ms() >= start + 41

    drive(story)


def test_an_earlier_timer_is_not_missed() -> None:
    """One that is set while the driver sleeps for a later one."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        late = project.clock.call_at(project.clock.now_ms() + 3_600_000, lambda: None)
        await asyncio.sleep(0)
        done = asyncio.Event()
        project.clock.call_at(project.clock.now_ms() + 5, done.set)
        await done.wait()
        late.cancel()

    drive(story)


def test_what_is_pending_at_the_start_is_driven() -> None:
    """A seed may have set timers before there was a loop."""

    async def run() -> None:
        project = make_project(clock=SystemClock())
        done = asyncio.Event()
        project.clock.call_at(0, done.set)
        driver = ClockDriver(project, asyncio.get_running_loop())
        await asyncio.wait_for(done.wait(), DEADLINE_S)
        driver.stop()

    asyncio.run(run())


def test_many_timers_let_others_take_their_turn() -> None:
    """Thousands at the same time do not hold up the loop."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        clock, count, ran, done = project.clock, 2000, [0], asyncio.Event()

        def slow() -> None:
            ran[0] += 1
            until = asyncio.get_running_loop().time() + 0.0001
            while asyncio.get_running_loop().time() < until:
                pass
            if ran[0] == count:
                done.set()

        for _ in range(count):
            clock.call_at(0, slow)
        turns = 0
        while not done.is_set():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10

    drive(story)


def test_a_timer_that_fails_does_not_stop_the_clock() -> None:
    """The loop hears of the error, the next timer runs."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        failed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))
        done = asyncio.Event()

        def fail() -> None:
            raise KeyError

        project.clock.call_at(0, fail)
        project.clock.call_at(1, done.set)
        await done.wait()
        assert [type(error) for error in failed] == [KeyError]

    drive(story)


def test_listeners_of_the_history_hear_of_timers() -> None:
    """Who waits for idle must look again, though a timer may leave no line."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        heard = asyncio.Event()
        project.history.listen(heard.set)
        project.clock.call_at(0, lambda: None)
        await heard.wait()

    drive(story)


def test_a_stopped_driver_lets_go() -> None:
    """Nothing runs any more, and a new timer wakes nobody."""

    async def story(project: Project, driver: ClockDriver) -> None:
        ran: list[int] = []
        project.clock.call_at(0, lambda: ran.append(1))
        driver.stop()
        project.clock.call_at(0, lambda: ran.append(2))
        for _ in range(20):
            await asyncio.sleep(0)
        assert (ran, project.clock.pending) == ([], 2)

    drive(story)


@pytest.mark.parametrize("far_ms", [10**9, 2**62])
def test_a_timer_in_the_far_future_is_no_error(far_ms: int) -> None:
    """The driver sleeps an hour at most and looks again."""

    async def story(project: Project, _driver: ClockDriver) -> None:
        project.clock.call_at(far_ms * 1000, lambda: None)
        await asyncio.sleep(0)
        assert project.clock.pending == 1

    drive(story)
