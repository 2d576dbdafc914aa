"""Calls a WSGI application on the event loop, without a thread: sound because no view blocks.

A view that has to wait says so with `wait_for` and returns; it is called again when what it waits for may have
come, or when its time is up. Everything else is answered in one go.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_server.clock import Clock
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from mock_server.web.serving.wsgi import Answer, call_wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

MAX_DRAINED = 256 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that its sender gets to read the answer."""

HOLD = "mock_server.hold"
DROP = "mock_server.drop"
TRANSPORT = "mock_server.transport"
"""In the ASGI scope's extensions: the connection, for answers that are never sent."""

MEMORY = "mock_server.memory"
"""A dictionary that a view keeps from call to call while it waits."""

_WAIT = "mock_server.wait"
_WAITED_MS = "mock_server.waited_ms"

Listen = Callable[[Callable[[], None]], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class _Wait:
    listen: Listen
    timeout_ms: int


def wait_for(environ: dict[str, Any], listen: Listen, timeout_ms: int) -> bool:
    """Ask to be called again after the next change that `listen` tells of, at the latest when the time is up.

    `timeout_ms` is counted from the request's first call. False if it is up, or if there is no loop to wait on.
    """
    if environ.get(_WAITED_MS, math.inf) >= timeout_ms:
        return False
    environ[_WAIT] = _Wait(listen, timeout_ms)
    return True


class _GoneError(Exception):
    """The client closed the connection in the middle of its request."""


def let_others(environ: dict[str, Any]) -> bool:
    """Ask to be called again as soon as others have had their turn. False if there is no loop."""
    if _WAITED_MS not in environ:
        return False
    environ[_WAIT] = _Wait(_soon, 2**31)
    return True


def _soon(changed: Callable[[], None]) -> Callable[[], None]:
    return asyncio.get_running_loop().call_soon(changed).cancel


def hold_until(environ: dict[str, Any], clock: Clock, at_ms: int) -> None:
    """Send the answer only when a clock has reached `at_ms`."""
    environ[HOLD] = (clock, at_ms)


def drop(environ: dict[str, Any]) -> None:
    """Close the connection instead of answering."""
    environ[DROP] = True


class InlineWsgi:
    """An ASGI application around a WSGI one. Bodies over `max_body` bytes are only said to be too large."""

    def __init__(self, app: "WSGIApplication", max_body: int) -> None:
        self._app = app
        self._max_body = max_body
        self._waiting: set[asyncio.Event] = set()
        self._ending = False

    def end_waits(self) -> None:
        """Let nobody wait any longer: the server is going away. Whoever waits is answered now."""
        self._ending = True
        for waiting in self._waiting:
            waiting.set()

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one request; refuse a WebSocket."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket here"})
        elif scope["type"] == "http":
            try:
                body = await self._read(receive)
            except _GoneError:
                return
            environ, answer = await self._answer(scope, body)
            if HOLD in environ:
                await self._reached(*environ[HOLD])
            if DROP in environ and await _abort(scope):
                return
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers, "trailers": False})
            await send({"type": "http.response.body", "body": answer.content, "more_body": False})

    async def _read(self, receive: "ASGIReceiveCallable") -> bytes | None:
        """The whole body, or None if it is too large. Half a body is no request, whatever it says."""
        chunks: list[bytes] = []
        size = 0
        while size <= MAX_DRAINED:
            event = await receive()
            if event["type"] != "http.request":
                raise _GoneError
            size += len(event["body"])
            if size <= self._max_body:
                chunks.append(event["body"])
            if not event["more_body"]:
                break
        return b"".join(chunks) if size <= self._max_body else None

    async def _answer(self, scope: "HTTPScope", body: bytes | None) -> tuple[dict[str, Any], Answer]:
        start = _now()
        memory: dict[str, Any] = {}
        while True:
            environ = _environ(scope, body)
            environ |= {_WAITED_MS: math.inf if self._ending else (_now() - start) * 1000, MEMORY: memory}
            answer = call_wsgi(self._app, environ)
            wait: _Wait | None = environ.get(_WAIT)
            if wait is None:
                return environ, answer
            await self._changed(wait.listen, start + wait.timeout_ms / 1000)

    async def _reached(self, clock: Clock, at_ms: int) -> None:
        """Wait until a clock has reached a time, or its project begins again or ends."""
        with self._wait() as reached:
            timer = clock.call_at(at_ms, reached.set)
            timer.on_dropped = reached.set
            try:
                await reached.wait()
            finally:
                timer.cancel()

    async def _changed(self, listen: Listen, deadline: float) -> None:
        """Wait until something changes or the deadline passes."""
        with self._wait() as changed:
            stop = listen(changed.set)
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                pass
            finally:
                stop()

    @contextlib.contextmanager
    def _wait(self) -> Iterator[asyncio.Event]:
        """Something to wait for that is over at the latest when the server goes away."""
        event = asyncio.Event()
        if self._ending:
            event.set()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)


def _environ(scope: "HTTPScope", body: bytes | None) -> dict[str, Any]:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    raw_path = (scope.get("raw_path") or b"/").decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ = build_environ(scope["method"], raw_path, query, headers, body or b"")
    if body is None:
        environ[TOO_LARGE] = True
    return environ


async def _abort(scope: "HTTPScope") -> bool:
    """Close the connection without an answer. False if the server does not let us."""
    extensions: dict[Any, Any] = scope.get("extensions", {})
    if TRANSPORT not in extensions:
        return False
    extensions[TRANSPORT]["transport"].abort()
    # The server must have heard of it before we return without an answer.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()
