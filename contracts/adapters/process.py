"""A client as a process: JSON lines on its standard input and output, logs on its standard error.

Whatever it does is bounded: an answer that does not come, a line that is none, a log without end, children that
outlive it. Each is said in words, and everything that it started is stopped.
"""

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from contracts.adapters.protocol import EXIT_UNIMPLEMENTED, ProtocolError, call_text, read_answer, shown
from contracts.adapters.remote import RemoteClient, raise_error
from contracts.client import UnimplementedError, Verb
from mock_server.model import JsonObject

PATIENCE_S = 30.0
"""How long a client may take for one verb, in real seconds."""

LAST_WISH_S = 2.0
"""How long it may take to end."""

LINES_KEPT = 2_000
LINE_BYTES = 4 * 1024 * 1024
"""The longest line that is read; a dump of many records is one line."""


class ClientHungError(Exception):
    """The client did not answer in time."""


class ClientGoneError(Exception):
    """The client's process has ended."""


class ProcessClient(RemoteClient):
    """One process. It is started at once; `output` keeps the last lines of its standard error."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], patience_s: float = PATIENCE_S) -> None:
        super().__init__()
        self._patience_s = patience_s
        self._number = 0
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        self.output: deque[str] = deque(maxlen=LINES_KEPT)
        self._process = subprocess.Popen(  # noqa: S603 the client that the user names
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        self._threads = [self._read(self._process.stdout, self._take_line), self._read(self._process.stderr, self._log)]
        self.hello()

    def _read(self, pipe: IO[bytes] | None, take: Callable[[bytes | None], None]) -> threading.Thread:
        thread = threading.Thread(target=_read_lines, args=(pipe, take), daemon=True)
        thread.start()
        return thread

    def _take_line(self, line: bytes | None) -> None:
        self._answers.put(line)

    def _log(self, line: bytes | None) -> None:
        if line is not None:
            self.output.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def can(self) -> frozenset[Verb]:
        """What it said; a process can always crash: it is killed."""
        return super().can | {"crash"}

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb. ClientHungError, ClientGoneError and ProtocolError say what went wrong with the process."""
        self._number += 1
        self._send(call_text(self._number, verb, arguments), verb)
        result, code, message = read_answer(self._answer(verb), self._number)
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def _send(self, text: str, verb: str) -> None:
        try:
            if self._process.stdin is None:
                raise BrokenPipeError
            self._process.stdin.write(f"{text}\n".encode())
            self._process.stdin.flush()
        except OSError:
            self._gone(verb)

    def _answer(self, verb: str) -> bytes:
        try:
            line = self._answers.get(timeout=self._patience_s)
        except queue.Empty:
            raise ClientHungError(f"no answer to {verb} within {self._patience_s:g} s") from None
        if line is None:
            self._gone(verb)
            raise ClientGoneError(verb)
        if not line.lstrip().startswith(b"{"):
            raise ProtocolError(f"its standard output is for answers only, logs go to standard error: {shown(line)}")
        return line

    def _gone(self, verb: str) -> None:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(LAST_WISH_S)
            if code == EXIT_UNIMPLEMENTED:
                raise UnimplementedError(f"{verb}: exit code {code}")
            raise ClientGoneError(f"it ended with exit code {code} when asked to {verb}{self._last_words()}")
        raise ClientGoneError(f"it closed its standard output when asked to {verb}")

    def _last_words(self) -> str:
        self._threads[1].join(LAST_WISH_S)
        return f": {shown(self.output[-1])}" if self.output else ""

    def crash(self) -> None:
        """Die at once."""
        self.kill()

    def stop(self) -> None:
        """End in order, or be ended."""
        with suppress(Exception):
            if "stop" in self.can:
                super().stop()
                self._process.wait(LAST_WISH_S)
        self.kill()

    def kill(self) -> None:
        """End the process and everything that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for thread in self._threads:
            thread.join(LAST_WISH_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _read_lines(pipe: IO[bytes] | None, take: Callable[[bytes | None], None]) -> None:
    with suppress(ValueError, OSError):
        while pipe is not None and (line := pipe.readline(LINE_BYTES)):
            take(line)
    take(None)
