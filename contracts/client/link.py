"""Real connections for the clients of this repository in a process of their own: HTTP, WebSockets, byte streams."""

import selectors
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from contracts.client.interface import ABNORMAL, GOING_AWAY, HttpAnswer, Socket, Stream

OPEN_TIMEOUT_S = 10
FENCE_S = 30.0
"""How long the pong may take by which `RealSocket.receive` knows that nothing more is on its way."""

MOMENT_S = 0.02
"""How long `RealStream.receive` waits for bytes."""

SAME_METHOD = (307, 308)
"""Redirects that are followed with the same method and body (RFC 9110, 15.4); others are followed by a GET."""

MOST_REDIRECTS = 30
"""After so many redirects one after another a call has failed (our choice)."""

URL_SIGNS = "%/:=&?~#+!$,;'@()*[]"
"""What may be in a target as it is, and in a query; other signs are percent-encoded."""

PIECE_BYTES = 64 * 1024
"""The most bytes of a stream that are read at once."""


class RealLink:
    """A link over real connections, directly to the addresses given: proxies of the environment are ignored.

    Written with `http.client`: a client under test is started for each scenario, and libraries that do more take longer
    to import than most scenarios to play.
    """

    follows_redirects = False
    """No: credentials must not go to another host."""

    checks_certificates = True

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], HTTPConnection] = {}

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """Send one HTTP request."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._exchange(method, url, headers, body, timeout_s)
            if not (self.follows_redirects and "location" in answer.headers):
                return answer
            url = urljoin(url, answer.headers["location"])
            if answer.status not in SAME_METHOD:
                method, body = "GET", b""
        raise ConnectionError(f"more than {MOST_REDIRECTS} redirects")

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> HttpAnswer:
        address = urlsplit(url)
        connection = self._connection(address.scheme, address.netloc, timeout_s)
        target = quote(urlunsplit(("", "", address.path or "/", address.query, "")), safe=URL_SIGNS)
        try:
            connection.request(method, target, body or None, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except HTTPException as error:
            connection.close()
            raise ConnectionError(f"{type(error).__name__}: {error}") from None
        except OSError:
            connection.close()
            raise
        if self._idle.setdefault((address.scheme, address.netloc), connection) is not connection:
            connection.close()
        return HttpAnswer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def _connection(self, scheme: str, netloc: str, timeout_s: float) -> HTTPConnection:
        """One that has been used before and is still open, or a new one, which opens when it is used."""
        connection = self._idle.pop((scheme, netloc), None)
        if connection is None and scheme == "https":
            return HTTPSConnection(netloc, timeout=timeout_s, context=self._tls())
        if connection is None:
            return HTTPConnection(netloc, timeout=timeout_s)
        connection.timeout = timeout_s
        if connection.sock is not None and _has_ended(connection.sock):
            connection.close()
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.checks_certificates:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Open a WebSocket."""
        try:
            connection = connect(
                url,
                additional_headers=dict(headers),
                proxy=None,
                open_timeout=OPEN_TIMEOUT_S,
                max_size=None,
                max_queue=None,
            )
        except WebSocketException as error:
            raise ConnectionRefusedError(str(error)) from None
        return RealSocket(
            connection.__enter__()
        )  # `close` ends it; some versions warn of a connection that was not entered

    def open(self, url: str) -> Stream:
        """Open a stream of bytes, by TLS if the scheme is `pulsar+ssl`."""
        address = urlsplit(url)
        connection = socket.create_connection((address.hostname, address.port), OPEN_TIMEOUT_S)
        if address.scheme == "pulsar+ssl":
            connection = self._tls().wrap_socket(connection, server_hostname=address.hostname)
        return RealStream(connection)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.popitem()[1].close()


def _has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection on which nothing is due: it can be read then."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


class RealSocket:
    """A WebSocket that is read by polling."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ended: int | None = None

    @property
    def closed(self) -> int | None:
        """The close code, once every frame before the close has been read."""
        return self._ended

    def receive(self) -> str | None:
        """The next frame, None if none was sent before this call.

        Frames and pongs keep their order, so whatever the cloud has sent before it sees a ping arrives before its pong.
        """
        frame = self._next()
        if frame is None and self._ended is None:
            self._fence()
            frame = self._next()
        return frame

    def _next(self) -> str | None:
        try:
            frame = self._connection.recv(timeout=0)
        except TimeoutError:
            return None
        except (ConnectionClosed, OSError):
            self._ended = self._connection.close_code or ABNORMAL
            return None
        return frame if isinstance(frame, str) else frame.decode()

    def _fence(self) -> None:
        try:
            self._connection.ping(ack_on_close=True).wait(FENCE_S)
        except (ConnectionClosed, OSError):
            return

    def send(self, text: str) -> None:
        """Send a frame. On a broken connection it is lost, and the next `receive` sets `closed`."""
        try:
            self._connection.send(text)
        except (ConnectionClosed, OSError):
            return

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class RealStream:
    """A TCP connection that is read by polling."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.settimeout(MOMENT_S)
        self.closed: int | None = None

    def receive(self) -> bytes:
        """What has arrived, after `MOMENT_S` at the most."""
        if self.closed is not None:
            return b""
        try:
            content = self._connection.recv(PIECE_BYTES)
        except TimeoutError:
            return b""
        except OSError:
            self.closed = ABNORMAL
            return b""
        if not content:
            self.closed = GOING_AWAY
        return content

    def send(self, content: bytes) -> None:
        """Send bytes. On a broken connection they are lost, and `receive` sets `closed` once all is read."""
        try:
            self._connection.sendall(content)
        except OSError:
            return

    def close(self) -> None:
        """Close it."""
        self._connection.close()
