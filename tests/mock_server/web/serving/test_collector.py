import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from mock_server.web.serving.collector import FULL_PASS_S, schedule_full_collections


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time passes when it is told."""

    now = 0.0

    def time(self) -> float:
        """The time told."""
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.now += seconds
        self.call_soon(self.stop)
        self.run_forever()


class Cycle:
    """Something that only a garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop, and the collector afterwards as it was before."""
    thresholds = gc.get_threshold()
    loop = Loop()
    yield loop
    loop.close()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def grown_old() -> "weakref.ref[Cycle]":
    """A cycle without an owner that young passes no longer look at."""
    cycle = Cycle()
    gc.collect(1)
    return weakref.ref(cycle)


def test_what_is_there_at_the_start_is_never_looked_at_again(loop: Loop) -> None:
    """Code and seed stay anyway."""
    schedule_full_collections(loop)
    assert gc.get_freeze_count() > 0


def test_only_the_young_are_looked_at_by_themselves(loop: Loop) -> None:
    """No number of requests brings a pass through everything."""
    schedule_full_collections(loop)
    young, middle, old = gc.get_threshold()
    passes = gc.get_stats()[2]["collections"]
    kept = [Cycle() for _ in range(20 * young)]
    assert gc.get_stats()[2]["collections"] == passes
    assert min(middle, old) > len(kept)


def test_garbage_that_grew_old_goes_once_a_minute(loop: Loop) -> None:
    """And again a minute later."""
    schedule_full_collections(loop)
    for _ in range(2):
        garbage = grown_old()
        loop.pass_time(FULL_PASS_S - 1)
        assert garbage() is not None
        loop.pass_time(1)
        assert garbage() is None
