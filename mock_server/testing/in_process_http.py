"""HTTP without sockets: urllib3 writes a request and reads its answer as over a network, and a function answers.

So everything that `requests` and urllib3 do around a request holds as over a network: what bodies may be, time-outs,
the retries of a mounted adapter, errors.
"""

import io
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from mock_server.clock import wall_clock_ms
from mock_server.web.data_plane.api import MAX_BODY
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from mock_server.web.serving.wsgi import Answer
from mock_server.wire.envelope import CONTENT_TYPE, NOT_HTTP, unreadable

Respond = Callable[[dict[str, Any], float | None], Answer]
"""Answers a WSGI request. TimeoutError if that takes longer than the client's time-out in seconds (None for no limit),
ConnectionError if there is no answer."""


class InProcessPool(HTTPConnectionPool):
    """A connection pool of a host whose requests go nowhere but to `respond`. There is no TLS in it."""

    def __init__(self, host: str, port: int | None, respond: Respond) -> None:
        super().__init__(host, port, maxsize=1)
        self._respond = respond

    def _new_conn(self) -> "_Connection":
        return _Connection(self.host, self.port, self._respond)


class _Connection(HTTPConnection):
    def __init__(self, host: str, port: int | None, respond: Respond) -> None:
        super().__init__(host, port)
        self._respond = respond

    def connect(self) -> None:
        self.sock = _Wire(self._respond)

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        finally:
            self.sock = None  # the next request begins with an empty one


class _Wire:
    """Stands for a socket: keeps what is sent, and lets it be answered when an answer is read."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._sent = bytearray()
        self._timeout: float | None = None

    def settimeout(self, timeout_s: float | None) -> None:
        self._timeout = timeout_s

    def sendall(self, data: Any) -> None:
        self._sent += memoryview(data).cast("B")

    def makefile(self, *_: object) -> io.BytesIO:
        request, self._sent = _Request(self._sent), bytearray()
        answer = self._respond(request.environ(), self._timeout) if request.is_http else _no_http()
        return io.BytesIO(_raw(answer))

    def close(self) -> None:
        """Do nothing."""

    shutdown = close


class _Request:
    """One request, read by the parser of the server."""

    def __init__(self, raw: bytearray) -> None:
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)
        self.is_http = True
        try:
            self._parser.feed_data(raw)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.is_http = False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def environ(self) -> dict[str, Any]:
        """Its WSGI environment, as the server makes it."""
        target = httptools.parse_url(self._target)
        method = self._parser.get_method().decode("latin-1")
        body = b"".join(self._body)
        is_too_large = len(body) > MAX_BODY
        path, query = ((part or b"").decode("latin-1") for part in (target.path, target.query))
        environ = build_environ(method, path or "/", query, self._headers, b"" if is_too_large else body)
        return environ | ({TOO_LARGE: True} if is_too_large else {})


def _no_http() -> Answer:
    """The answer to what the parser refuses, as the server gives it."""
    return Answer(HTTPStatus.OK, [("content-type", CONTENT_TYPE)], unreadable(NOT_HTTP, wall_clock_ms()))


def _raw(answer: Answer) -> bytes:
    """An answer as it goes over a network."""
    headers = answer.headers
    if not any(name == "content-length" for name, _ in headers):
        headers = [*headers, ("content-length", str(len(answer.content)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{head}\r\n".encode("latin-1") + answer.content
    )
