"""The client of a session under a supervisor: it is started, called, and started again after it has failed."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from contracts.client.interface import (
    Capability,
    Client,
    DumpedRecord,
    Effect,
    MakeClient,
    ProcessError,
    ProcessProblem,
    Start,
    UnimplementedError,
    Window,
)
from contracts.client.protocol import ClientFailedError, ProtocolError, checked_dump, checked_effects
from contracts.play.attachment import client_of
from contracts.play.exits import CaughtExits
from contracts.play.in_process_world import RunawayError
from contracts.play.leaks import leaks, log_lines, masked
from contracts.play.log_tail import LogTail
from contracts.play.recording import ActKind, Finding, OutputFinding
from contracts.play.world import World

MOST_RESTARTS = 5
"""A client that has failed more often than this is not started again: it would fail to the end of the scenario."""

NEVER = 10**12
"""How long a client that is not started again stays down, in milliseconds."""


FAILURES = (Exception, SystemExit, asyncio.CancelledError)
"""What a client of this process fails with. `sys.exit` and `os._exit` in it are its end, not that of the judge."""


class _UnmadeClient(Client):
    """Stands for a client whose constructor has failed with an error: its start raises that error."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def start(self, start: Start) -> None:  # noqa: ARG002 it is never started
        raise self._error

    def sync(self, now_ms: int, window: Window | None = None) -> None:  # noqa: ARG002 it is never started
        raise self._error


