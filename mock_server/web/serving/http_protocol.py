"""HTTP as uvicorn reads it, with the vendor's envelope also for what is no HTTP at all."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_server.clock import wall_clock_ms
from mock_server.web.serving.inline import TRANSPORT
from mock_server.wire.envelope import encode, failure
from mock_server.wire.errors import ErrorCode, VendorError

MAX_HEAD = 64 * 1024
"""How long request line and headers may be together, in bytes, give or take what one read of the socket brings."""


class VendorHttpProtocol(HttpToolsProtocol):
    """Answers bytes that are no HTTP request with an envelope and closes the connection."""

    _head = 0
    _in_head = True
    _head_ended = False

    def data_received(self, data: bytes) -> None:
        """Bytes came in. A head that does not end is no HTTP request.

        Only bytes that are nothing but head count: a body may come together with its head, or with the next one.
        """
        is_head, self._head_ended = self._in_head, False
        super().data_received(data)
        if is_head and not self._head_ended:
            self._head += len(data)
            if self._head > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins: let whoever answers it close its connection."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}

    def on_headers_complete(self) -> None:
        """A head has ended."""
        super().on_headers_complete()
        self._head_ended = True
        self._in_head = False
        self._head = 0

    def on_message_complete(self) -> None:
        """A request has ended: what comes now is the next head."""
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 uvicorn's text is not the vendor's
        """HTTP 200 like every answer of the vendor, code 1109, connection closed."""
        error = VendorError(ErrorCode.PARAM_ILLEGAL, "this is no HTTP request")
        content = encode(failure(error, wall_clock_ms(), "0" * 32))
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(content), content)
        )
        self.transport.close()
