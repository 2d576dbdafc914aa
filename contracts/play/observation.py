"""Observing a client: it gets addresses and keys only, runs on its own schedule, and is judged by its traffic.

Each session is a project of its own, with its own keys, on the system's clock. Windows are scaled: what is an hour
elsewhere is some seconds here, and the client is told how many. A session is WAITING until the client's first call,
RUNNING while the steps are played, SETTLING while no more faults strike, then FINISHED. Each part has a time limit.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

from contracts.client.child_process import Child
from contracts.client.interface import Capability, ProcessProblem
from contracts.client.process import PATIENCE_S
from contracts.play.attachment import WINDOW_MS
from contracts.play.leaks import leaks, masked
from contracts.play.log_tail import LogTail
from contracts.play.recording import Act, ActKind, Finding, OutputFinding, Recording
from contracts.play.scenario import MIDNIGHT, Happens, RecordKind, Scenario, Step, Strikes, moved
from contracts.play.served_world import ServedWorld
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, RequestReceived
from mock_server.model import JsonObject
from mock_server.wire.paths import SYNC_PREFIX

SessionState: TypeAlias = Literal["WAITING", "RUNNING", "SETTLING", "FINISHED"]
OnState: TypeAlias = Callable[[str, SessionState], None]

PATIENCE_WINDOWS, LINGER_WINDOWS = 12, 2
"""How many windows a client has to converge once faults have ended, and how many it is watched after that."""

ROUNDS = 6
"""So many unequal comparisons of one cell end a session before its time limit."""


class ObservedWorld(ServedWorld):
    """A project on the system's clock."""

    def settings(self) -> dict[str, Any]:
        """As in every world, but for the time."""
        return {name: value for name, value in super().settings().items() if name != "now_ms"} | {"clock": "system"}


def plan(window_ms: int) -> dict[str, tuple[Step, ...]]:
    """What happens in each session, by its name; times are milliseconds after the first sign of life."""

    def at(windows: float) -> int:
        return round(windows * window_ms)

    kinds: tuple[RecordKind, ...] = ("enter", "leave", "bill")
    quiet = [Happens(at(0.1 * n), f"r{n}", kinds[n % 3]) for n in range(1, 7)]
    lossy: list[Step] = [
        Happens(at(0.1), "r1"),
        Happens(at(0.2), "r2", copies=0),
        Happens(at(0.4), "r3", "leave", copies=2),
        Happens(at(0.5), "r4", "bill", copies=0, again=(0,)),
        Happens(at(0.6), "r5", lot=1, copies=0),
        Happens(at(1.1), "r6", "leave", copies=0, again=(2, 0)),
        Happens(at(1.2), "r7", plate="京B10007"),
        Happens(at(1.6), "r8", "bill", copies=2),
    ]
    stormy = [
        *lossy,
        Strikes(at(0.7), FaultKind.ANSWER_BUSY, 1110, path=SYNC_PREFIX),
        Strikes(at(1.3), FaultKind.ANSWER_LOSE, path=SYNC_PREFIX),
        Strikes(at(1.5), FaultKind.TOKEN_EXPIRE),
        Strikes(at(1.5), FaultKind.SOCKET_CLOSE),
        Happens(at(1.7), "r9"),
    ]
    return {"quiet": tuple(quiet), "lossy": tuple(lossy), "stormy": tuple(stormy)}


