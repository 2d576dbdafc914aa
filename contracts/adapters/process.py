"""A client as a process: JSON lines on its standard input and output, logs on its standard error.

Whatever it does is bounded: an answer that does not come, a line that is none, a log without end, children that
outlive it. Each is said in words, and everything that it started is stopped.
"""

import os
import queue
import select
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, Any

from contracts.adapters.protocol import EXIT_UNIMPLEMENTED, ProtocolError, call_text, read_answer, shown
from contracts.adapters.remote import RemoteClient, raise_error
from contracts.client import ProcessError, Start, UnimplementedError, Verb
from mock_server.clock import monotonic_s
from mock_server.model import JsonObject

PATIENCE_S = 30.0
"""How long a client may take for one verb, in real seconds."""

LAST_WISH_S = 2.0
"""How long it may take to end."""

LINE_BYTES = 16 * 1024 * 1024
"""The longest answer that is read; a dump of many records is one line."""

LOG_LINE_BYTES, LOG_BYTES = 16 * 1024, 8 * 1024 * 1024
"""Longer lines of a log are read in pieces, and of what has not been looked at so much is kept."""

ANSWERS_KEPT = 1_000
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


class ProcessClient(RemoteClient):
    """One process. It is started at once; what is wrong with it from the first is said when it is to `start`."""

    has_output = True
    has_hung = False

    def __init__(
        self, command: Sequence[str], variables: Mapping[str, str] | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__()
        self._patience_s = patience_s
        self._number = 0
        self._answers: queue.Queue[bytes | None] = queue.Queue(ANSWERS_KEPT)
        self._log = Log()
        self.tag = f"{os.getpid()}-{next(_number)}"
        self._threads: list[threading.Thread] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._stillborn: Exception | None = None
        try:
            self._process = self._launch(command, {**os.environ, **(variables or {}), TAG: self.tag})
            self.hello()
        except (ProcessError, UnimplementedError) as error:
            self._stillborn = error
        except Exception as error:  # noqa: BLE001 whatever it is, it is said when it is to start
            self._stillborn = ProcessError("babble", f"hello: {error}")

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(  # noqa: S603 the client that the user names
                list(command), stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ProcessError("absent", f"{command[0]} cannot be started: {error.strerror}") from None
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
        self._threads = [
            self._read(process.stdout, self._take_line, LINE_BYTES),
            self._read(process.stderr, self._take_log, LOG_LINE_BYTES),
        ]
        return process

    def _read(self, pipe: IO[bytes] | None, take: Callable[[bytes | None], None], most: int) -> threading.Thread:
        thread = threading.Thread(target=_read_lines, args=(pipe, take, most), daemon=True)
        thread.start()
        return thread

    def _take_line(self, line: bytes | None) -> None:
        if line is not None and not line.lstrip().startswith(b"{"):
            self._take_log(line[:LOG_LINE_BYTES])  # no answer, so somebody may read it as a log
        with suppress(queue.Full):  # so many answers that nobody has asked for: the first of them says enough
            self._answers.put_nowait(line)

    def _take_log(self, line: bytes | None) -> None:
        if line is not None:
            self._log.add(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def can(self) -> frozenset[Verb]:
        """What it said; a process can always crash: it is killed."""
        return super().can | {"start", "crash"}

    @property
    def problem(self) -> Exception | None:
        """What was wrong with it from the first."""
        return self._stillborn

    def take_output(self) -> list[str]:
        """Its standard error, and what on its standard output is no answer."""
        return self._log.take()

    def start(self, start: Start) -> None:
        """Tell it the world, if it lives."""
        if self._stillborn is not None:
            raise self._stillborn
        super().start(start)

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb. ProcessError says what is wrong with the process, UnimplementedError that it lacks the verb."""
        self._number += 1
        self._send(f"{call_text(self._number, verb, arguments)}\n".encode(), verb)
        try:
            result, code, message = read_answer(self._answer(verb), self._number)
        except ProtocolError as error:
            raise ProcessError("babble", f"{error}{self._last_words()}") from None
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def _send(self, content: bytes, verb: str) -> None:
        """Write a call. A client that does not read it is not waited for for ever."""
        give_up_at = monotonic_s() + self._patience_s
        pipe = self._process.stdin if self._process else None
        try:
            if pipe is None:
                raise BrokenPipeError
            while content:
                if not select.select([], [pipe], [], max(0.0, give_up_at - monotonic_s()))[1]:
                    raise self._hung(verb)
                content = content[os.write(pipe.fileno(), content) :]
        except (OSError, ValueError):
            raise self._gone(verb) from None

    def _answer(self, verb: str) -> bytes:
        try:
            line = self._answers.get(timeout=self._patience_s)
        except queue.Empty:
            raise self._hung(verb) from None
        if line is None:
            self._answers.put(None)  # whatever it is asked next, it will not answer
            raise self._gone(verb)
        if not line.lstrip().startswith(b"{"):
            raise ProtocolError(f"its standard output is for answers only, logs go to standard error: {shown(line)}")
        return line

    def _hung(self, verb: str) -> Exception:
        self.has_hung = True
        return ProcessError("hung", f"no answer to {verb} within {self._patience_s:g} s{self._last_words()}")

    def _gone(self, verb: str) -> Exception:
        code: Any = None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(LAST_WISH_S) if self._process else None
        if code == EXIT_UNIMPLEMENTED:
            missing = UnimplementedError(f"{verb}: exit code {code}")
            missing.is_final = True
            return missing
        if code is not None:
            self._join()
        how = "it closed its standard output" if code is None else f"it ended with exit code {code}"
        return ProcessError("ended", f"{how} when asked to {verb}{self._last_words()}")

    def _last_words(self) -> str:
        words = [shown(word) for word in self._log.last_words if word.strip()]
        return f"; its last words: {' / '.join(words)}" if words else ""

    def crash(self) -> None:
        """Die at once."""
        self.end()

    def stop(self) -> None:
        """End in order: answer, then exit code 0."""
        super().stop()
        if self._process is None:
            return
        try:
            code = self._process.wait(LAST_WISH_S)
        except subprocess.TimeoutExpired:
            raise ProcessError("hung", f"it did not end within {LAST_WISH_S:g} s of its stop") from None
        if code:
            raise ProcessError("ended", f"exit code {code} after its stop{self._last_words()}")

    def end(self) -> None:
        """End the process and everything that it started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for _ in range(STRAY_ROUNDS):
            if not kill_all(strays(self.tag)):
                break
        self._process.wait()
        self._join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        self._process = None

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
        select.select([handle], [], [], LAST_WISH_S)
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
