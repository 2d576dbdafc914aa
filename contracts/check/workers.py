"""Worker processes that end on request and keep the results so far, and that do not outlive their parent.

The first SIGTERM lets a worker end after the run that it plays; that run is broken off after `GRACE_S`, or by the
second SIGTERM. Ctrl+C at a terminal sends SIGINT to every process of the group; workers ignore it, and their parent
asks them to end by SIGTERM. A worker whose parent is gone, however it died, ends as if it had been asked to.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from ctypes import c_byte
from multiprocessing import active_children, get_context, parent_process
from queue import SimpleQueue
from threading import Event, Thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from contracts.client.child_process import end_children
from contracts.play.session import remove_folders

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SIGNALS = (signal.SIGINT, signal.SIGTERM)

CAN_BLOCK = hasattr(signal, "pthread_sigmask")
"""Whether signals can be blocked. On Windows they cannot: there one that comes while workers start ends the check."""

GC_AFTER = 10_000
"""So many new objects start a garbage collection in a worker: collecting less often saves a twentieth of a run."""

GRACE_S = 5.0
"""How long the run that is being played may still take after a request to end, in seconds of real time."""


_EXIT = os._exit
"""The real one: while a client of this process is called, `os._exit` is that client's end (`play/exits.py`)."""


class _Worker:
    """The state of this process as a worker: signal handlers can reach only what is global.

    `asked` gets True at each request to end, and False when this process is no worker any more: unlike the methods of
    an Event, `put` may be called by a handler that interrupts itself. `is_idle` is set while nothing is played.
    `place` is its number among the workers of a pool.
    """

    place = 0
    is_playing = False
    is_to_end = False
    is_broken_off = False
    is_idle = Event()
    asked: "SimpleQueue[bool]" = SimpleQueue()
    writer: "Connection | None" = None
    enough: Any = c_byte(0)


_Worker.is_idle.set()


def _ignore(_: object) -> None:
    """Do nothing with a message."""


@contextmanager
def worker_pool(jobs: int, on_message: Callable[[Any], None] = _ignore) -> Iterator[ProcessPoolExecutor]:
    """A pool of workers. An interruption breaks off what they do. `on_message` gets what they `tell`, in a thread."""
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    listener = Thread(target=_listen, args=(reader, on_message), daemon=True)
    _Worker.enough = context.RawValue("b", 0)
    places = context.SimpleQueue()
    for place in range(jobs):
        places.put(place)
    listener.start()
    try:
        with ProcessPoolExecutor(jobs, context, begin_worker, (places.get, writer, _Worker.enough)) as pool:
            try:
                yield pool
            except KeyboardInterrupt:
                end_workers()
                raise
    finally:
        _Worker.enough = c_byte(0)  # what was enough for this pool is not for the next check in this process
        writer.send(None)
        listener.join()


def _listen(reader: "Connection", on_message: Callable[[Any], None]) -> None:
    """Pass messages on until there is an empty one; read them also if nobody can take them: workers must not wait."""
    while (message := reader.recv()) is not None:
        with suppress(OSError, ValueError):
            on_message(message)


def tell(message: object) -> None:
    """Tell the parent something short, at once: a write of less than PIPE_BUF (4 KiB) is never mixed with others."""
    if _Worker.writer is not None:
        _Worker.writer.send(message)


def say_enough() -> None:
    """Nothing more need be played by any worker of this pool. Nothing happens in a process that is none."""
    if _Worker.writer is not None:
        _Worker.enough.value = 1


def is_enough() -> bool:
    """Whether some worker of this pool has said so."""
    return bool(_Worker.enough.value)


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


def worker_place() -> int:
    """The number of this worker in its pool: no other one that runs has it."""
    return _Worker.place


def begin_worker(
    next_place: Callable[[], int] = lambda: 0, writer: "Connection | None" = None, enough: Any = None
) -> None:
    """Set the signal handlers of a worker, and watch its parent; the first thing to be called in it.

    `next_place` is called for its number, `writer` is what it tells its parent by, `enough` a number that all workers
    of a pool share.
    """
    _Worker.writer, _Worker.enough = writer, c_byte(0) if enough is None else enough
    # A no-op handler, not SIG_IGN: an ignored signal would be inherited by the client processes that it starts.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, _on_end)
    if CAN_BLOCK:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    gc.set_threshold(GC_AFTER)
    _Worker.place = next_place()
    Thread(target=_break_off_late, args=(_Worker.asked, _leave), daemon=True).start()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone: this process ends then, and nothing that it has started or made is left."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    _Worker.is_to_end = True
    _Worker.asked.put(True)
    _Worker.is_idle.wait(2 * GRACE_S)
    _leave()


def _break_off_late(asked: "SimpleQueue[bool]", give_up: Callable[[], None]) -> None:
    """Wait for a request to end, and break off the run that is played after `GRACE_S`; `give_up` if that fails."""
    if asked.get() and not _Worker.is_idle.wait(GRACE_S):
        _signal_main_thread()
        if not _Worker.is_idle.wait(GRACE_S):
            give_up()


def _signal_main_thread() -> None:
    """Send SIGTERM to the main thread, which may wait for a lock: a signal to any other would not wake it."""
    if CAN_BLOCK:
        signal.pthread_kill(main_thread().ident or 0, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)


def _leave() -> None:
    """End this process from a thread: the main thread may wait for ever, for a parent that is gone or for a client."""
    end_children()
    remove_folders()
    _EXIT(1)


@contextmanager
def this_process_as_worker() -> Iterator[None]:
    """Let this process do the work itself: both signals ask it to end, as SIGTERM asks a worker."""
    _Worker.is_idle.clear()
    _Worker.asked = asked = SimpleQueue[bool]()
    Thread(target=_break_off_late, args=(asked, lambda: None), daemon=True).start()
    _Worker.is_to_end, _Worker.is_broken_off, _Worker.is_playing = False, False, True
    before = {number: signal.signal(number, _on_end) for number in SIGNALS}
    try:
        yield
    finally:
        _Worker.is_to_end = _Worker.is_playing = _Worker.is_broken_off = False
        _Worker.is_idle.set()
        asked.put(False)
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_end(_number: int, _frame: FrameType | None) -> None:
    # The first signal raises nothing: an exception in the middle of a run may be swallowed by the client under test.
    if _Worker.is_to_end and _Worker.is_playing:
        _Worker.is_broken_off = True
        raise KeyboardInterrupt
    _Worker.is_to_end = True
    _Worker.asked.put(True)


def end_requested() -> bool:
    """Whether this process has been asked to end. KeyboardInterrupt if the present run was broken off.

    The client may have swallowed the KeyboardInterrupt that broke the run off; what it did then says nothing of it.
    """
    if _Worker.is_broken_off:
        raise KeyboardInterrupt
    return _Worker.is_to_end


def run_until_end_requested(work: Callable[[], object]) -> None:
    """Do work that looks at `end_requested` itself, unless that is so already. A second request breaks it off."""
    with suppress(KeyboardInterrupt):
        _Worker.is_idle.clear()
        _Worker.is_playing = True
        try:
            if not _Worker.is_to_end:
                work()
        finally:
            _Worker.is_playing = False
            _Worker.is_idle.set()


def end_workers() -> None:
    """Ask all workers of this process to end."""
    for worker in active_children():
        worker.terminate()


def kill_workers() -> None:
    """Kill all workers of this process."""
    for worker in active_children():
        worker.kill()
