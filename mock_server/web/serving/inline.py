"""Calls a WSGI application on the event loop, without a thread: correct because no view blocks.

A view that has to wait calls `wait_for` and returns; it is called again after the next change or at its timeout, and
its answer counts once it does not ask to wait.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from mock_server.clock import Clock
from mock_server.state.store import StoreError
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from mock_server.web.serving.wsgi import Answer, call_wsgi, close_parts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

MAX_DRAINED = 256 * 1024 * 1024
"""The most bytes of a body over the limit that are read and discarded.

Most clients read the answer only after they have sent their whole body, and closing the connection before would show
them a connection error in place of the answer. A longer body gets its answer while it is sent.
"""

HELD_BODIES = 4
MIN_HELD = 64 * 1024 * 1024
"""The most bytes of all bodies that an application holds at one time: `HELD_BODIES` of the longest ones, and at least
`MIN_HELD`.

Whoever sends bodies slowly on many connections could fill the memory otherwise, before anything is authenticated.
"""

HOLD = "mock_server.hold"
DROP = "mock_server.drop"
"""Keys of a WSGI environment: the (clock, time) until which the answer is held, and that it is not to be sent."""

TRANSPORT = "mock_server.transport"
"""Key of the ASGI scope's extensions: the connection's `transport`, for answers that are never sent, and `refuse`,
which answers with a status and a reason in the form of the address and closes the connection."""

MEMORY = "mock_server.memory"
"""Key of a WSGI environment: a dictionary that lasts over the calls of a view for one request."""

CARRY_THROUGH = "mock_server.carry_through"
"""Key of that dictionary: the view is called until it answers, even if its caller closes the connection."""

_WAIT = "mock_server.wait"
_WAITED_MS = "mock_server.waited_ms"

Listen = Callable[[Callable[[], None]], Callable[[], None]]
"""Registers a callback for changes, and returns a function that removes it."""


@dataclass(frozen=True, slots=True)
class _Wait:
    listen: Listen
    timeout_ms: float


def wait_for(environ: dict[str, Any], listen: Listen, timeout_ms: float) -> bool:
    """Ask for another call of the view at the next change that `listen` reports, or at the timeout.

    `timeout_ms` is counted from the request's first call. False if it is over, or if the view is not called by
    `InlineWsgi`: then the view must answer now.
    """
    if environ.get(_WAITED_MS, math.inf) >= timeout_ms:
        return False
    environ[_WAIT] = _Wait(listen, timeout_ms)
    return True


def waited_ms(environ: dict[str, Any]) -> float:
    """The milliseconds since the request's first call; 0 if the view is not called by `InlineWsgi`."""
    waited: float = environ.get(_WAITED_MS, 0.0)
    return waited


def yield_turn(environ: dict[str, Any]) -> bool:
    """Ask for another call of the view in the loop's next iteration, after other requests.

    False if the view is not called by `InlineWsgi`: then the view must go on by itself.
    """
    if _WAITED_MS not in environ:
        return False
    environ[_WAIT] = _Wait(_next_iteration, 2**31)
    return True


def _next_iteration(changed: Callable[[], None]) -> Callable[[], None]:
    return asyncio.get_running_loop().call_soon(changed).cancel


def hold_until(environ: dict[str, Any], clock: Clock, at_ms: int) -> None:
    """Send the answer when a clock reaches `at_ms`."""
    environ[HOLD] = (clock, at_ms)


def drop(environ: dict[str, Any]) -> None:
    """Close the connection instead of answering."""
    environ[DROP] = True


