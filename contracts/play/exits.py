"""The end of a client that lives in the judge's process, as an error that can be caught."""

import os
from typing import NoReturn


class CaughtExits:
    """Lets `os._exit` in this process raise SystemExit meanwhile: it is the end of the client, not that of the judge.

    A process that the client forks meanwhile ends as it wants to. Out of reach are a crash of the interpreter, which
    ends the judge too, and a thread of the client, of which only the thread ends: `--exec` plays such a client.
    """

    def __enter__(self) -> None:
        self._judge, self._leave = os.getpid(), os._exit
        os._exit = self._end  # type: ignore[assignment]  # for as long as a call of the client lasts

    def __exit__(self, *_: object) -> None:
        os._exit = self._leave

    def _end(self, code: int) -> NoReturn:
        if os.getpid() != self._judge:
            self._leave(code)
        raise SystemExit(f"os._exit({code})")
