"""One client in one world: a scenario is played to it, then the world is calm and the client has time to converge."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from contracts.client.interface import Capability, Client, DumpedRecord, Effect, MakeClient
from contracts.play.attachment import world_of
from contracts.play.recording import CUTS, Act, ActKind, Dump, Recording
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
from contracts.play.supervision import SupervisedClient
from mock_server.model import HOUR, MINUTE, SECOND

TICK = MINUTE
"""How often the timers of a client run that does not say when it wakes."""

SYNC_EVERY = 10 * MINUTE
"""How often a client without timers of its own is asked to sync."""

PATIENCE = 54 * HOUR
"""How long a client has to converge in calm weather: two days, so two daily passes, and a margin."""

ROUNDS = 12
"""So many unequal comparisons of one cell end a run before the patience does: more of them would show nothing new."""

LINGER = 3 * HOUR
"""How long a client is watched after it has converged: no more may be reported again by then."""

MOST_LINES = 45_000
"""The length of a history at which a run ends.

A history drops its oldest entries beyond 50,000 (`mock_server.history.log.DEFAULT_LIMIT`), and rules would then judge
a run without its beginning. The margin is for what one step still adds.
"""

CUTS_IN_REAL_TIME = 3
"""How often in a row the connection of a client is cut that may pause in real time before it comes back.

Whether its pauses grow cannot be judged, and ten pauses that do would take ten minutes.
"""

_RAM = Path("/dev/shm")  # noqa: S108 the session makes a private folder in it

_TEMPORARY = _RAM if _RAM.is_dir() else Path(tempfile.gettempdir())


def _prefix() -> str:
    """What the names of this process's folders begin with."""
    return f"parking-mock-{os.getpid()}-"


def remove_folders() -> None:
    """Remove the folders of all sessions of this process, which is about to end without having closed them."""
    for folder in _TEMPORARY.glob(f"{_prefix()}*"):
        shutil.rmtree(folder, ignore_errors=True)


