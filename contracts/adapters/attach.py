"""The ways in which a client is attached, by name: in this process, as a process, behind a URL."""

import shlex
from typing import Literal, NamedTuple, TypeAlias

from contracts.adapters.http_client import HttpClient
from contracts.adapters.process import PATIENCE_S, ProcessClient
from contracts.client import Client, MakeClient, ProcessError, UnimplementedError
from contracts.loading import ClientNotFoundError, load_client
from contracts.scenario import Scenario
from contracts.world import AnyWorld, Attached
from mock_server.model import JsonObject

How: TypeAlias = Literal["client", "exec", "http"]
HOWS: tuple[How, ...] = ("client", "exec", "http")

OBSERVED = "observe "
"""What the text of a client that is only observed begins with."""

WINDOW_MS = 3_000
"""How long a window that would be an hour is for a client that is only observed: long beside what a call takes."""

HANGS = 2
"""A client that has hung so often is not waited for so long again."""

SHORT_PATIENCE_S = 3.0


class Way(NamedTuple):
    """A way to a client. As text it is `MODULE:NAME`, `exec CMD` or `http URL`."""

    how: How
    what: str

    def __str__(self) -> str:
        return self.what if self.how == "client" else f"{self.how} {self.what}"

    @property
    def option(self) -> str:
        """The option of the command line that names it."""
        return f"--{self.how} {shlex.quote(self.what)}"

    @property
    def is_elsewhere(self) -> bool:
        """Whether the client is in no process of the judge."""
        return self.how != "client"


def read_way(text: str) -> Way:
    """The reverse of `str`."""
    how, _, what = text.partition(" ")
    if how == "exec":
        return Way("exec", what)
    return Way("http", what) if how == "http" else Way("client", text)


class Elsewhere(Attached):
    """Makes clients that are processes, or behind a URL."""

    def __init__(self, way: Way, patience_s: float = PATIENCE_S) -> None:
        self._way = way
        self._command = shlex.split(way.what) if way.how == "exec" else []
        self._patience_s = patience_s
        self._made: list[ProcessClient | HttpClient] = []
        self._hangs = 0

    def world(self, scenario: Scenario) -> AnyWorld:
        """A project of its own on a real server."""
        from contracts.adapters.served_world import ServedWorld  # noqa: PLC0415 who stays in process needs no server

        return ServedWorld(scenario)

    def client(self, scenario: Scenario, exports: JsonObject) -> Client:  # noqa: ARG002 it is told when it starts
        """A process in the scenario's time zone, or the client behind the URL."""
        self._hangs += sum(client.has_hung for client in self._made)
        patience_s = self._patience_s if self._hangs < HANGS else min(SHORT_PATIENCE_S, self._patience_s)
        client: ProcessClient | HttpClient
        if self._way.how == "exec":
            client = ProcessClient(self._command, {"TZ": scenario.tz}, patience_s)
        else:
            client = HttpClient(self._way.what, patience_s)
        self._made = [*[each for each in self._made if not each.has_hung][-1:], client]
        return client


def load(name: str, patience_s: float = PATIENCE_S) -> MakeClient:
    """What makes the client of a way, given as text. ClientNotFoundError says what is wrong with it."""
    way = read_way(name)
    if name.startswith(OBSERVED):
        raise ClientNotFoundError("an observed client runs on its own schedule: nothing of it can be repeated exactly")
    if way.how == "client":
        return load_client(way.what)
    if way.how == "http" and not way.what.startswith(("http://", "https://")):
        raise ClientNotFoundError(f"{way.what!r} is no URL: it begins with http:// or https://")
    if way.how == "exec" and not _words(way.what):
        raise ClientNotFoundError("the command is empty")
    return Elsewhere(way, patience_s)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ClientNotFoundError(f"{command!r} is no command line: {error}") from None


def agent_of(way: Way, patience_s: float = PATIENCE_S) -> str:
    """What a client calls itself. ClientNotFoundError if there is none."""
    client = load(str(way), patience_s)({})
    try:
        problem = getattr(client, "problem", None)
        if isinstance(problem, ProcessError) and problem.kind == "absent":
            raise ClientNotFoundError(str(problem))
        if isinstance(problem, UnimplementedError):
            return way.what
        told = f"{getattr(client, 'agent', '')} {getattr(client, 'version', '')}".strip()
        return told or way.what
    finally:
        client.end()
