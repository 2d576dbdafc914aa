"""Worker processes that end on request and keep the results so far.

The first SIGTERM lets a worker end after the run that it plays, the second breaks that run off. Ctrl+C at a terminal
sends SIGINT to every process of the group; workers ignore it, and their parent asks them to end by SIGTERM.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

CAN_BLOCK = hasattr(signal, "pthread_sigmask")
"""Whether signals can be blocked. On Windows they cannot: there one that comes while workers start ends the check."""


class _Worker:
    """The state of this process as a worker: signal handlers can reach only what is global."""

    is_playing = False
    is_to_end = False


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block SIGINT and SIGTERM in this process and in the workers that it starts meanwhile, which inherit the mask.

    A worker unblocks them in `begin_worker`, once its handlers are set: a signal that arrives while it is starting up
    waits until then, and does not kill it.
    """
    if not CAN_BLOCK:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """Set the signal handlers of a worker; the first thing to be called in it."""
    # A no-op handler, not SIG_IGN: an ignored signal would be inherited by the client processes that it starts.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _on_end)
    if CAN_BLOCK:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def this_process_as_worker() -> Iterator[None]:
    """Let this process do the work itself: both signals ask it to end, as SIGTERM asks a worker."""
    _Worker.is_to_end, _Worker.is_playing = False, True
    before = {number: signal.signal(number, _on_end) for number in SIGNALS}
    try:
        yield
    finally:
        _Worker.is_to_end = _Worker.is_playing = False
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_end(_number: int, _frame: FrameType | None) -> None:
    # The first signal raises nothing: an exception in the middle of a run may be swallowed by the client under test.
    if _Worker.is_to_end and _Worker.is_playing:
        raise KeyboardInterrupt
    _Worker.is_to_end = True


def end_requested() -> bool:
    """Whether this process has been asked to end."""
    return _Worker.is_to_end


def run_until_end_requested(work: Callable[[], object]) -> None:
    """Do work that looks at `end_requested` itself, unless that is so already. A second request breaks it off."""
    with suppress(KeyboardInterrupt):
        _Worker.is_playing = True
        try:
            if not _Worker.is_to_end:
                work()
        finally:
            _Worker.is_playing = False


def end_workers() -> None:
    """Ask all workers of this process to end."""
    for worker in active_children():
        worker.terminate()


def kill_workers() -> None:
    """Kill all workers of this process."""
    for worker in active_children():
        worker.kill()