class Session:
    """A client in its world. Use it as a context manager; `run` plays a whole scenario."""

    def __init__(self, scenario: Scenario, make_client: MakeClient) -> None:
        self.scenario = scenario
        self.world = world_of(make_client, scenario)
        self._supervised = SupervisedClient(make_client, self.world, self._note)
        self._clock_off_ms = scenario.skew_ms
        self._acts: list[Act] = []
        self._dumps: list[Dump] = []
        self._next_sync = 0
        self._calm_seq: int | None = None
        self._play: dict[type[Any], Callable[[Any], None]] = {
            Happens: self.world.happens,
            Strikes: self._strike,
            Calms: lambda _: self.world.calm(),
            Deletes: lambda step: self.world.delete(step.name),
            GoesOffline: lambda step: self.world.take_offline(step.lot, step.for_ms),
            Crashes: self._crash,
            ClockJumps: self._set_clock,
            Syncs: lambda _: self._sync(),
            Looks: lambda _: self.dump(),
        }

    def __enter__(self) -> Self:
        self.world.__enter__()
        self._folder = Path(tempfile.mkdtemp(prefix=_prefix(), dir=_TEMPORARY))
        if self.scenario.skew_ms:
            self._note(ActKind.CLOCK_JUMPS, off_ms=self.scenario.skew_ms)
        try:
            self._start()
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        """End the client, with `stop` unless the judge itself was interrupted."""
        try:
            self._supervised.end(self._folder, in_order=kind is None or issubclass(kind, Exception))
        finally:
            self._close()

    def _close(self) -> None:
        self.world.__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def client(self) -> Client:
        """The client that runs, or that ran last."""
        return self._supervised.client

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
        """Play one step now."""
        self._note(ActKind(step.step), off_ms=step.off_ms if isinstance(step, ClockJumps) else None)
        self._play[type(step)](step)
        self._drain()

    def go_to(self, at: int) -> None:
        """Let time pass until `at` (ms after midnight); the client's timers run on the way."""
        until = MIDNIGHT + at
        while self.world.now_ms < until and not self._is_full:
            self.world.advance_to(max(self.world.now_ms + 1, min(until, self._next_moment())))
            self._restart_if_due()
            self._run_timers()

    def settle(self) -> None:
        """Let the client converge while no faults strike but those that records carry, then watch it for `LINGER`."""
        self.world.calm()
        self._calm_seq = self.world.last
        self._note(ActKind.CALM)
        end = self._now + PATIENCE
        while self._now < end and not self._is_full and not self._has_converged() and not self.world.stalled(ROUNDS):
            self.go_to(min(end, self._now + HOUR))
        if self._has_converged():
            self._note(ActKind.CONVERGED)
            self.go_to(self._now + LINGER)

    def finish(self) -> Recording:
        """End the run and return what was recorded."""
        self.go_to(self._now)
        self._note(ActKind.ENDS)
        self.dump()
        effects = self._supervised.effects()
        if self.world.has_process:  # what it writes when it ends belongs to the recording
            self._supervised.end(self._folder, in_order=True)
        return self._recording(None if effects is None else tuple(effects))

    def dump(self) -> None:
        """Record what the client has stored, if it can show that."""
        asked_seq = self.world.last
        records = self._supervised.dump()
        if records is not None:
            kept = tuple(map(_with_digest, records))
            self._dumps.append(Dump(self.world.last, self.world.now_ms, kept, asked_seq))

    def _recording(self, effects: tuple[Effect, ...] | None) -> Recording:
        client, has_process = self._supervised, self.world.has_process
        return Recording(
            scenario=self.scenario,
            entries=self.world.entries(),
            profile=self.world.profile,
            can=client.can | ({Capability.OWN_PROCESS} if has_process else set()),
            acts=tuple(self._acts),
            dumps=tuple(self._dumps),
            effects=effects,
            calm_seq=self._calm_seq,
            findings=(*client.findings, *self.world.findings) if has_process else tuple(client.findings) or None,
            unimplemented=client.unimplemented,
            log=client.log.masked(self.world.secrets) if has_process else (),
            verbs=tuple(client.verbs),
        )

    def _has_converged(self) -> bool:
        return self._supervised.is_up and self.world.converged()

    @property
    def _now(self) -> int:
        """The world's time in ms after midnight."""
        return self.world.now_ms - MIDNIGHT

    @property
    def _is_full(self) -> bool:
        return self.world.last - self.scenario.since >= MOST_LINES

    @property
    def _client_now_ms(self) -> int:
        return self.world.now_ms + self._clock_off_ms

    def _note(self, kind: ActKind, text: str = "", *, off_ms: int | None = None) -> None:
        self._acts.append(Act(self.world.last, self.world.now_ms, kind, text, off_ms))

    def _start(self) -> None:
        is_restart = any(act.kind is ActKind.START for act in self._acts)
        self._supervised.start(self._client_now_ms, self._folder)
        if is_restart:
            self.dump()  # what has outlived the crash, before anything is reported again
        self._drain()

    def _restart_if_due(self) -> None:
        if self._supervised.is_due:
            self._start()

    def _next_moment(self) -> int:
        """When the client or the world has something to do."""
        client = self._supervised
        moments = [self.world.next_at, client.down_until]
        if client.is_up and Capability.ADVANCE in client.can:
            moments.append(self._next_wake())
        elif client.is_up:
            moments.append(self._next_sync)
        return min(each for each in moments if each is not None) if any(moments) else self.world.now_ms + TICK

    def _next_wake(self) -> int:
        """When to run the client's timers. One that asks for the past waits a second, or time would stand still."""
        now_ms, wakes_at = self.world.now_ms, self._supervised.wakes_at()
        if wakes_at is None:
            return now_ms + TICK
        at_ms = wakes_at - self._clock_off_ms
        return at_ms if at_ms > now_ms else now_ms + SECOND

    def _run_timers(self) -> None:
        """Run the client's own timers, or tell a client without timers to sync when that is due."""
        client = self._supervised
        if not client.is_up:
            return
        if Capability.ADVANCE in client.can:  # before it takes messages: it must know what time it is by then
            client.ask(Capability.ADVANCE, lambda each: each.advance(self._client_now_ms))
        else:
            self._drain()
        if Capability.ADVANCE not in client.can and self.world.now_ms >= self._next_sync:
            self._sync()
            self._next_sync = self.world.now_ms + SYNC_EVERY
        self._drain()

    def _sync(self) -> None:
        self._supervised.ask(Capability.SYNC, lambda client: client.sync(self._client_now_ms))

    def _drain(self) -> None:
        """Let the client take every message that has come to it, also over the connection that replaces a lost one."""
        client = self._supervised
        while client.is_up:
            ask_quiet = self._quiet if Capability.QUIET in client.can else None
            self.world.drain(ask_quiet)
            if Capability.PAUSES in client.can or not self.world.has_cut():
                return
            if not self.world.await_connection(ask_quiet):
                self._note(ActKind.NOT_BACK)
                return

    def _quiet(self) -> None:
        self._supervised.ask(Capability.QUIET, lambda client: client.quiet())

    def _strike(self, step: Strikes) -> None:
        """Direct a fault. A client that reconnects in real time is not cut off so often that it takes minutes."""
        is_long = step.kind in CUTS and Capability.PAUSES not in self._supervised.can
        self.world.strikes(replace(step, times=min(step.times, CUTS_IN_REAL_TIME)) if is_long else step)

    def _crash(self, step: Crashes) -> None:
        if self._supervised.is_up and Capability.CRASH in self._supervised.can:
            self._supervised.crash(step.down_ms)
            self._restart_if_due()

    def _set_clock(self, step: ClockJumps) -> None:
        """Change the client's clock, and let it look at it at once: its timers need not run by that clock."""
        self._clock_off_ms = step.off_ms
        self._run_timers()


def play(scenario: Scenario, make_client: MakeClient) -> Recording:
    """Play a scenario to a client from beginning to end."""
    with Session(scenario, make_client) as session:
        return session.run()


def _with_digest(record: DumpedRecord) -> DumpedRecord:
    """The record with a digest of its hash of the content: some clients give the content itself, plates and all."""
    text = record.content_hash
    if text is None:
        return record
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return record._replace(content_hash=digest[:16])
