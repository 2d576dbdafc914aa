"""A client in another process, called by the client protocol. Subclasses carry the calls: lines or HTTP."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from contracts.client.interface import (
    Capability,
    Client,
    DumpedRecord,
    Effect,
    ProcessError,
    ProcessProblem,
    Start,
    UnimplementedError,
    Window,
)
from contracts.client.protocol import PROTOCOL, ClientFailedError, ProtocolError, read_can, read_dump, read_effects
from mock_server.model import JsonObject

T = TypeVar("T")


class RemoteClient(Client):
    """A client in another process. `agent` and `version` are its answer to `hello`."""

    agent = ""
    version = ""

    def __init__(self) -> None:
        self._can: frozenset[Capability] = frozenset()
        self._wakes_at: int | None = None

    @abstractmethod
    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb and return its result. UnimplementedError, ClientFailedError or ProcessError otherwise."""

    def hello(self) -> None:
        """Ask for its name, its version and its verbs."""
        answer: Any = self.ask("hello", protocol=PROTOCOL)
        self._can = _read(read_can, "hello", answer)
        self.agent, self.version = str(answer.get("agent", "")), str(answer.get("version", ""))

    @property
    def can(self) -> frozenset[Capability]:
        """The verbs of its answer to `hello`."""
        return self._can

    def start(self, start: Start) -> None:
        """Call `start`."""
        self.ask(
            "start",
            exports=start.exports,
            now_ms=start.now_ms,
            tz=start.tz,
            profile=start.profile,
            folder=str(start.folder),
        )

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Call `sync`."""
        chosen = {} if window is None else {"window": window._asdict()}
        self.ask("sync", now_ms=now_ms, **chosen)

    def advance(self, now_ms: int) -> None:
        """Call `advance`. The answer may have `wake_ms`, when its next timer is due."""
        self._wakes_at = None
        self._read_wake(self.ask("advance", now_ms=now_ms), now_ms)

    def _read_wake(self, result: JsonObject, after_ms: int = 0) -> None:
        wake_ms = result.get("wake_ms")
        if type(wake_ms) is int and wake_ms > after_ms:
            self._wakes_at = wake_ms

    def wakes_at(self) -> int | None:
        """The newest `wake_ms`: of `advance`, or of a `quiet` since, which may have found the connection lost."""
        return self._wakes_at

    def quiet(self) -> None:
        """Call `quiet`. The answer may have a new `wake_ms`."""
        self._read_wake(self.ask("quiet"))

    def dump(self) -> list[DumpedRecord]:
        """Call `dump`."""
        return _read(read_dump, "dump", self.ask("dump"))

    def effects(self) -> list[Effect]:
        """Call `effects`."""
        return _read(read_effects, "effects", self.ask("effects"))

    def stop(self) -> None:
        """Call `stop`."""
        self.ask("stop")


def _read(read: Callable[[JsonObject], T], verb: str, answer: JsonObject) -> T:
    """The content of an answer. ProcessError if it violates the protocol: the process has broken it."""
    try:
        return read(answer)
    except ProtocolError as error:
        raise ProcessError(ProcessProblem.BAD_ANSWER, f"the answer to {verb}: {error}") from None


def raise_error(verb: str, code: str, message: str) -> None:
    """Raise the exception that an error answer stands for."""
    if code == "unimplemented":
        raise UnimplementedError(message or verb)
    raise ClientFailedError(f"{verb} {code}: {message}")
