"""HTTP as uvicorn reads it, with bounds on an unfinished request and refusals in the form of each address.

Nothing is authenticated while a request is read, so what its sender can make the server keep is bounded in bytes, lines
and time. A request beyond a bound is refused and its connection closed.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_server.clock import wall_clock_ms
from mock_server.web.serving.inline import TRANSPORT
from mock_server.wire.envelope import CONTENT_TYPE, NOT_HTTP, unreadable

MAX_HEAD = 64 * 1024
"""The most bytes of a head, of the trailers of a body and of a chunk's extensions, plus what one read of the socket
adds. Header lines of real clients have about 1 KiB."""


_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)
"""The offer to go on in HTTP/2, which Java's HttpClient makes with every call unless it is told not to."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds on what one address keeps of unfinished requests (our choice).

    `head` is in bytes. `lines` counts header lines and trailers of a request, `pipelined` the requests of a connection
    that wait for the answer to an earlier one, `connections` the open connections. `head_s` is the time in seconds for
    a head, `body_s` for the rest of a request: long enough for a client that is stopped in a debugger for a moment.
    """

    head: int = MAX_HEAD
    lines: int = 200
    pipelined: int = 64
    head_s: float = 60.0
    body_s: float = 300.0
    connections: int = 1_000


class _RefusedError(Exception):
    """Stops the parser in the middle of a request."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses with a plain text; subclasses have the form of their address."""

    def __init__(self, *args: Any, limits: HttpLimits | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._limits = limits or HttpLimits()
        self._unfinished = 0
        self._lines = 0
        self._in_head = True
        self._advanced = False
        self._since: float | None = None
        self._check: asyncio.TimerHandle | None = None
        self._refusal: tuple[HTTPStatus, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            text = f"there are {self._limits.connections} connections already: close some of them"
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, text)
            return
        self._since = self.loop.time()
        self._check = self.loop.call_later(self._limits.head_s, self._check_time)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_check()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The head is complete: from here on the WebSocket's own bounds hold."""
        self._stop_check()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived.

        Only reads that neither begin nor continue a body nor end a request count as unfinished: a body may arrive in
        one read with its head, or with the next one.
        """
        if self._in_head:
            data = _without_offer(data)
        if self._since is None and not self._is_answering():
            self._since = self.loop.time()  # blank lines before a request line begin no message
        self._advanced = False
        super().data_received(data)
        self._unfinished = 0 if self._advanced else self._unfinished + len(data)
        if self._unfinished > self._limits.head:
            self.refuse(*self._too_large(f"more than {self._limits.head} bytes"))

    def on_message_begin(self) -> None:
        """A request begins. Its application may close its connection."""
        super().on_message_begin()
        self._in_head = True
        self._lines = 0
        self._since = self.loop.time()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport, "refuse": self.refuse}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line, or a trailer: nobody reads trailers, so none is kept."""
        self._lines += 1
        if self._lines > self._limits.lines:
            self._stop_parser(*self._too_large(f"more than {self._limits.lines} lines"))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._advanced = True
        self._in_head = False
        self._since = self.loop.time()
        if len(self.pipeline) >= self._limits.pipelined:
            text = f"more than {self._limits.pipelined} requests wait for an answer on this connection"
            self._stop_parser(HTTPStatus.TOO_MANY_REQUESTS, text)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has ended."""
        self._advanced = True
        self._in_head = True
        self._since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's text is not ours
        """What was received is no HTTP request, or is one beyond a bound."""
        self.refuse(*(self._refusal or (HTTPStatus.BAD_REQUEST, NOT_HTTP)))

    def refuse(self, status: HTTPStatus, reason: str) -> None:
        """Answer with a refusal, unless an answer has begun, and close the connection."""
        if self.transport.is_closing():
            return
        if not (self._is_answering() and self.cycle.response_started):
            self.transport.write(self.refusal(status, reason))
        self.transport.close()

    def refusal(self, status: HTTPStatus, reason: str) -> bytes:
        """A whole HTTP answer."""
        return _answer(status, "text/plain; charset=utf-8", reason.encode() + b"\n")

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's type says
        return cycle is not None and not cycle.response_complete

    def _too_large(self, bound: str) -> tuple[HTTPStatus, str]:
        part = "head" if self._in_head else "trailer"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the {part} of the request has {bound}"

    def _stop_parser(self, status: HTTPStatus, reason: str) -> None:
        """Have the parser give up: uvicorn answers its error with `send_400_response`."""
        self._refusal = status, reason
        raise _RefusedError

    def _check_time(self) -> None:
        """Refuse a request that takes too long. The time in which the server itself does not read does not count."""
        limits, now = self._limits, self.loop.time()
        due_at = now + limits.head_s
        if self._since is not None and not (self.pipeline or self.flow.read_paused):
            allowed = limits.head_s if self._in_head else limits.body_s
            due_at = min(due_at, self._since + allowed)
        if due_at <= now:
            part = "head" if self._in_head else "body"
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, f"the {part} of the request was not complete within {allowed:g} s")
        else:
            self._check = self.loop.call_at(due_at, self._check_time)

    def _stop_check(self) -> None:
        if self._check is not None:
            self._check.cancel()
            self._check = None


class LabHttpProtocol(BoundedHttpProtocol):
    """The lab plane: refusals are its JSON errors."""

    def refusal(self, status: HTTPStatus, reason: str) -> bytes:
        """A JSON error with the status' name as its code."""
        error = {"code": status.name.lower(), "message": reason}
        return _answer(status, "application/json", json.dumps({"error": error}).encode())


class VendorHttpProtocol(BoundedHttpProtocol):
    """The vendor's API: HTTP 200 and an envelope, as for everything."""

    def refusal(self, status: HTTPStatus, reason: str) -> bytes:  # noqa: ARG002 the vendor answers 200
        """An envelope with code 1109."""
        return _answer(HTTPStatus.OK, CONTENT_TYPE, unreadable(reason, wall_clock_ms()))


def _without_offer(data: bytes) -> bytes:
    """Bytes of a head without the offer of HTTP/2, which a server may ignore (RFC 9110, 7.8).

    The parser would take the body behind it for another protocol. A head that comes in pieces may keep its offer.
    """
    if b"h2c" not in data:
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head + end, count=1) + rest


def _answer(status: HTTPStatus, content_type: str, content: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {content_type}\r\nconnection: close\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
