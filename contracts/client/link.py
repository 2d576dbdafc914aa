"""The wires of a client process of ours: HTTP and WebSockets over real connections."""

from collections.abc import Mapping

import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from contracts.client.interface import HttpAnswer, Socket

OPEN_TIMEOUT_S = 10
ABNORMAL = 1006
FENCE_S = 5.0
HURRY = 5
"""The world's time is virtual: what it would be silent about for ten seconds need not be waited for so long."""


class RealLink:
    """A link over real connections, straight to the addresses given, whatever proxy the environment names."""

    follows_redirects = False
    """Credentials go nowhere else."""

    checks_certificates = True

    def __init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """One HTTP exchange."""
        answer = self._http.request(
            method,
            url,
            headers=headers,
            data=body,
            timeout=timeout_s / HURRY,
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
        return RealSocket(connection.__enter__())  # left by `close`; some versions warn of a connection not entered

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


class RealSocket:
    """A WebSocket that is read when its owner wants to."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ended: int | None = None

    @property
    def closed(self) -> int | None:
        """The code of the close, once everything that came before it is read."""
        return self._ended

    def receive(self) -> str | None:
        """The next frame, None if none has come: whatever the cloud has sent before now is here before its pong is."""
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
        """Send a frame; on a broken connection nobody hears it, which the next `receive` finds out."""
        try:
            self._connection.send(text)
        except (ConnectionClosed, OSError):
            return

    def close(self) -> None:
        """Leave."""
        self._connection.close()