class SupervisedClient:
    """The client of one session. `can` has its capabilities, as far as it has not refused one of them.

    It is down from a crash until `down_until`. `note` is called when it is started and when it has failed by itself.
    `findings` are what was seen of its process; secrets in them are masked. `log` is what it wrote. A client is
    `unimplemented` once nothing
    can be seen of it for lack of a verb. `verbs` are those of the `Recording`.
    """

    def __init__(self, make_client: MakeClient, world: World, note: Callable[[ActKind, str], None]) -> None:
        self._make_client = make_client
        self._world = world
        self._note = note
        self._deaths = 0
        self._is_over = False
        self.client: Client = _UnmadeClient(RuntimeError("the client was not started"))
        self.can: frozenset[Capability] = frozenset()
        self.down_until: int | None = None
        self.findings: list[Finding] = []
        self.log = LogTail()
        self.unimplemented = False
        self.verbs: list[int] = []

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self.down_until is None

    @property
    def is_due(self) -> bool:
        """Whether it is down and to be started now."""
        return self.down_until is not None and self._world.now_ms >= self.down_until

    def start(self, now_ms: int, folder: Path) -> None:
        """Make a client and start it at a time of its own clock. `folder` has what an earlier one has left."""
        self.down_until = None
        world, scenario = self._world, self._world.scenario
        self.client = self._made()
        self.can = self.client.can
        world.attend(self.client)
        start = Start(world.exports, now_ms, folder, world.link, scenario.tz, world.profile.to_json())
        self._note(ActKind.START, "")
        self.ask(Capability.START, lambda client: client.start(start))

    def _made(self) -> Client:
        try:
            with CaughtExits():
                return client_of(self._make_client, self._world.scenario, self._world.exports)
        except FAILURES as error:
            return _UnmadeClient(error)

    def ask(self, verb: Capability, call: Callable[[Client], object]) -> bool:
        """Call a verb unless the client is down; whether it has answered. One that raises has failed and goes down."""
        if not self.is_up:
            return False
        if self._world.has_process and self._world.last not in self.verbs[-1:]:
            self.verbs.append(self._world.last)
        self._attempt(verb, call)
        self._search_output()
        return verb in self.can and self.is_up

    def _attempt(self, verb: Capability, call: Callable[[Client], object]) -> None:
        try:
            with CaughtExits():
                call(self.client)
        except UnimplementedError as missing:
            self._do_without(verb, is_final=missing.is_final)
        except ProcessError as error:
            self._break_off(verb, error.kind, str(error))
        except ProtocolError as error:
            self._break_off(verb, ProcessProblem.BAD_ANSWER, str(error))
        except RunawayError as error:
            self._fail(f"in {verb}: {error}", for_good=True)
        except ClientFailedError as error:
            self._fail(f"in {verb}: {self._masked(str(error))}")
        except FAILURES as error:
            place = "its constructor" if isinstance(self.client, _UnmadeClient) else verb
            self._fail(f"in {place}: {self._masked(repr(error))}")

    def _break_off(self, verb: Capability, kind: ProcessProblem, text: str) -> None:
        """It has broken the client protocol."""
        reason = f"in {verb}: {self._masked(text)}"
        self.findings.append(Finding(kind, self._world.last, reason))
        self._fail(reason, for_good=kind is ProcessProblem.HUNG)

    def dump(self) -> list[DumpedRecord] | None:
        """What it has stored, None if it lacks the verb or has not answered."""
        records: list[DumpedRecord] = []
        has_answered = self.ask_if_able(Capability.DUMP, lambda client: records.extend(checked_dump(client.dump())))
        return records if has_answered else None

    def effects(self) -> list[Effect] | None:
        """Its effects, None if it lacks the verb or has not answered."""
        found: list[Effect] = []
        has_answered = self.ask_if_able(Capability.EFFECTS, lambda each: found.extend(checked_effects(each.effects())))
        return found if has_answered else None

    def wakes_at(self) -> int | None:
        """When its next timer is due by its own clock; None if it does not say, or if it fails at that."""
        found: list[object] = []
        self._attempt(Capability.ADVANCE, lambda client: found.append(client.wakes_at()))
        return found[0] if found and type(found[0]) is int else None

    def ask_if_able(self, verb: Capability, call: Callable[[Client], object]) -> bool:
        """Call a verb that a client may lack; whether it has answered."""
        return verb in self.can and self.ask(verb, call)

    def crash(self, down_ms: int) -> None:
        """Kill it. What is in its folder is left, and it is due again after `down_ms`."""
        for kill in (self.client.crash, self.client.end):
            with contextlib.suppress(*FAILURES), CaughtExits():  # however it takes being killed
                kill()
        self._search_output()
        self._world.cut()
        self.down_until = self._world.now_ms + down_ms

    def end(self, folder: Path, *, in_order: bool) -> None:
        """End it, with `stop` if there is time for it; nothing of it is left running. Again does nothing."""
        if self._is_over:
            return
        self._is_over = True
        if in_order:
            self.ask_if_able(Capability.STOP, lambda client: client.stop())
        if self._world.has_process:
            self.client.end()
            self._search_output()
            self._search(log_lines(folder))
            if self.client.has_output:
                self.findings.append(Finding(OutputFinding.WATCHED, self._world.last, "all that it has written"))
        self._world.cut()

    def _fail(self, reason: str, *, for_good: bool = False) -> None:
        """It has failed by itself: it is due at once, but not for ever."""
        self._note(ActKind.DIED, reason)
        self._deaths += 1
        self.crash(NEVER if for_good or self._deaths > MOST_RESTARTS else 0)

    def _do_without(self, verb: Capability, *, is_final: bool) -> None:
        """It lacks a verb. Without `start`, or once its process has ended for that reason, nothing can be seen."""
        self.can -= {verb}
        if verb is Capability.START or is_final or not self.can & {Capability.SYNC, Capability.ADVANCE}:
            self.unimplemented = True
            self.crash(NEVER)

    def _search_output(self) -> None:
        if self._world.has_process:
            lines = self.client.take_output()
            self.log.add(lines, self._world.now_ms)
            self._search(lines)

    def _search(self, lines: Iterable[str]) -> None:
        """Look for secrets and plates in what its process has written."""
        self.findings += leaks(lines, self._world.secrets, self._world.last)

    def _masked(self, text: str) -> str:
        return masked(text, self._world.secrets) if self._world.has_process else text
