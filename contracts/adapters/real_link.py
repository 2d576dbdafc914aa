"""The wires of a client process of ours: HTTP and WebSockets over real connections."""

import threading
from collections import deque
from collections.abc import Mapping

import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from contracts.client import HttpAnswer, Socket

OPEN_TIMEOUT_S = 10
ABNORMAL = 1006


class RealLink:
    """A link over real connections, straight to the addresses given, whatever proxy the environment names."""

    def __init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """One HTTP exchange. Redirects are not followed: credentials go nowhere else."""
        answer = self._http.request(method, url, headers=headers, data=body, timeout=timeout_s, allow_redirects=False)
        return HttpAnswer(
            answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content
        )

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Open a WebSocket."""
        try:
            connection = connect(
                url, additional_headers=dict(headers), proxy=None, open_timeout=OPEN_TIMEOUT_S, max_size=None
            )
        except WebSocketException as error:
            raise ConnectionRefusedError(str(error)) from None
        return RealSocket(connection)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


class RealSocket:
    """A WebSocket whose frames are kept until they are read."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._frames: deque[str] = deque()
        self._ended: int | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for frame in self._connection:
                self._frames.append(frame if isinstance(frame, str) else frame.decode())
            self._ended = self._connection.close_code or ABNORMAL
        except (ConnectionClosed, OSError):
            self._ended = self._connection.close_code or ABNORMAL

    @property
    def closed(self) -> int | None:
        """The code of the close, once everything that came before it is read."""
        return None if self._frames else self._ended

    def receive(self) -> str | None:
        """The next frame, None if none has come."""
        return self._frames.popleft() if self._frames else None

    def send(self, text: str) -> None:
        """Send a frame; on a broken connection nobody hears it."""
        try:
            self._connection.send(text)
        except (ConnectionClosed, OSError):
            self._ended = self._connection.close_code or ABNORMAL

    def close(self) -> None:
        """Leave."""
        self._connection.close()
