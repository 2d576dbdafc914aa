"""One client in one world: a scenario is played to it, then the world is calm and the client has time to agree."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from contracts.client.interface import (
    Capability,
    DumpedRecord,
    Effect,
    MakeClient,
    ProcessError,
    ProcessProblem,
    Start,
    UnimplementedError,
)
from contracts.play.attachment import client_of, world_of
from contracts.play.in_process_world import RunawayError
from contracts.play.leaks import leaks, log_lines, masked
from contracts.play.recording import Act, ActKind, Dump, Finding, OutputFinding, Recording
from contracts.play.scenario import (
    MIDNIGHT,
    Calms,
    ClockJumps,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    Looks,
    Scenario,
    Step,
    Strikes,
    Syncs,
)
from mock_server.model import HOUR, MINUTE, SECOND

TICK = MINUTE
"""How often a client that does not say when it wakes is told the time."""

SYNC_EVERY = 10 * MINUTE
"""How often a client without timers of its own is told to sync."""

PATIENCE = 54 * HOUR
"""How long a client has in calm weather until it must agree with the lots: two days and a margin."""

ROUNDS = 12
"""So many unequal comparisons of one cell end a run before the patience does: nothing new would be seen."""

LINGER = 3 * HOUR
"""How long it is watched after it agrees: it must be quiet then."""

DEATHS = 5
"""So often a client that died of itself is started again."""

MOST_LINES = 45_000
"""So long a history ends a run: a client that calls without pauses has shown enough, and older lines would be lost."""

FOR_EVER = 10**12

_RAM = Path("/dev/shm")  # noqa: S108 a folder of its own is made in it


class Session:
    """A client in its world. Use it as a context manager; `run` plays a whole scenario."""

    def __init__(self, scenario: Scenario, make_client: MakeClient) -> None:
        self.scenario = scenario
        self._make_client = make_client
        self.world = world_of(make_client, scenario)
        self._off_ms = scenario.skew_ms
        self._acts: list[Act] = []
        self._dumps: list[Dump] = []
        self._findings: list[Finding] = []
        self._unimplemented = False
        self._is_over = False
        self._can: frozenset[Capability] = frozenset()
        self._down_until: int | None = None
        self._next_sync = 0
        self._calm_at: int | None = None
        self._play: dict[type[Any], Callable[[Any], None]] = {
            Happens: self.world.happens,
            Strikes: self.world.strikes,
            Calms: lambda _: self.world.calm(),
            Deletes: lambda step: self.world.delete(step.name),
            GoesOffline: lambda step: self.world.take_offline(step.lot, step.for_ms),
            Crashes: self._crash,
            ClockJumps: self._jump,
            Syncs: lambda _: self._sync(),
            Looks: lambda _: self.dump(),
        }

    def __enter__(self) -> Self:
        self.world.__enter__()
        self._folder = Path(tempfile.mkdtemp(prefix="parking-mock-", dir=_RAM if _RAM.is_dir() else None))
        if self.scenario.skew_ms:
            self._note(ActKind.CLOCK_JUMPS, off_ms=self.scenario.skew_ms)
        try:
            self._start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        try:
            self._end(in_order=kind is None or issubclass(kind, Exception))
        finally:
            self._leave()

    def _leave(self) -> None:
        self.world.__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self) -> Recording:
        """Play the scenario from beginning to end."""
        for step in self.scenario.ordered():
            self.go_to(step.at)
            self.play(step)
        last = max([self.scenario.begin, *(step.at for step in self.scenario.steps)])
        self.go_to(last + self.scenario.runs_ms)
        if self.scenario.settles:
            self.settle()
        return self.finish()

    def play(self, step: Step) -> None:
        """One step, now."""
        self._note(ActKind(step.step), off_ms=step.off_ms if isinstance(step, ClockJumps) else None)
        self._play[type(step)](step)
        self._listen()

    def go_to(self, at: int) -> None:
        """Let time pass until `at` (ms after midnight); the client's timers run on the way."""
        until = MIDNIGHT + at
        while self.world.now_ms < until and not self._is_full:
            self.world.advance_to(max(self.world.now_ms + 1, min(until, self._next_moment())))
            self._rise()
            self._tick()

    def settle(self) -> None:
        """Calm: no more faults but those that records carry. The client has time to agree, and is watched then."""
        self.world.calm()
        self._calm_at = self._last
        self._note(ActKind.CALM)
        end = self._now + PATIENCE
        while self._now < end and not self._is_full and not self._agrees() and not self.world.is_hopeless(ROUNDS):
            self.go_to(min(end, self._now + HOUR))
        if self._agrees():
            self._note(ActKind.CONVERGED)
            self.go_to(self._now + LINGER)

    def finish(self) -> Recording:
        """What has been seen."""
        self.go_to(self._now)
        self._note(ActKind.ENDS)
        self.dump()
        effects: list[Effect] = []
        self._look(Capability.EFFECTS, lambda: effects.extend(self._client.effects()))
        shows_effects = Capability.EFFECTS in self._can and self._down_until is None
        if self.world.has_process:
            self._end()  # what it says at its end is part of what has been seen
        return self._seen(tuple(effects) if shows_effects else None)

    def dump(self) -> None:
        """Look into the client's store, if it lets us."""
        seen: list[DumpedRecord] = []
        if self._look(Capability.DUMP, lambda: seen.extend(self._client.dump())):
            self._dumps.append(Dump(self._last, self.world.now_ms, tuple(seen)))

    def _look(self, verb: Capability, work: Callable[[], object]) -> bool:
        """Whether the client could be asked to show something."""
        if verb in self._can and self._down_until is None:
            self._ask(verb, work)
        return verb in self._can and self._down_until is None

    def _seen(self, effects: Any = None) -> Recording:
        return Recording(
            scenario=self.scenario,
            entries=self.world.entries(),
            profile=self.world.profile,
            can=self._can | ({Capability.OWN_PROCESS} if self.world.has_process else set()),
            acts=tuple(self._acts),
            dumps=tuple(self._dumps),
            effects=effects,
            calm_seq=self._calm_at,
            findings=(*self._findings, *self.world.findings) if self.world.has_process else None,
            unimplemented=self._unimplemented,
        )

    def _agrees(self) -> bool:
        return self._down_until is None and self.world.agrees()

    @property
    def _now(self) -> int:
        return self.world.now_ms - MIDNIGHT

    @property
    def _last(self) -> int:
        return self.world.last

    @property
    def _is_full(self) -> bool:
        return self._last >= MOST_LINES

    @property
    def _client_now(self) -> int:
        return self.world.now_ms + self._off_ms

    def _note(self, kind: ActKind, text: str = "", *, off_ms: int | None = None) -> None:
        self._acts.append(Act(self._last, self.world.now_ms, kind, text, off_ms))

    def _start(self) -> None:
        exports = self.world.exports
        self._client = client_of(self._make_client, self.scenario, exports)
        self._can = self._client.can
        profile = self.world.profile.to_json()
        start = Start(exports, self._client_now, self._folder, self.world.link, self.scenario.tz, profile)
        is_first = all(act.kind is not ActKind.START for act in self._acts)
        self._note(ActKind.START)
        self._ask(Capability.START, lambda: self._client.start(start))
        if not is_first:
            self.dump()  # what it has stored before anything is reported to it again
        self._listen()

    def _next_moment(self) -> int:
        """When the client or the world has something to do."""
        moments = [self.world.next_at, self._down_until]
        if self._down_until is None and Capability.ADVANCE in self._can:
            wakes_at = self._client.wakes_at()
            moments.append(self.world.now_ms + TICK if wakes_at is None else self._wake(wakes_at - self._off_ms))
        elif self._down_until is None:
            moments.append(self._next_sync)
        return min(each for each in moments if each is not None) if any(moments) else self.world.now_ms + TICK

    def _wake(self, at_ms: int) -> int:
        """When to wake a client that asked for it; one that asks for the past would be woken for ever."""
        return at_ms if at_ms > self.world.now_ms else self.world.now_ms + SECOND

    def _tick(self) -> None:
        if self._down_until is not None:
            return
        if Capability.ADVANCE in self._can:  # before it listens: it is to know what time it is when it does
            self._ask(Capability.ADVANCE, lambda: self._client.advance(self._client_now))
        else:
            self._listen()
        if Capability.ADVANCE not in self._can and self.world.now_ms >= self._next_sync:
            self._sync()
            self._next_sync = self.world.now_ms + SYNC_EVERY
        self._listen()

    def _sync(self) -> None:
        if self._down_until is None:
            self._ask(Capability.SYNC, lambda: self._client.sync(self._client_now))

    def _listen(self) -> None:
        """Let the client take what has come."""
        if self._down_until is None:
            self.world.listen(self._quiet if Capability.QUIET in self._can else None)

    def _quiet(self) -> None:
        if self._down_until is None:
            self._ask(Capability.QUIET, self._client.quiet)

    def _ask(self, verb: Capability, work: Callable[[], object]) -> None:
        """Let the client do something. One that raises is dead, and is started again, as a supervisor would."""
        try:
            work()
        except UnimplementedError as missing:
            self._do_without(verb, missing)
        except ProcessError as error:
            self._findings.append(Finding(error.kind, self._last, f"in {verb}: {self._masked(str(error))}"))
            self._mourn(f"in {verb}: {self._masked(str(error))}", for_ever=error.kind is ProcessProblem.HUNG)
        except RunawayError as error:
            self._mourn(f"in {verb}: {error}", for_ever=True)
        except Exception as error:  # noqa: BLE001 whatever it is, the client died of it
            self._mourn(f"in {verb}: {self._masked(repr(error))}")
        self._watch()

    def _mourn(self, text: str, *, for_ever: bool = False) -> None:
        """The client has died of itself. A supervisor starts it again, but not for ever."""
        self._note(ActKind.DIED, text)
        deaths = len([act for act in self._acts if act.kind is ActKind.DIED])
        self._die(down_ms=FOR_EVER if for_ever or deaths > DEATHS else 0)

    def _do_without(self, verb: Capability, missing: UnimplementedError) -> None:
        """It lacks the verb after all. Without `start`, or once its process has ended for that, nothing can be seen."""
        self._can -= {verb}
        if verb == Capability.START or missing.is_final or not self._can & {Capability.SYNC, Capability.ADVANCE}:
            self._unimplemented = True
            self._die(FOR_EVER)

    def _watch(self) -> None:
        """Look through what the client's process has written for what must not be there."""
        if self.world.has_process:
            self._findings += leaks(self._client.take_output(), self.world.secrets, self._last)

    def _masked(self, text: str) -> str:
        return masked(text, self.world.secrets) if self.world.has_process else text

    def _rise(self) -> None:
        if self._down_until is not None and self.world.now_ms >= self._down_until:
            self._down_until = None
            self._start()

    def _crash(self, step: Crashes) -> None:
        if Capability.CRASH not in self._can or self._down_until is not None:
            return
        self._die(step.down_ms)
        self._rise()

    def _die(self, down_ms: int) -> None:
        """Nothing is left of the process but its folder."""
        with contextlib.suppress(Exception):
            self._client.crash()
        self._client.end()
        self._watch()
        self.world.cut()
        self._down_until = self.world.now_ms + down_ms

    def _jump(self, step: ClockJumps) -> None:
        """The clock is wrong, and the client looks at it at once: its timers need not run by that clock."""
        self._off_ms = step.off_ms
        self._tick()

    def _end(self, *, in_order: bool = True) -> None:
        """The client ends, in order unless somebody is in a hurry; nothing of it is left running."""
        if self._is_over:
            return
        self._is_over = True
        if in_order and self._down_until is None and Capability.STOP in self._can:
            self._ask(Capability.STOP, self._client.stop)
        if self.world.has_process:
            self._client.end()
            self._watch()
            self._findings += leaks(log_lines(self._folder), self.world.secrets, self._last)
            if self._client.has_output:
                self._findings.append(Finding(OutputFinding.WATCHED, self._last, "all that it has written"))
        self.world.cut()


def play(scenario: Scenario, make_client: MakeClient) -> Recording:
    """Play a scenario to a client from beginning to end."""
    with Session(scenario, make_client) as session:
        return session.run()
