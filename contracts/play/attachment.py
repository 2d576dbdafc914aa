"""Making clients from their specification: in this process, as a process of their own, or behind a URL."""

import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contracts.client.child_process import NO_PROCESSES, has_processes
from contracts.client.http_client import HttpClient
from contracts.client.interface import Capability, Client, MakeClient, ProcessError, ProcessProblem, UnimplementedError
from contracts.client.process import PATIENCE_S, ProcessClient
from contracts.client.replicas import Replicas
from contracts.client.spec import (
    OBSERVED,
    ClientNotFoundError,
    ClientSpec,
    command_words,
    load_client,
    read_spec,
)
from contracts.play.in_process_world import InProcessWorld
from contracts.play.scenario import Scenario
from contracts.play.world import World
from mock_server.model import JsonObject

if TYPE_CHECKING:
    from contracts.play.served_world import ServedWorld

WINDOW_MS = 3_000
"""The length of a window of an observed client, in milliseconds of real time: long compared with one call."""

HANGS = 2
"""After this many hangs the patience with a client is shortened to `SHORT_PATIENCE_S`."""

SHORT_PATIENCE_S = 3.0


class ClientMaker(ABC):
    """A `MakeClient` for clients outside this process, with the world that they can reach."""

    def __call__(self, exports: JsonObject) -> Client:
        """A client for the world of the empty scenario."""
        return self.client(Scenario(), exports)

    @abstractmethod
    def client(self, scenario: Scenario, exports: JsonObject) -> Client:
        """A client for the world of one scenario."""

    @abstractmethod
    def world(self, scenario: Scenario) -> World:
        """A world for one scenario."""


class RemoteClientMaker(ClientMaker):
    """Makes clients that are processes of their own, or behind a URL."""

    def __init__(self, spec: ClientSpec, patience_s: float = PATIENCE_S, place: int = 0) -> None:
        self._spec = spec
        self._command = shlex.split(spec.target) if spec.kind == "exec" else []
        self._patience_s = patience_s
        self._place = place
        self._made: list[ProcessClient | HttpClient] = []
        self._world: ServedWorld | None = None
        self._hangs = 0

    def world(self, scenario: Scenario) -> World:
        """A project of its own on a real server."""
        from contracts.play.served_world import ServedWorld  # noqa: PLC0415 in-process checks need no server

        self._hangs += 0 if self._world is None else self._world.missed
        self._world = ServedWorld(scenario, self._patience_now_s)
        return self._world

    @property
    def _patience_now_s(self) -> float:
        return self._patience_s if self._hangs < HANGS else min(SHORT_PATIENCE_S, self._patience_s)

    def client(self, scenario: Scenario, exports: JsonObject) -> Client:  # noqa: ARG002 the client gets them with `start`
        """A process in the scenario's time zone, or the client behind the URL."""
        self._hangs += sum(client.has_hung for client in self._made)
        patience_s = self._patience_now_s
        client: ProcessClient | HttpClient
        if self._spec.kind == "exec":
            client = ProcessClient(self._command, {"TZ": scenario.tz}, patience_s)
        else:
            client = HttpClient(self._spec.urls[self._place], patience_s)
        self._made = [*[each for each in self._made if not each.has_hung][-1:], client]
        return client


def load(name: str, patience_s: float = PATIENCE_S, place: int = 0) -> MakeClient:
    """A function that makes the client of a spec, given as text. ClientNotFoundError says what is wrong with it.

    Of several URLs it is the client behind the one at that `place`.
    """
    spec = read_spec(name)
    if name.startswith(OBSERVED):
        raise ClientNotFoundError("an observed client runs on its own schedule: nothing of it can be repeated exactly")
    if spec.kind == "client":
        return load_client(spec.target)
    if spec.kind == "http":
        _check_urls(spec.urls)
    if spec.kind == "exec":
        command_words(spec.target)
        if not has_processes():
            raise ClientNotFoundError(NO_PROCESSES)
    return RemoteClientMaker(spec, patience_s, place)


def _check_urls(urls: Sequence[str]) -> None:
    for url in urls or [""]:
        if not url.startswith(("http://", "https://")):
            raise ClientNotFoundError(f"{url!r} is no URL: it begins with http:// or https://")
        if urls.count(url) > 1:
            raise ClientNotFoundError(f"{url} is named twice: one scenario at a time is played to a URL")


def agent_of(spec: ClientSpec, patience_s: float = PATIENCE_S) -> str:
    """The name and version that a client elsewhere answers to `hello`, behind the first of several URLs.

    ClientNotFoundError if it cannot be reached, behind any of them, or gives no proper answer: then nothing can be
    played to it.
    """
    names = [_agent_at(spec, patience_s, place) for place in range(len(spec.urls) or 1)]
    return names[0]


def _agent_at(spec: ClientSpec, patience_s: float, place: int) -> str:
    client = load(str(spec), patience_s, place)({})
    try:
        problem: Exception | None = getattr(client, "problem", None)
        if problem is not None:
            raise ClientNotFoundError(_hello_text(spec, problem))
        name = f"{getattr(client, 'agent', '')} {getattr(client, 'version', '')}".strip()
        return name or spec.target
    finally:
        client.end()


def _hello_text(spec: ClientSpec, problem: Exception) -> str:
    if isinstance(problem, ProcessError) and problem.kind is ProcessProblem.ABSENT:
        return str(problem)
    if isinstance(problem, UnimplementedError):
        return f"{spec.option} implements nothing, not even hello: {problem}"
    return f"{spec.option} gives no proper answer to hello: {problem}"


def world_of(make_client: MakeClient, scenario: Scenario) -> World:
    """The world in which clients of one make are judged."""
    return make_client.world(scenario) if isinstance(make_client, ClientMaker) else InProcessWorld(scenario)


def client_of(make_client: MakeClient, scenario: Scenario, exports: JsonObject) -> Client:
    """A client of one make, or as many of them behind one `Client` as the scenario has instances.

    One that runs alone stays alone.
    """

    def one() -> Client:
        if isinstance(make_client, ClientMaker):
            return make_client.client(scenario, exports)
        return make_client(exports)

    first = one()
    if scenario.instances == 1 or Capability.INSTANCES not in first.can:
        return first
    return Replicas([first, *(one() for _ in range(1, scenario.instances))])
