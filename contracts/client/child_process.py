"""A process of somebody else's: what it writes is bounded, and everything that it starts is stopped."""

import os
import select
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from contracts.client.interface import ProcessError, ProcessProblem
from contracts.client.protocol import shown

LAST_WISH_S = 2.0
"""How long it may take to end."""

LINE_BYTES = 16 * 1024 * 1024
"""The longest answer that is read; a dump of many records is one line."""

LOG_LINE_BYTES, LOG_BYTES = 16 * 1024, 8 * 1024 * 1024
"""Longer lines of a log are read in pieces, and of what has not been looked at so much is kept."""

WORDS_KEPT = 5
STRAY_ROUNDS = 10
"""A process may start another one before it is killed, but not for ever."""

TAG = "PARKING_MOCK_CLIENT"
"""The environment variable by which everything that a client has started is found again."""

_PROC = Path("/proc")
_number = count(1)


class Log:
    """What a process writes beside its answers: the newest of it, until it is taken."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self.last_words: deque[str] = deque(maxlen=WORDS_KEPT)

    def add(self, line: str) -> None:
        """One more line; the oldest ones go if there are too many."""
        with self._lock:
            self._lines.append(line)
            self.last_words.append(line)
            self._size += len(line)
            while self._size > LOG_BYTES:
                self._size -= len(self._lines.popleft())

    def take(self) -> list[str]:
        """What has come since the last time."""
        with self._lock:
            lines, self._lines, self._size = list(self._lines), deque(), 0
        return lines


class Child:
    """One process, started at once. `take_line` gets the lines of its standard output; else they are log too.

    ProcessError if it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        take_line: Callable[[bytes | None], None] | None = None,
    ) -> None:
        self.log = Log()
        self._is_over = False
        self.tag = f"{os.getpid()}-{next(_number)}"
        self.process = self._launch(command, {**os.environ, **variables, TAG: self.tag})
        self._threads = [
            self._read(self.process.stdout, take_line or self.take_log, LINE_BYTES if take_line else LOG_LINE_BYTES),
            self._read(self.process.stderr, self.take_log, LOG_LINE_BYTES),
        ]

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(  # noqa: S603 the client that the user names
                list(command), stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ProcessError(ProcessProblem.ABSENT, f"{command[0]} cannot be started: {error.strerror}") from None
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
        return process

    def _read(self, pipe: IO[bytes] | None, take: Callable[[bytes | None], None], most: int) -> threading.Thread:
        thread = threading.Thread(target=_read_lines, args=(pipe, take, most), daemon=True)
        thread.start()
        return thread

    def take_log(self, line: bytes | None) -> None:
        """A line of its log."""
        if line is not None:
            self.log.add(line.decode("utf-8", "replace").rstrip("\n"))

    def last_words(self) -> str:
        """The end of its log, to be put behind what is wrong with it."""
        words = [shown(word) for word in self.log.last_words if word.strip()]
        return f"; its last words: {' / '.join(words)}" if words else ""

    def exit_code(self, timeout_s: float = LAST_WISH_S) -> int | None:
        """How it has ended, after a while; None if it has not."""
        with suppress(subprocess.TimeoutExpired):
            code = self.process.wait(timeout_s)
            self._join()
            return code
        return None

    def end(self) -> None:
        """End it and everything that it started."""
        if self._is_over:
            return
        self._is_over = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for _ in range(STRAY_ROUNDS):
            if not kill_all(strays(self.tag)):
                break
        self.process.wait()
        self._join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(LAST_WISH_S)


def kill_all(pids: Iterable[int]) -> int:
    """Kill processes and wait until they are dead; how many there were."""
    handles = []
    for pid in pids:
        with suppress(OSError):
            handles.append(os.pidfd_open(pid))
            signal.pidfd_send_signal(handles[-1], signal.SIGKILL)
    for handle in handles:
        dead = select.poll()
        dead.register(handle, select.POLLIN)
        dead.poll(LAST_WISH_S * 1000)
        os.close(handle)
    return len(handles)


def strays(tag: str) -> list[int]:
    """The processes that a client has started, however deep, wherever they have hidden: they inherit its environment.

    None where the machine does not tell.
    """
    wanted = f"{TAG}={tag}".encode()
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _read_lines(pipe: IO[bytes] | None, take: Callable[[bytes | None], None], most: int) -> None:
    with suppress(ValueError, OSError):
        while pipe is not None and (line := pipe.readline(most)):
            take(line)
    take(None)
