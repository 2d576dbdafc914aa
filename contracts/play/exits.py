"""The end of a client that lives in the judge's process, as an error that can be caught."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def caught_exits() -> Iterator[None]:
    """Let `os._exit` in this process raise SystemExit: it is the end of the client, not that of the judge.

    A process that the client forks meanwhile ends as it wants to. Out of reach are a crash of the interpreter, which
    ends the judge too, and a thread of the client, of which only the thread ends: `--exec` plays such a client.
    """
    judge, leave = os.getpid(), os._exit

    def end(code: int) -> NoReturn:
        if os.getpid() != judge:
            leave(code)
        raise SystemExit(f"os._exit({code})")

    os._exit = end  # type: ignore[assignment]  # for as long as a call of the client lasts
    try:
        yield
    finally:
        os._exit = leave