@dataclass
class Observation:
    """One session. `variables` are the environment of the client, `state` is the state of the session."""

    name: str
    steps: tuple[Step, ...]
    window_ms: int = WINDOW_MS
    waits_s: float = PATIENCE_S
    on_state: OnState = lambda _name, _state: None
    state: SessionState = "WAITING"
    _acts: list[Act] = field(default_factory=list)
    _findings: list[Finding] = field(default_factory=list)
    _log: LogTail = field(default_factory=LogTail)
    _child: Child | None = None
    _calm_seq: int | None = None

    @property
    def has_appeared(self) -> bool:
        """Whether the client has ever called or connected."""
        return self._calm_seq is not None

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._world = self._open.enter_context(ObservedWorld(Scenario(self.steps, lots=("tuya", "tuya"))))
        self._open.callback(self._end_process)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def exports(self) -> JsonObject:
        """The object of `serve --json`."""
        return self._world.exports

    @property
    def variables(self) -> dict[str, str]:
        """The same as environment variables, and how long a window is."""
        exports: Any = self.exports
        return {
            "PARKING_MOCK_API": exports["api"],
            "PARKING_MOCK_WS": exports["ws"],
            "PARKING_MOCK_PULSAR": exports["pulsar"],
            "PARKING_MOCK_ACCESS_ID": exports["access_id"],
            "PARKING_MOCK_ACCESS_SECRET": exports["access_secret"],
            "PARKING_MOCK_DEVICES": ",".join(each["device_id"] for each in exports["devices"] if each["kind"] == "lot"),
            "PARKING_MOCK_WINDOW_MS": str(self.window_ms),
        }

    def launch(self, command: list[str]) -> None:
        """Start the client. ProcessError if that is not possible."""
        child = self._child = Child(command, self.variables)

        def wake_when_ended() -> None:
            child.process.wait()
            self._world.do(self._world.parking.project.history.wake)

        threading.Thread(target=wake_when_ended, daemon=True).start()

    def run(self) -> Recording:
        """Play the session to its end, whether the client appears or not."""
        self._note(ActKind.START)
        played: list[Step] = []
        self._enter_state("WAITING")
        if self._wait_until(self._has_appeared, self.waits_s):
            self._enter_state("RUNNING")
            played = self._play()
            self._enter_state("SETTLING")
            self._settle()
        self._note(ActKind.ENDS)
        self._enter_state("FINISHED")
        self._end_process()
        return self._recording(tuple(played))

    def _enter_state(self, state: SessionState) -> None:
        self.state = state
        self.on_state(self.name, state)

    def _note(self, kind: ActKind, text: str = "") -> None:
        self._acts.append(Act(self._world.last, self._world.now_ms, kind, text))

    def _has_appeared(self) -> bool:
        """Whether the client has called or connected."""
        return any(isinstance(entry.event, RequestReceived | ConsumerChanged) for entry in self._world.entries())

    def _play(self) -> list[Step]:
        """Play each step at its time; return them with the times at which they were played."""
        start = self._world.now_ms
        steps = [moved(step, start - MIDNIGHT) for step in sorted(self.steps, key=lambda each: each.at)]
        for step in steps:
            self._wait_for_time(MIDNIGHT + step.at)
            self._note(ActKind(step.step))
            if isinstance(step, Happens):
                self._world.happens(step)
            elif isinstance(step, Strikes):
                self._world.strikes(step)
        self._wait_for_time(self._world.now_ms + self.window_ms)
        return steps

    def _settle(self) -> None:
        self._world.calm()
        self._calm_seq = self._world.last
        self._note(ActKind.CALM)
        self._wait_until(self._is_settled, PATIENCE_WINDOWS * self.window_ms / 1000)
        if self._world.converged():
            self._note(ActKind.CONVERGED)
            self._wait_for_time(self._world.now_ms + LINGER_WINDOWS * self.window_ms)

    def _is_settled(self) -> bool:
        """Whether client and lots have converged, or will not."""
        return self._world.converged() or self._world.stalled(ROUNDS)

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds, the client's process ends or the time is up; whether the condition holds."""
        self._world.parking.wait_until(lambda: condition() or self._has_ended(), timeout_s)
        return condition()

    def _wait_for_time(self, at_ms: int) -> None:
        """Wait until the system's clock reaches a time; a second more is for a busy machine."""
        clock, history = self._world.parking.project.clock, self._world.parking.project.history
        self._world.do(lambda: clock.call_at(at_ms, history.wake))
        self._world.parking.wait_until(lambda: clock.now_ms() >= at_ms, (at_ms - self._world.now_ms) / 1000 + 1)

    def _has_ended(self) -> bool:
        return self._child is not None and self._child.process.poll() is not None

    def _end_process(self) -> None:
        """End the client with every process that it has started, and search what it has written."""
        child, self._child = self._child, None
        if child is None:
            return
        seq = self._world.last
        code = child.process.poll()
        child.end()
        secrets = self._world.secrets
        if code is not None:
            text = f"it ended by itself with exit code {code}{child.log_tail()}"
            self._findings.append(Finding(ProcessProblem.ENDED, seq, masked(text, secrets)))
            self._note(ActKind.DIED, masked(text, secrets))
        lines = child.log.take()
        self._log.add(lines, self._world.now_ms)
        self._findings += leaks(lines, secrets, seq)
        self._findings.append(Finding(OutputFinding.WATCHED, seq, "all that it has written"))

    def _recording(self, played: tuple[Step, ...]) -> Recording:
        was_process = any(finding.kind is OutputFinding.WATCHED for finding in self._findings)
        return Recording(
            scenario=replace(self._world.scenario, steps=played),
            entries=self._world.entries(),
            profile=self._world.profile,
            can=frozenset({Capability.PAUSES, *([Capability.OWN_PROCESS] if was_process else [])}),
            acts=tuple(self._acts),
            calm_seq=self._calm_seq,
            findings=tuple(self._findings) if was_process else None,
            log=self._log.masked(self._world.secrets),
        )
