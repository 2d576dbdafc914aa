"""A world in the process of the judge, without sockets and without waiting."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from contracts.client.interface import HttpAnswer, Link, Socket, Stream
from contracts.play.scenario import Scenario
from contracts.play.world import T, World
from mock_server.carriers.access import AccessRefusedError
from mock_server.spec import project_spec
from mock_server.testing.in_process import MockParking
from mock_server.testing.in_process_native import InProcessStream
from mock_server.testing.in_process_socket import InProcessSocket
from mock_server.web.queue.handshake import STATUS
from mock_server.web.serving.environ import build_environ
from mock_server.web.serving.wsgi import Answer

CALLS_AT_ONCE = 1_000
"""More calls than this at one moment of virtual time are an endless loop of the client."""


CONNECTION_WAIT_S, ASK_EVERY_S = 3.0, 0.02
"""How long a client without timers is given to come back after a cut, and how often it is asked meanwhile to be quiet,
in seconds of real time."""


class RunawayError(BaseException):
    """The client calls in an endless loop. A BaseException: the client's own `except Exception` must not catch it."""


class BoundedParking(MockParking):
    """A parking that ends a client's endless loop of calls: virtual time stands still in it."""

    _moment, _calls = -1, 0

    def call(self, environ: dict[str, Any], patience_s: float | None = None) -> Answer:
        """Answer one request; RunawayError beyond `CALLS_AT_ONCE` at one moment."""
        now_ms = self.project.clock.now_ms()
        self._calls = self._calls + 1 if now_ms == self._moment else 1
        self._moment = now_ms
        if self._calls > CALLS_AT_ONCE:
            raise RunawayError(f"{CALLS_AT_ONCE} calls at one moment")
        return super().call(environ, patience_s)


class InProcessWorld(World):
    """A parking in this process. It answers the vendor's hosts for `requests` as well while it is open."""

    parking: MockParking

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.parking = BoundedParking(project_spec(**self.settings()), "pass")
        self._sockets: list[InProcessSocket | InProcessStream] = []

    def __enter__(self) -> Self:
        self.parking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.parking.stop()

    @property
    def link(self) -> Link:
        """Connections without sockets: this object."""
        return self

    def do(self, work: Callable[[], T]) -> T:
        """Call it: the project lives in this process and thread."""
        return work()

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """Answer one HTTP request by a function call."""
        target = urlsplit(url)
        environ = build_environ(method, target.path, target.query, headers.items(), body)
        answer = self.parking.call(environ, timeout_s)
        return HttpAnswer(answer.status, dict(answer.headers), answer.content)

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """A consumer's connection, without a socket."""
        try:
            socket = self.parking.open_socket(url, headers)
        except AccessRefusedError as refused:
            raise ConnectionRefusedError(f"{STATUS[refused.reason]} {refused}") from None
        self._sockets.append(socket)
        return socket

    def open(self, url: str) -> Stream:  # noqa: ARG002 there is one queue here
        """A connection to the native port, without a socket."""
        stream = self.parking.open_stream()
        self._sockets.append(stream)
        return stream

    def cut(self) -> None:
        """Close its connections."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def _comes_back(self, ask_quiet: Callable[[], None] | None) -> bool:
        """Ask it to be quiet for some seconds, unless it tells by its timers when it will come back."""
        if ask_quiet is None or self._client is None or self._client.wakes_at() is not None:
            return False
        pause = threading.Event()
        for _ in range(round(CONNECTION_WAIT_S / ASK_EVERY_S)):
            ask_quiet()
            if self._is_back():
                return True
            pause.wait(ASK_EVERY_S)
        return False

    def drain(self, ask_quiet: Callable[[], None] | None) -> None:
        """Ask the client to be quiet until no frame waits for it, or until asking changes nothing more."""
        before = None
        while ask_quiet is not None and any(socket.waiting for socket in self._sockets):
            now = (self.last, sum(socket.unread for socket in self._sockets))
            if before == now:
                break
            before = now
            ask_quiet()
