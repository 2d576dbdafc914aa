"""A client as a process: JSON lines on its standard input and output, logs on its standard error.

Everything that can go wrong with it is bounded: a missing answer, a line that is no answer, a log without end, child
processes that outlive it. Each becomes a ProcessError, and every process that it started is killed.
"""

import os
import queue
import select
from collections.abc import Mapping, Sequence
from contextlib import suppress

from contracts.client.child_process import END_PATIENCE_S, LOG_LINE_BYTES, Child
from contracts.client.interface import Capability, ProcessError, ProcessProblem, Start, UnimplementedError
from contracts.client.own_time import Activity, OwnTime
from contracts.client.protocol import EXIT_UNIMPLEMENTED, ProtocolError, call_text, is_object, read_answer, shown
from contracts.client.remote import RemoteClient, raise_error
from mock_server.model import JsonObject

PATIENCE_S = 30.0
"""How long a client may take to answer one verb, in seconds of its own time (`contracts.client.own_time`)."""

ANSWERS_KEPT = 1_000


class ProcessClient(RemoteClient):
    """One process, launched by the constructor. An error of the launch or of `hello` is raised by `start`."""

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
        self._launch_error: Exception | None = None
        try:
            self._child = Child(command, variables or {}, self._take_line)
            self.hello()
        except (ProcessError, UnimplementedError) as error:
            self._launch_error = error
        except Exception as error:  # noqa: BLE001 any error is kept for `start` to raise
            self._launch_error = ProcessError(ProcessProblem.BAD_ANSWER, f"hello: {error}")
        except BaseException:  # the judge is interrupted
            self.end()
            raise

    def _take_line(self, line: bytes | None) -> None:
        if line is not None and not is_object(line) and self._child is not None:
            self._child.take_log(line[:LOG_LINE_BYTES])  # not an answer, so it is treated as a log line
        with suppress(queue.Full):  # unasked answers without end: the first of them is reported
            self._answers.put_nowait(line)

    @property
    def can(self) -> frozenset[Capability]:
        """The verbs of its answer to `hello`, and `crash`: any process can be killed."""
        return super().can | {Capability.START, Capability.CRASH}

    @property
    def tag(self) -> str:
        """The tag by which every process that it started is found."""
        return self._child.tag if self._child else ""

    @property
    def problem(self) -> Exception | None:
        """The error of its launch or of `hello`, None if there was none."""
        return self._launch_error

    def activity(self) -> Activity | None:
        """What its process is doing."""
        return self._child.activity() if self._child else None

    def take_output(self) -> list[str]:
        """The new lines of its standard error, and of its standard output what is no answer."""
        return self._child.log.take() if self._child else []

    def start(self, start: Start) -> None:
        """Call `start`, or raise the error of the launch."""
        if self._launch_error is not None:
            raise self._launch_error
        super().start(start)

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb. ProcessError if the process breaks the protocol, UnimplementedError if it lacks the verb."""
        self._number += 1
        self._send(f"{call_text(self._number, verb, arguments)}\n".encode(), verb)
        try:
            result, code, message = read_answer(self._answer(verb), self._number)
        except ProtocolError as error:
            raise ProcessError(ProcessProblem.BAD_ANSWER, f"{error}{self._log_tail(str(error))}") from None
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def _send(self, content: bytes, verb: str) -> None:
        """Write a call. A client that does not read its input has hung once its patience is over."""
        left = OwnTime(self.patience_s, self.activity)
        pipe = self._child.process.stdin if self._child else None
        try:
            if pipe is None:
                raise BrokenPipeError
            ready = select.poll()  # select() fails on descriptors above 1023
            ready.register(pipe, select.POLLOUT)
            while content:
                if ready.poll(left.next_s * 1000):
                    content = content[os.write(pipe.fileno(), content) :]
                elif left.next_s:
                    left.spend()
                else:
                    raise self._hung(verb)
        except (OSError, ValueError):
            raise self._gone(verb) from None

    def _answer(self, verb: str) -> bytes:
        line = self._next_line(verb)
        if line is None:
            self._answers.put(None)  # the end of its output is the answer to every later call, too
            raise self._gone(verb)
        if not is_object(line):
            said = shown(line) or "an empty line"
            raise ProtocolError(f"its standard output is for answers only, logs go to standard error: {said}")
        return line

    def _next_line(self, verb: str) -> bytes | None:
        left = OwnTime(self.patience_s, self.activity)
        while left.next_s:
            with suppress(queue.Empty):
                return self._answers.get(timeout=left.next_s)
            left.spend()
        raise self._hung(verb)

    def _hung(self, verb: str) -> Exception:
        self.has_hung = True
        return ProcessError(ProcessProblem.HUNG, f"no answer to {verb} within {self.patience_s:g} s{self._log_tail()}")

    def _gone(self, verb: str) -> Exception:
        code = self._child.exit_code(END_PATIENCE_S) if self._child else None
        if code == EXIT_UNIMPLEMENTED:
            missing = UnimplementedError(f"{verb}: exit code {code}")
            missing.is_final = True
            return missing
        how = "it closed its standard output" if code is None else f"it ended with exit code {code}"
        return ProcessError(ProcessProblem.ENDED, f"{how} when asked to {verb}{self._log_tail()}")

    def _log_tail(self, told: str = "") -> str:
        """The last lines of its log as the end of a message, without what the message has `told`."""
        return self._child.log_tail(told) if self._child else ""

    def crash(self) -> None:
        """Kill it."""
        self.end()

    def stop(self) -> None:
        """Call `stop`; it has to answer and then, within its patience again, to end with exit code 0."""
        super().stop()
        code = self._child.exit_code(self.patience_s) if self._child else 0
        if code is None:
            self.has_hung = True
            raise ProcessError(ProcessProblem.SLOW_END, f"it did not end within {self.patience_s:g} s of its stop")
        if code:
            raise ProcessError(ProcessProblem.ENDED, f"exit code {code} after its stop{self._log_tail()}")

    def end(self) -> None:
        """Kill the process and every process that it started."""
        if self._child is not None:
            self._child.end()
