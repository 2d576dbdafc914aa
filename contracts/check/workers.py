"""Processes that can be told to end what they play, and keep what they have seen so far.

Told once they end with the run that is being played, told twice they break it off. Ctrl+C at a terminal reaches every
process. Workers ignore it: their parent tells them.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Worker:
    """This process, as a worker."""

    plays = False
    is_to_end = False


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Ctrl+C waits until this is over, and so does the word to end: a process that is started meanwhile has neither.

    It hears of them when it begins, and not before it knows what to do about them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """To be called first in a worker. It is no ignored signal that the clients that it starts would inherit."""
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _on_end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def no_worker_but_this() -> Iterator[None]:
    """This process does the work itself: a signal tells it to end, as it would a worker."""
    _Worker.is_to_end, _Worker.plays = False, True
    before = {number: signal.signal(number, _on_end) for number in SIGNALS}
    try:
        yield
    finally:
        _Worker.is_to_end = _Worker.plays = False
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_end(_number: int, _frame: FrameType | None) -> None:
    """The first time what is being played is played to its end: an exception may come up where it gets lost."""
    if _Worker.is_to_end and _Worker.plays:
        raise KeyboardInterrupt
    _Worker.is_to_end = True


def told_to_end() -> bool:
    """Whether this process has been told to end."""
    return _Worker.is_to_end


def until_told_to_end(work: Callable[[], object]) -> None:
    """Do some work, which looks now and then whether it is told to end. It is broken off when it is told so again."""
    with suppress(KeyboardInterrupt):
        _Worker.plays = True
        try:
            if not _Worker.is_to_end:
                work()
        finally:
            _Worker.plays = False


def end_workers() -> None:
    """Tell all workers of this process to end."""
    for worker in active_children():
        worker.terminate()


def kill_workers() -> None:
    """End all workers of this process now."""
    for worker in active_children():
        worker.kill()
