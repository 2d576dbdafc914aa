"""A consumer's connection to the message queue without a socket: the same frames, read by polling."""

from collections import deque
from threading import RLock, get_ident

from mock_server.carriers.websocket import ConsumerRequest, ConsumerSession


class InProcessSocket(ConsumerSession):
    """An open connection. `closed` is the code with which the other side closed it, or None while it is open.

    `reason` is the other side's reason in words, empty if it gave none.
    """

    def __init__(self, asked: ConsumerRequest, lock: RLock) -> None:
        super().__init__(asked)
        self._lock = lock
        self._frames: deque[str] = deque()
        self.closed: int | None = None
        self.reason = ""
        self._thread = get_ident()
        for consumer in self._consumers:
            consumer.is_awaited = lambda: get_ident() != self._thread
        self.connect()

    def receive(self) -> str | None:
        """The next frame, or None if none is there. Frames that came before the connection broke can still be read."""
        with self._lock:
            self._thread = get_ident()
            if not self._frames and self._failing is not None:
                self.end(self._failing)
            return self._frames.popleft() if self._frames else None

    @property
    def waiting(self) -> bool:
        """Whether `receive` has something new: a frame, or that the connection is broken."""
        return self.closed is None and bool(self._frames or self._failing is not None)

    @property
    def unread(self) -> int:
        """The number of frames that wait to be read."""
        return len(self._frames)

    def send(self, text: str) -> None:
        """Send a frame; on a closed connection it is dropped. An invalid frame closes the connection."""
        with self._lock:
            self._thread = get_ident()
            if self.closed is None:
                self.take(text.encode("utf-8", "surrogatepass"))

    def close(self) -> None:
        """Close the connection as a client does."""
        with self._lock:
            self.end(1000)

    def has_room(self) -> bool:
        """Whether fewer frames wait than the receiver queue takes."""
        return len(self._frames) < self._receiver_queue_size

    def put(self, text: str) -> None:
        """Keep a frame until it is read."""
        self._frames.append(text)

    def fail_soon(self, code: int) -> None:
        """Do nothing: `receive` finds the connection broken once all frames are read."""

    def end(self, code: int, reason: str = "") -> None:
        """Close the connection; the queue redelivers what was not acknowledged to the next consumer."""
        if self.closed is None:
            self.closed, self.reason = code, reason
            self.disconnect()
