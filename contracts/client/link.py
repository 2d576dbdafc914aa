"""Real connections for the clients of this repository in a process of their own: HTTP, WebSockets, byte streams."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from contracts.client.interface import ABNORMAL, GOING_AWAY, HttpAnswer, Socket, Stream

OPEN_TIMEOUT_S = 10
FENCE_S = 30.0
"""How long the pong may take by which `RealSocket.receive` knows that nothing more is on its way."""

MOMENT_S = 0.02
"""How long `RealStream.receive` waits for bytes."""

PIECE_BYTES = 64 * 1024
"""The most bytes of a stream that are read at once."""


class RealLink:
    """A link over real connections, directly to the addresses given: proxies of the environment are ignored."""

    follows_redirects = False
    """No: credentials must not go to another host."""

    checks_certificates = True

    def __init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """Send one HTTP request."""
        answer = self._http.request(
            method,
            url,
            headers=headers,
            data=body,
            timeout=timeout_s,
            allow_redirects=self.follows_redirects,
            verify=self.checks_certificates,
        )
        named = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(answer.status_code, named, answer.content)

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
        """Open a stream of bytes."""
        address = urlsplit(url)
        return RealStream(socket.create_connection((address.hostname, address.port), OPEN_TIMEOUT_S))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


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
