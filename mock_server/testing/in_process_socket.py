"""A consumer's connection to the message queue without a socket: the same frames, handed over when they are read."""

from collections import deque
from threading import RLock

from mock_server.web.queue.handshake import ConsumerRequest
from mock_server.web.queue.session import BAD_PAYLOAD, FAILED, ConsumerSession


class InProcessSocket(ConsumerSession):
    """An open connection. `closed` is the code with which the other side closed it, or None while it is open."""

    def __init__(self, asked: ConsumerRequest, lock: RLock) -> None:
        super().__init__(asked)
        self._lock = lock
        self._frames: deque[str] = deque()
        self.closed: int | None = None
        self.connect()

    def receive(self) -> str | None:
        """The next frame, or None if none has come. A connection that broke hands over what came before."""
        with self._lock:
            if not self._frames and self._failing:
                self.end(FAILED)
            return self._frames.popleft() if self._frames else None

    @property
    def waiting(self) -> bool:
        """Whether there is something to learn by reading: a frame, or that the connection is broken."""
        return self.closed is None and bool(self._frames or self._failing)

    @property
    def unread(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    def send(self, text: str) -> None:
        """Send a frame. On a closed connection nobody hears it; one that is no frame closes it."""
        with self._lock:
            if self.closed is None:
                try:
                    self.take(text)
                except ValueError:
                    self.end(BAD_PAYLOAD)

    def close(self) -> None:
        """Leave."""
        with self._lock:
            self.end(1000)

    def has_room(self) -> bool:
        """Whether the client still reads."""
        return len(self._frames) < self._consumer.receiver_queue_size

    def put(self, text: str) -> None:
        """Keep a frame until it is read."""
        self._frames.append(text)

    def fail_soon(self) -> None:
        """The next `receive` finds the connection broken."""

    def end(self, code: int) -> None:
        """Close the connection. Who connects next gets what was not acknowledged."""
        if self.closed is None:
            self.closed = code
            self.disconnect()