class _Body:
    """A body as far as it was read: `size` in bytes, of which `kept` are in memory: none if it is over the limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = self.kept = 0

    @property
    def is_too_large(self) -> bool:
        """Whether it is over the limit."""
        return self.size > self._limit

    def add(self, chunk: bytes) -> int:
        """Add what was read; return by how many bytes that changes what is kept."""
        before = self.kept
        self.size += len(chunk)
        if self.is_too_large:
            self._chunks.clear()
            self.kept = 0
        else:
            self._chunks.append(chunk)
            self.kept += len(chunk)
        return self.kept - before

    def content(self) -> bytes:
        """The whole of it."""
        return b"".join(self._chunks)


class _Caller:
    """The client of a request. Whether it has closed its connection is known once `watch` was called.

    uvicorn reports that only to the latest request of a connection: with a pipelined request behind it, never.
    """

    def __init__(self, receive: "ASGIReceiveCallable") -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._on_gone: Callable[[], object] = lambda: None
        self.is_gone = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()

    def watch(self, on_gone: Callable[[], object] = lambda: None) -> None:
        """Call `on_gone`, in place of an earlier one, when the connection is closed."""
        self._on_gone = on_gone
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        self._on_gone()


def _not_made(error: StoreError) -> Answer:
    """Without a committer no store fails."""
    raise error


class InlineWsgi:
    """An ASGI application around a WSGI one.

    A request with a body over `max_body` bytes has `TOO_LARGE` in its environment, and no body.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        max_body: int,
        committer: Committer | None = None,
        on_failure: Callable[[StoreError], Answer] = _not_made,
    ) -> None:
        self._app = app
        self._committer = committer or Committer()
        self._on_failure = on_failure
        self._max_body = max_body
        self.max_held = max(HELD_BODIES * max_body, MIN_HELD)
        self._held = 0
        self._waiting: set[asyncio.Event] = set()
        self._ending = False

    def end_waits(self) -> None:
        """Let all waiting requests be answered now, and no further one wait: the server stops."""
        self._ending = True
        for waiting in self._waiting:
            waiting.set()

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one HTTP request. A WebSocket is refused."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket here"})
        elif scope["type"] == "http":
            held = _Body(self._max_body)
            try:
                if await self._read(held, scope, receive):
                    await self._serve(scope, None if held.is_too_large else held.content(), receive, send)
            finally:
                self._held -= held.kept

    async def _serve(
        self, scope: "HTTPScope", body: bytes | None, receive: "ASGIReceiveCallable", send: "ASGISendCallable"
    ) -> None:
        """Answer a request whose body was read; None for one that is too large."""
        with _Caller(receive) as caller:
            answered = await self._kept_answer(scope, body, caller)
            if answered is None:
                return
            environ, answer = answered
            if HOLD in environ:
                await self._wait_until(*environ[HOLD])
            if DROP in environ and await _abort(scope):
                return
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers, "trailers": False})
            if answer.rest is not None:
                await _send_pieces(answer.rest, caller, send)
            await send({"type": "http.response.body", "body": answer.content, "more_body": False})

    async def _kept_answer(
        self, scope: "HTTPScope", body: bytes | None, caller: "_Caller"
    ) -> tuple[dict[str, Any], Answer] | None:
        """The answer once what it says is kept. Nothing is done while the store fails, and that is answered."""
        try:
            self._committer.check()
            answered = await self._answer(scope, body, caller)
            await self._committer.settled()
        except StoreError as error:
            return {}, self._on_failure(error)
        return answered

    async def _read(self, body: "_Body", scope: "HTTPScope", receive: "ASGIReceiveCallable") -> bool:
        """Read a body to its end. False if it has none, or if it was refused because too much is held already."""
        while body.size <= MAX_DRAINED:
            event = await receive()
            if event["type"] != "http.request":
                return False
            self._held += body.add(event["body"])
            if self._held > self.max_held and _refuse(scope, f"{self.max_held} bytes of bodies are held already"):
                return False
            if not event["more_body"]:
                break
        return True

    async def _answer(
        self, scope: "HTTPScope", body: bytes | None, caller: "_Caller"
    ) -> tuple[dict[str, Any], Answer] | None:
        """Call the application until it does not ask to wait; return the last environment and answer.

        None if the caller closed the connection meanwhile.
        """
        start = _now()
        memory: dict[str, Any] = {}
        while True:
            environ = _environ(scope, body)
            environ |= {_WAITED_MS: math.inf if self._ending else (_now() - start) * 1000, MEMORY: memory}
            answer = call_wsgi(self._app, environ, may_stream=True)
            wait: _Wait | None = environ.get(_WAIT)
            if wait is None:
                return environ, answer
            with self._committer.in_the_middle() if wait.listen is _next_iteration else contextlib.nullcontext():
                await self._wait_for_change(wait.listen, start + wait.timeout_ms / 1000, caller)
            if caller.is_gone and CARRY_THROUGH not in memory:
                return None

    async def _wait_until(self, clock: Clock, at_ms: int) -> None:
        """Wait until a clock reaches a time, or drops its timers (reset, removed project), or the server stops."""
        with self._wait() as reached:
            timer = clock.call_at(at_ms, reached.set, "late answer")
            timer.on_dropped = reached.set
            try:
                await reached.wait()
            finally:
                timer.cancel()

    async def _wait_for_change(self, listen: Listen, deadline: float, caller: "_Caller") -> None:
        """Wait until `listen` reports a change, the deadline (loop time, seconds) passes, or the server stops.

        Or until the caller closes the connection.
        """
        with self._wait() as changed:
            stop = listen(changed.set)
            caller.watch(changed.set)
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                pass
            finally:
                stop()

    @contextlib.contextmanager
    def _wait(self) -> Iterator[asyncio.Event]:
        """An event that is also set when the server stops."""
        event = asyncio.Event()
        if self._ending:
            event.set()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)


async def _send_pieces(pieces: Iterable[bytes], caller: _Caller, send: "ASGISendCallable") -> None:
    """Send a long answer piece by piece, as fast as the caller reads, with turns for others between."""
    caller.watch()
    try:
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
            if caller.is_gone:
                break
    finally:
        close_parts(pieces)


def _environ(scope: "HTTPScope", body: bytes | None) -> dict[str, Any]:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    raw_path = (scope.get("raw_path") or b"/").decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ = build_environ(scope["method"], raw_path, query, headers, body or b"")
    if body is None:
        environ[TOO_LARGE] = True
    return environ


def _refuse(scope: "HTTPScope", reason: str) -> bool:
    """Refuse a request and close its connection. False if the server gives no way to do so."""
    extensions: dict[Any, Any] = scope.get("extensions", {})
    if TRANSPORT not in extensions:
        return False
    extensions[TRANSPORT]["refuse"](HTTPStatus.SERVICE_UNAVAILABLE, reason)
    return True


async def _abort(scope: "HTTPScope") -> bool:
    """Close the connection without an answer. False if the server has not put its transport into the scope."""
    extensions: dict[Any, Any] = scope.get("extensions", {})
    if TRANSPORT not in extensions:
        return False
    extensions[TRANSPORT]["transport"].abort()
    # uvicorn answers 500 for an application that returns without an answer, unless `connection_lost` was called before.
    # abort() schedules that call for the loop's next iteration (asyncio and uvloop), and a sleep(0) begun after it ends
    # after it. Not `await receive()`, which reports disconnects: uvicorn reports this one only to the latest request
    # of the connection, so it would never return with a pipelined request behind this one.
    await asyncio.sleep(0)
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()
