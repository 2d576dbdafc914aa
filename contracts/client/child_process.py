"""A child process with bounded output, which is killed with every process that it has started."""

import os
import select
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import IO

from contracts.client.interface import ProcessError, ProcessProblem
from contracts.client.own_time import Activity, OwnTime, activity
from contracts.client.proc import content, names
from contracts.client.protocol import shown
from mock_server.no_proxy import past_proxies

_LOOK_EVERY_S = 0.01
"""How often a process is looked at that is about to end."""

END_PATIENCE_S = 2.0
"""How long a process that was killed, or has closed its output, may take to be gone, in seconds of its own time."""

READ_PATIENCE_S = 10.0
"""How long the rest of its output may take to be read, in seconds of real time; another process may hold it open."""

LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is read as an answer; a dump of many records is one line."""

LOG_LINE_BYTES, LOG_BYTES = 16 * 1024, 8 * 1024 * 1024
"""Longer log lines are read in pieces; of the log that was not taken yet so many characters are kept."""

TAIL_LINES = 5
STRAY_ROUNDS = 10
"""How often strays are looked for: one may start another before it is killed, but must not keep the judge for ever."""

TAG = "PARKING_MOCK_CLIENT"
"""The environment variable that marks every process which a client has started: children inherit it."""

NO_PROCESSES = (
    "a client as a process needs process groups and poll(), which this system does not have (Windows): run the judge in"
    " WSL or in a container, or attach the client by --client or --http"
)

_number = count(1)


def has_processes() -> bool:
    """Whether this system has what a client as a process needs: then it can be killed with all that it started."""
    return hasattr(os, "killpg") and hasattr(select, "poll")


class Log:
    """The log of a process: the newest lines that were not taken yet. It is written and taken by different threads."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def add(self, line: str) -> None:
        """Add a line; the oldest ones are dropped beyond LOG_BYTES."""
        with self._lock:
            self._lines.append(line)
            self.tail.append(line)
            self._size += len(line)
            while self._size > LOG_BYTES:
                self._size -= len(self._lines.popleft())

    def take(self) -> list[str]:
        """Return the lines since the last call, and drop them."""
        with self._lock:
            lines, self._lines, self._size = list(self._lines), deque(), 0
        return lines


class Child:
    """One process, launched by the constructor. `take_line` gets its standard output by lines; without it they are log.

    ProcessError if it cannot be started, or if this system has no such processes.
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
        self.process = self._launch(command, {**os.environ, **past_proxies(os.environ), **variables, TAG: self.tag})
        self._threads = [
            self._read(self.process.stdout, take_line or self.take_log, LINE_BYTES if take_line else LOG_LINE_BYTES),
            self._read(self.process.stderr, self.take_log, LOG_LINE_BYTES),
        ]

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        if not has_processes():
            raise ProcessError(ProcessProblem.ABSENT, NO_PROCESSES)
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(  # noqa: S603 the command is the one that the user names
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
        """Add a line to its log; None is the end of its output."""
        if line is not None:
            self.log.add(line.decode("utf-8", "replace").rstrip("\n"))

    def log_tail(self, told: str = "") -> str:
        """The last lines of its log, as the end of an error message; those that the message has `told` are left out."""
        lines = [line for each in self.log.tail if (line := shown(each)) and line not in told]
        return f"; its last words: {' / '.join(lines)}" if lines else ""

    def activity(self) -> Activity | None:
        """What it and its children are doing."""
        return activity(self.process.pid)

    def exit_code(self, timeout_s: float) -> int | None:
        """Wait for its end; its exit code, None if it still runs after so many seconds of its own time."""
        left, pause = OwnTime(timeout_s, self.activity), threading.Event()
        while self.process.poll() is None and left.next_s:
            # `Popen.wait` takes its time from `time.monotonic`, which a test may have frozen
            for _ in range(round(left.next_s / _LOOK_EVERY_S) or 1):
                if self.process.poll() is None:
                    pause.wait(_LOOK_EVERY_S)
            left.spend()
        code = self.process.poll()
        if code is not None:
            self._join()
        return code

    def end(self) -> None:
        """Kill it and every process that it started. A second call does nothing."""
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
            thread.join(READ_PATIENCE_S)


def kill_all(pids: Iterable[int]) -> int:
    """Kill processes and wait until they are dead; return how many there were."""
    handles = []
    for pid in pids:
        with suppress(OSError):
            handles.append(os.pidfd_open(pid))
            signal.pidfd_send_signal(handles[-1], signal.SIGKILL)
    for handle in handles:
        dead = select.poll()
        dead.register(handle, select.POLLIN)
        dead.poll(END_PATIENCE_S * 1000)
        os.close(handle)
    return len(handles)


def strays(tag: str) -> list[int]:
    """The processes that a client has started, at any depth and in any session: they inherit its environment.

    Empty where there is no /proc.
    """
    wanted = f"{TAG}={tag}".encode()
    return [pid for pid, variables in _environments() if wanted in variables]


def end_children() -> None:
    """Kill all clients of this process, and every process that they have started. Nothing where there is no /proc."""
    wanted = f"{TAG}={os.getpid()}-".encode()
    for _ in range(STRAY_ROUNDS):
        if not kill_all(
            pid for pid, variables in _environments() if any(each.startswith(wanted) for each in variables)
        ):
            break


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    """The environment of every process that this one may look at, by process id."""
    for name in filter(str.isdigit, names()):
        yield int(name), content(f"{name}/environ").split(b"\0")


def _read_lines(pipe: IO[bytes] | None, take: Callable[[bytes | None], None], most: int) -> None:
    with suppress(ValueError, OSError):
        while pipe is not None and (line := pipe.readline(most)):
            take(line)
    take(None)
