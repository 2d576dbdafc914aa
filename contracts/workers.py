"""Worker processes that can be told to end: what they play is broken off, and what they have seen so far is kept.

Ctrl+C at a terminal reaches every process. The workers ignore it: only their parent decides what is to become of it.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from types import FrameType


class _Worker:
    """This process, as a worker."""

    plays = False
    is_to_end = False


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Ctrl+C waits until this is over. A process that is started meanwhile never sees it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """To be called first in a worker. It is no ignored signal that the clients that it starts would inherit."""
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _on_end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _on_end(_number: int, _frame: FrameType | None) -> None:
    _Worker.is_to_end = True
    if _Worker.plays:
        _Worker.plays = False
        raise KeyboardInterrupt


def until_told_to_end(work: Callable[[], object]) -> None:
    """Do some work. It is broken off when this worker is told to end; what it is given after that is not begun."""
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
