"""A connection to the native port of the message queue without a socket: the same bytes, read by polling."""

from collections import deque
from collections.abc import Callable
from threading import RLock

from mock_server.carriers.native import NativeConnections, NativeTransport
from mock_server.carriers.websocket import GOING_AWAY

ABNORMAL = 1006
"""The close code as a WebSocket has it (RFC 6455, 7.4.1) for a stream that broke."""


class InProcessStream(NativeTransport):
    """An open connection. `closed` is None while it is open, 1001 after a close in order, 1006 if it broke."""

    def __init__(self, connections: NativeConnections, lock: RLock) -> None:
        self._lock = lock
        self._unread = bytearray()
        self._soon: deque[Callable[[], None]] = deque()
        self.closed: int | None = None
        self._connection = connections.open(self)

    def receive(self) -> bytes:
        """What has come, empty if nothing has. What came before the connection broke can still be read."""
        with self._lock:
            self._do_soon()
            content = bytes(self._unread)
            self._unread.clear()
            return content

    @property
    def waiting(self) -> bool:
        """Whether `receive` has something new: bytes, or that the connection has ended."""
        return bool(self._unread or (self._soon and self.closed is None))

    @property
    def unread(self) -> int:
        """The number of bytes that wait to be read."""
        return len(self._unread)

    def send(self, content: bytes) -> None:
        """Send bytes; on a closed connection they are dropped."""
        with self._lock:
            self._do_soon()
            if self.closed is None:
                self._connection.feed(content)

    def write(self, content: bytes) -> None:
        """Keep bytes until they are read."""
        self._unread += content

    def close(self) -> None:
        """Close the connection, from either side."""
        with self._lock:
            self._end(GOING_AWAY)

    def abort(self) -> None:
        """Break the connection off."""
        self._end(ABNORMAL)

    def call_soon(self, work: Callable[[], None]) -> None:
        """Work when the client reads or sends next."""
        self._soon.append(work)

    def has_turn(self) -> bool:
        """Always: bytes that wait take memory only."""
        return True

    def _do_soon(self) -> None:
        while self._soon:
            self._soon.popleft()()

    def _end(self, code: int) -> None:
        if self.closed is None:
            self.closed = code
            self._connection.lost()
