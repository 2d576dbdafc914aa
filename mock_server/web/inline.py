"""Calls a WSGI application on the event loop, without a thread: sound because no view blocks.

A view that has to wait says so with `wait_for` and returns; it is called again when what it waits for may have
come, or when its time is up. Everything else is answered in one go.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_server.web.environ import TOO_LARGE, build_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

MAX_DRAINED = 256 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that its sender gets to read the answer."""

_WAIT = "mock_server.wait"
_CAN_WAIT = "mock_server.can_wait"

Listen = Callable[[Callable[[], None]], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class _Wait:
    listen: Listen
    timeout_ms: int


def wait_for(environ: dict[str, Any], listen: Listen, timeout_ms: int) -> bool:
    """Ask to be called again after the next change that `listen` tells of. False if nobody can wait any longer."""
    if not environ.get(_CAN_WAIT):
        return False
    environ[_WAIT] = _Wait(listen, timeout_ms)
    return True


class _GoneError(Exception):
    """The client closed the connection in the middle of its request."""


class InlineWsgi:
    """An ASGI application around a WSGI one. Bodies over `max_body` bytes are only said to be too large."""

    def __init__(self, app: "WSGIApplication", max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one request; refuse a WebSocket."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket here"})
        elif scope["type"] == "http":
            try:
                body = await self._read(receive)
            except _GoneError:
                return
            status, headers, content = await self._answer(scope, body)
            await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
            await send({"type": "http.response.body", "body": content, "more_body": False})

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

    async def _answer(self, scope: "HTTPScope", body: bytes | None) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        deadline: float | None = None
        while True:
            environ = _environ(scope, body, can_wait=deadline is None or _now() < deadline)
            answer = self._call(environ)
            wait: _Wait | None = environ.get(_WAIT)
            if wait is None:
                return answer
            if deadline is None:
                deadline = _now() + wait.timeout_ms / 1000
            await _changed(wait.listen, deadline)

    def _call(self, environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _: None

        content = _join(self._app(environ, start_response))
        status, headers = started[-1]
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return int(status[:3]), encoded, content


def _environ(scope: "HTTPScope", body: bytes | None, *, can_wait: bool) -> dict[str, Any]:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    raw_path = (scope.get("raw_path") or b"/").decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ = build_environ(scope["method"], raw_path, query, headers, body or b"")
    environ[_CAN_WAIT] = can_wait
    if body is None:
        environ[TOO_LARGE] = True
    return environ


def _join(parts: Iterable[bytes]) -> bytes:
    try:
        return b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


async def _changed(listen: Listen, deadline: float) -> None:
    """Wait until something changes or the deadline passes."""
    changed = asyncio.Event()
    stop = listen(changed.set)
    try:
        async with asyncio.timeout_at(deadline):
            await changed.wait()
    except TimeoutError:
        pass
    finally:
        stop()


def _now() -> float:
    return asyncio.get_running_loop().time()
