"""A client elsewhere, spoken to in the client protocol. What carries the calls is a subclass's business."""

from abc import abstractmethod
from typing import Any

from contracts.client.interface import Capability, Client, DumpedRecord, Effect, Start, UnimplementedError, Window
from contracts.client.protocol import PROTOCOL, ClientFailedError, read_can, read_dump, read_effects
from mock_server.model import JsonObject


class RemoteClient(Client):
    """A client behind a wire. `agent` and `version` are what it calls itself."""

    agent = ""
    version = ""

    def __init__(self) -> None:
        self._can: frozenset[Capability] = frozenset()
        self._wakes_at: int | None = None

    @abstractmethod
    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb and wait for its result. UnimplementedError, ClientFailedError or another exception otherwise."""

    def hello(self) -> None:
        """Ask what it is and what it can."""
        told: Any = self.ask("hello", protocol=PROTOCOL)
        self._can = read_can(told)
        self.agent, self.version = str(told.get("agent", "")), str(told.get("version", ""))

    @property
    def can(self) -> frozenset[Capability]:
        """The verbs that it said it has."""
        return self._can

    def start(self, start: Start) -> None:
        """Tell it the world."""
        self.ask(
            "start",
            exports=start.exports,
            now_ms=start.now_ms,
            tz=start.tz,
            profile=start.profile,
            folder=str(start.folder),
        )

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """One pass."""
        chosen = {} if window is None else {"window": window._asdict()}
        self.ask("sync", now_ms=now_ms, **chosen)

    def advance(self, now_ms: int) -> None:
        """Its timers. It may say when it wants to be woken next."""
        self._wakes_at = None
        self._take_wake(self.ask("advance", now_ms=now_ms), now_ms)

    def _take_wake(self, result: JsonObject, after_ms: int = 0) -> None:
        wake_ms = result.get("wake_ms")
        if type(wake_ms) is int and wake_ms > after_ms:
            self._wakes_at = wake_ms

    def wakes_at(self) -> int | None:
        """What the last `advance` said, or a `quiet` since: what has come may be a lost connection."""
        return self._wakes_at

    def quiet(self) -> None:
        """Everything received so far is stored and acknowledged. It may say when it wants to be woken now."""
        self._take_wake(self.ask("quiet"))

    def dump(self) -> list[DumpedRecord]:
        """Its records."""
        return read_dump(self.ask("dump"))

    def effects(self) -> list[Effect]:
        """Its effects."""
        return read_effects(self.ask("effects"))

    def stop(self) -> None:
        """End in order."""
        self.ask("stop")


def raise_error(verb: str, code: str, message: str) -> None:
    """What an error answer means."""
    if code == "unimplemented":
        raise UnimplementedError(message or verb)
    raise ClientFailedError(f"{verb} {code}: {message}")
