"""WebSockets as uvicorn reads them, with bounds on what a client can make the server keep, and on its silence."""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

MAX_FRAME = 64 * 1024
"""The longest message that is read, in bytes: an acknowledgement has 50."""

MAX_FRAGMENTS = 1_000
"""The most frames of one message: empty ones do not count against `MAX_FRAME`, but each is kept."""

MAX_UNREAD = 1024 * 1024
"""The most bytes that may wait for a client that does not read before its pings are no longer answered."""

_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
"""The answer to a handshake that the library refuses to read and does not answer itself."""

IDLE_TEXT = "Idle Timeout"
"""The reason with which a silent connection is closed, beside code 1001 (observed of Jetty 9.4, Pulsar's server)."""

CLOSE_WHEN_IDLE = "mock_server.close_when_idle"
"""In the ASGI scope's extensions: `BoundedWebSocketProtocol.close_when_idle`."""


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes a connection whose client exceeds a bound. Sends no pings, demands no pongs, and takes any."""

    max_fragments = MAX_FRAGMENTS
    max_unread = MAX_UNREAD

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.ping_interval = None  # Pulsar's server sent no pings before 2023, and none by default since
        self._active_at = self.loop.time()
        self._idle_s = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    def close_when_idle(self, limit_s: float) -> None:
        """Close the connection with 1001 after so many seconds in which no byte went either way.

        A ping, a pong with any payload and an acknowledgement end a silence, and so does a message to the client, as in
        Jetty. The seconds are the loop's and not a project's: a client cannot ping at the pace of a virtual clock.
        """
        self._idle_s = limit_s
        self._watch()

    def _watch(self) -> None:
        left_s = self._active_at + self._idle_s - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s, self._watch)
        elif not (self.close_sent or self.transport.is_closing()):
            self._close_idle()

    def _close_idle(self) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.GOING_AWAY, "reason": IDLE_TEXT})
        self.close_sent = True
        if self.transport.get_write_buffer_size():  # the client reads nothing: a close frame would wait for ever
            self.transport.abort()
            return
        self.conn.fail(CloseCode.GOING_AWAY, IDLE_TEXT)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """A handshake: tell the application how to have the connection closed when it is silent."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[CLOSE_WHEN_IDLE] = self.close_when_idle

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application sends."""
        await super().send(message)
        self._active_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived. uvicorn leaves a handshake without an answer that the library refuses to read."""
        self._active_at = self.loop.time()
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            refusal = b"".join(self.conn.data_to_send())
            self.transport.write(refusal or _REFUSAL)
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """One more frame of a message. What follows in the same read is dropped once the message has too many."""
        if self.close_sent:
            return
        if len(self.frames) >= self.max_fragments:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"a message has at most {self.max_fragments} frames")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping, unless the client reads no answers: then the connection is of no use to it."""
        if self.transport.get_write_buffer_size() > self.max_unread:
            self.transport.abort()
        else:
            super().handle_ping()
