"""The signals that end a command which runs until it is interrupted."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any


def stop_signals() -> list[signal.Signals]:
    """Those of SIGINT, SIGTERM, SIGHUP (a terminal closes) and SIGBREAK that this system has.

    SIGHUP is left out where it is ignored: `nohup` does so for a command that is to survive its terminal.
    """
    known = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    return [each for each in known if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN]


def call_on_stop_signal(loop: asyncio.AbstractEventLoop, callback: Callable[[], Any]) -> None:
    """Call `callback` on the loop at every stop signal. Loops on Windows have no handlers: the process has."""
    for number in stop_signals():
        try:
            loop.add_signal_handler(number, callback)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """End the block normally at the first stop signal. Only for the main thread."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in stop_signals()}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
