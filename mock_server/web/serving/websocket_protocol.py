"""WebSockets as uvicorn reads them, with bounds on what a client can make the server keep."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_FRAME = 64 * 1024
"""The longest message that is read, in bytes: an acknowledgement has 50."""

MAX_FRAGMENTS = 1_000
"""The most frames of one message: empty ones do not count against `MAX_FRAME`, but each is kept."""

MAX_UNREAD = 1024 * 1024
"""The most bytes that may wait for a client that does not read before its pings are no longer answered."""


_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes a connection whose client exceeds a bound."""

    max_fragments = MAX_FRAGMENTS
    max_unread = MAX_UNREAD

    def data_received(self, data: bytes) -> None:
        """Bytes arrived. uvicorn leaves a handshake without an answer that the library refuses to read."""
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            refusal = b"".join(self.conn.data_to_send())
            self.transport.write(
                refusal or b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
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
