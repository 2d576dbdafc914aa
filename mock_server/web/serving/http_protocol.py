"""uvicorn's HTTP protocol, with a limit of the head, and the vendor's envelope in answer to bytes that are not HTTP."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_server.clock import wall_clock_ms
from mock_server.web.serving.inline import TRANSPORT
from mock_server.wire.envelope import encode, failure
from mock_server.wire.errors import ErrorCode, VendorError

MAX_HEAD = 64 * 1024
"""The most bytes of request line and headers together, give or take one read of the socket.

uvicorn's httptools reader has no limit: a head without an end would fill the memory. This one (our choice) is above
the 8 to 32 KiB that common web servers accept by default.
"""


class VendorHttpProtocol(HttpToolsProtocol):
    """Answers bytes that are not an HTTP request with an envelope, and closes the connection.

    `_in_head` says whether the next byte belongs to a head; `_head` is the bytes of that head so far.
    """

    _head = 0
    _in_head = True
    _head_ended = False

    def data_received(self, data: bytes) -> None:
        """Parse bytes that were read. A head over `MAX_HEAD` bytes is answered as not being HTTP."""
        # Only reads within one head are counted. A read in which a head ends may have up to a whole body behind it, or
        # further requests, and the parser does not say where the head ended: it is not counted at all.
        is_head, self._head_ended = self._in_head, False
        super().data_received(data)
        if is_head and not self._head_ended:
            self._head += len(data)
            if self._head > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins: put the transport into its scope, for answers that are never sent."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        """A head has ended."""
        super().on_headers_complete()
        self._head_ended = True
        self._in_head = False
        self._head = 0

    def on_message_complete(self) -> None:
        """A request has ended: the next bytes are a head."""
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's text is not the vendor's
        """Answer HTTP 200, as the vendor always does, with code 1109, and close the connection."""
        error = VendorError(ErrorCode.PARAM_ILLEGAL, "this is no HTTP request")
        content = encode(failure(error, wall_clock_ms(), "0" * 32))
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(content), content)
        )
        self.transport.close()
