"""A running server and what a test does to it: from outside over HTTP, or by a function on the server's own loop."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import requests

from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.server import ThreadedServer
from tests.support import LOT

T = TypeVar("T")

DEADLINE_S = 60.0
"""How long a test waits for a fact before it fails: many times what any of them takes."""

_LOOK_EVERY_S = 0.01
MINUTE = 60_000


def wait_until(fact: Callable[[], T], what: str) -> T:
    """The first truthy value of `fact`, however long it takes up to the deadline."""
    give_up_at = time.monotonic() + DEADLINE_S
    while not (value := fact()):
        assert time.monotonic() < give_up_at, f"waited {DEADLINE_S:.0f} s in vain: {what}"
        time.sleep(_LOOK_EVERY_S)
    return value


@dataclass(frozen=True)
class Call:
    """One call of the vendor's API as the history tells it. `code` is None for a success."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    code: int | None

    @property
    def summary(self) -> tuple[str, int | None]:
        """What was called and how it ended; token paths without what is masked in them."""
        kind = "refresh" if self.path.startswith("/v1.0/token/") else self.path.removeprefix("/v1.0/")
        return kind, self.code


@dataclass(frozen=True)
class World:
    """One server with one project on the system clock."""

    threaded: ThreadedServer
    project: Project

    @property
    def api(self) -> str:
        """The address of the vendor's API."""
        return self.threaded.server.api

    @property
    def ws(self) -> str:
        """The address of the message queue."""
        return self.threaded.server.ws

    @property
    def access_id(self) -> str:
        """The project's access id."""
        return self.project.access_id

    @property
    def access_secret(self) -> str:
        """The project's access secret."""
        return self.project.access_secret

    # What happens to the world.

    def add_passes(self, count: int, **fields: object) -> list[str]:
        """Let vehicles enter in the past minute, oldest first; `fields` go into each record. Their record ids."""
        now = self.now_ms()
        record = {"data_type": 0, "pass_direction": 0, **fields}
        records = [{**record, "event_time": now - MINUTE + place} for place in range(count)]
        kept: Any = self._lab("POST", f"devices/{LOT}/records", records)
        return [each["record_id"] for each in kept]

    def take_lot_off_line(self) -> None:
        """The ordinary lot loses its line."""
        self._lab("PATCH", f"devices/{LOT}", {"online": False})

    def age_token(self, remaining_s: int) -> None:
        """Leave the live token that many seconds. There is no lab route for it, so it is done on the server's loop."""
        tokens = self.project.tokens

        def age() -> None:
            expires_at = self.project.clock.now_ms() + remaining_s * 1000
            tokens._pairs.put("live", replace(tokens.grant(), expires_at=expires_at))

        self.run(age)

    def expire_token(self) -> None:
        """The live access token dies of age; its refresh token works."""
        self.run(self.project.tokens.expire)

    def refresh_token_elsewhere(self) -> None:
        """Another process of the same project refreshes the shared token: both old tokens are dead."""
        tokens = self.project.tokens
        self.run(lambda: tokens.refresh(tokens.grant().refresh_token))

    def run(self, function: Callable[[], T]) -> T:
        """Run a function where the project lives, on the server's loop, and wait for its result."""

        async def on_loop() -> T:
            return function()

        return self.await_on_loop(on_loop())

    def await_on_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop and wait for its result."""
        loop = self.threaded._loop
        assert loop is not None
        future: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, loop)
        return future.result(DEADLINE_S)

    # What the world tells.

    def now_ms(self) -> int:
        """The project's time."""
        return self.project.clock.now_ms()

    def rereports(self) -> list[dict[str, Any]]:
        """What was re-reported, oldest first."""
        rereports: list[dict[str, Any]] = self._lab("GET", "rereports")
        return rereports

    def history(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """The history's entries of a kind that have these fields."""
        response = requests.get(self._lab_url("history"), timeout=DEADLINE_S)
        entries = [json.loads(line) for line in response.content.splitlines()]
        return [entry for entry in entries if {**entry, **fields, "kind": kind} == entry]

    def calls(self) -> list[Call]:
        """The calls of the vendor's API so far."""
        codes = {answer["request"]: answer["code"] for answer in self.history("answer")}
        shown = ("method", "path", "query", "headers", "body")
        return [
            Call(code=codes[request["seq"]], **{name: request[name] for name in shown})
            for request in self.history("request")
            if request["seq"] in codes
        ]

    def summaries(self) -> list[tuple[str, int | None]]:
        """The calls so far: what was called, and the code of the answer, None for a success."""
        return [call.summary for call in self.calls()]

    def wait_for(self, kind: str, count: int = 1, **fields: object) -> list[dict[str, Any]]:
        """Wait until the history has `count` such entries."""

        def enough() -> list[dict[str, Any]]:
            found = self.history(kind, **fields)
            return found if len(found) >= count else []

        return wait_until(enough, f"{count} times {kind} with {fields}")

    def wait_until_idle(self) -> None:
        """Wait until every message is acknowledged and no timer is left."""
        answer: Any = self._lab("GET", f"idle?timeout_ms={int(DEADLINE_S * 1000)}")
        assert answer["idle"], answer

    def _lab(self, method: str, path: str, body: object = None) -> Any:
        response = requests.request(method, self._lab_url(path), json=body, timeout=DEADLINE_S)
        assert response.ok, response.text
        return response.json()

    def _lab_url(self, path: str) -> str:
        return f"{self.threaded.server.lab}/_lab/projects/{self.access_id}/{path}"


class StartWorld(Protocol):
    """Starts a server with a profile of its own, or with a clock that is ahead of the machine's."""

    def __call__(self, profile: Profile | None = None, ahead_ms: int = 0) -> World:
        """The running server."""


def sync_body(world: World, *claims: int, data_type: int = 0) -> dict[str, Any]:
    """The body of a records/sync about the past hour, in camel case: one sync info for each claimed count."""
    now = world.now_ms()
    info = {"startTime": now - 60 * MINUTE, "endTime": now, "passDirection": 0}
    return {"dataType": data_type, "recordSyncInfos": [{"totalCount": claim, **info} for claim in claims]}


@dataclass
class Tap:
    """Stands between a client and an address and keeps the bytes that pass."""

    sent: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)
    port: int = 0

    async def open(self, target_port: int) -> asyncio.Server:
        """Listen on a free port and pass everything on to a local port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target_port)
            await asyncio.gather(
                _pass_on(reader, far_writer, self.sent),
                _pass_on(far_reader, writer, self.answered),
                return_exceptions=True,
            )

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        return listening

    def head(self) -> list[str]:
        """The lines of the first request's head."""
        return bytes(self.sent).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    try:
        while chunk := await reader.read(65536):
            kept += chunk
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
