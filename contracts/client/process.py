"""A client as a process: JSON lines on its standard input and output, logs on its standard error.

Whatever it does is bounded: an answer that does not come, a line that is none, a log without end, children that
outlive it. Each is said in words, and everything that it started is stopped.
"""

import os
import queue
import select
from collections.abc import Mapping, Sequence
from contextlib import suppress

from contracts.client.child_process import LAST_WISH_S, LOG_LINE_BYTES, Child
from contracts.client.interface import Capability, ProcessError, ProcessProblem, Start, UnimplementedError
from contracts.client.protocol import EXIT_UNIMPLEMENTED, ProtocolError, call_text, read_answer, shown
from contracts.client.remote import RemoteClient, raise_error
from mock_server.clock import monotonic_s
from mock_server.model import JsonObject

PATIENCE_S = 30.0
"""How long a client may take for one verb, in real seconds."""

ANSWERS_KEPT = 1_000


class ProcessClient(RemoteClient):
    """One process. It is started at once; what is wrong with it from the first is said when it is to `start`."""

    has_output = True
    has_hung = False

    def __init__(
        self, command: Sequence[str], variables: Mapping[str, str] | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__()
        self.patience_s = patience_s
        self._number = 0
        self._answers: queue.Queue[bytes | None] = queue.Queue(ANSWERS_KEPT)
        self._child: Child | None = None
        self._stillborn: Exception | None = None
        try:
            self._child = Child(command, variables or {}, self._take_line)
            self.hello()
        except (ProcessError, UnimplementedError) as error:
            self._stillborn = error
        except Exception as error:  # noqa: BLE001 whatever it is, it is said when it is to start
            self._stillborn = ProcessError(ProcessProblem.BAD_ANSWER, f"hello: {error}")

    def _take_line(self, line: bytes | None) -> None:
        if line is not None and not line.lstrip().startswith(b"{") and self._child is not None:
            self._child.take_log(line[:LOG_LINE_BYTES])  # no answer, so somebody may read it as a log
        with suppress(queue.Full):  # so many answers that nobody has asked for: the first of them says enough
            self._answers.put_nowait(line)

    @property
    def can(self) -> frozenset[Capability]:
        """What it said; a process can always crash: it is killed."""
        return super().can | {Capability.START, Capability.CRASH}

    @property
    def tag(self) -> str:
        """By what all that it started is found."""
        return self._child.tag if self._child else ""

    @property
    def problem(self) -> Exception | None:
        """What was wrong with it from the first."""
        return self._stillborn

    def take_output(self) -> list[str]:
        """Its standard error, and what on its standard output is no answer."""
        return self._child.log.take() if self._child else []

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
            raise ProcessError(ProcessProblem.BAD_ANSWER, f"{error}{self._last_words()}") from None
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def _send(self, content: bytes, verb: str) -> None:
        """Write a call. A client that does not read it is not waited for for ever."""
        give_up_at = monotonic_s() + self.patience_s
        pipe = self._child.process.stdin if self._child else None
        try:
            if pipe is None:
                raise BrokenPipeError
            ready = select.poll()  # select() knows no descriptor above 1023
            ready.register(pipe, select.POLLOUT)
            while content:
                if not ready.poll(max(0.0, give_up_at - monotonic_s()) * 1000):
                    raise self._hung(verb)
                content = content[os.write(pipe.fileno(), content) :]
        except (OSError, ValueError):
            raise self._gone(verb) from None

    def _answer(self, verb: str) -> bytes:
        try:
            line = self._answers.get(timeout=self.patience_s)
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
        return ProcessError(
            ProcessProblem.HUNG, f"no answer to {verb} within {self.patience_s:g} s{self._last_words()}"
        )

    def _gone(self, verb: str) -> Exception:
        code = self._child.exit_code() if self._child else None
        if code == EXIT_UNIMPLEMENTED:
            missing = UnimplementedError(f"{verb}: exit code {code}")
            missing.is_final = True
            return missing
        how = "it closed its standard output" if code is None else f"it ended with exit code {code}"
        return ProcessError(ProcessProblem.ENDED, f"{how} when asked to {verb}{self._last_words()}")

    def _last_words(self) -> str:
        return self._child.last_words() if self._child else ""

    def crash(self) -> None:
        """Die at once."""
        self.end()

    def stop(self) -> None:
        """End in order: answer, then exit code 0."""
        super().stop()
        code = self._child.exit_code() if self._child else 0
        if code is None:
            raise ProcessError(ProcessProblem.HUNG, f"it did not end within {LAST_WISH_S:g} s of its stop")
        if code:
            raise ProcessError(ProcessProblem.ENDED, f"exit code {code} after its stop{self._last_words()}")

    def end(self) -> None:
        """End the process and everything that it started."""
        if self._child is not None:
            self._child.end()
