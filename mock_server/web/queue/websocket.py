"""Pulsar's WebSocket consumer endpoint, as the official clients use it, as an ASGI application on the serving loop.

`/ws/v2/consumer/persistent/{access_id}/out/{event|event-test}/{access_id}-{suffix}` with the headers `username` and
`password`. It sends messages as text frames and receives acknowledgements.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from mock_server.carriers.access import AccessRefusedError, noted
from mock_server.carriers.websocket import FAILED, GOING_AWAY, ConsumerRequest, ConsumerSession
from mock_server.cloud import Cloud
from mock_server.state.store import StoreError
from mock_server.web.queue.handshake import STATUS, read_handshake
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.delivery_turn import DeliveryTurn
from mock_server.web.serving.websocket_protocol import CLOSE_WHEN_IDLE, IDLE_TEXT

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope, WebSocketScope


class MessageSocket:
    """The ASGI application of the queue's address."""

    def __init__(self, cloud: Cloud, committer: Committer | None = None) -> None:
        self._cloud = cloud
        self._committer = committer or Committer()
        self._sessions: set[_Session] = set()

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one connection until it is closed."""
        if scope["type"] == "http":
            await _answer_http(send)
        elif scope["type"] == "websocket":
            await receive()
            try:
                with noted("websocket", _headers(scope).get("user-agent", ""), self._cloud.only):
                    session = self._open(scope, send)
            except AccessRefusedError as refused:
                await _deny(send, refused)
                return
            await self._run(session, receive)

    def close_all(self) -> None:
        """Close every connection: the server stops."""
        for session in tuple(self._sessions):
            session.end(GOING_AWAY)

    def _open(self, scope: "WebSocketScope", send: "ASGISendCallable") -> "_Session":
        query = scope["query_string"].decode("latin-1")
        asked = read_handshake(scope["path"], query, _headers(scope), self._cloud)
        extensions: dict[str, Any] = scope.get("extensions") or {}
        return _Session(asked, send, extensions.get(CLOSE_WHEN_IDLE), self._committer)

    async def _run(self, session: "_Session", receive: "ASGIReceiveCallable") -> None:
        self._sessions.add(session)
        try:
            await session.run(receive)
        finally:
            self._sessions.discard(session)


class _Close(NamedTuple):
    """The end of a connection: its WebSocket close code, and the reason in words."""

    code: int
    reason: str


class _Session(ConsumerSession):
    """One accepted connection: a writer task, and a reader of acknowledgements.

    `_outbox` holds text frames to send, and the close of the connection.
    """

    def __init__(
        self,
        asked: ConsumerRequest,
        send: "ASGISendCallable",
        close_when_idle: Callable[[float], None] | None,
        committer: Committer,
    ) -> None:
        super().__init__(asked)
        self._committer = committer
        self._client = asked.client
        self._send = send
        self._close_when_idle = close_when_idle
        self._outbox: asyncio.Queue[str | _Close] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        turn = DeliveryTurn(self.go_on)
        for consumer in self._consumers:
            consumer.has_turn = turn.goes_on

    async def run(self, receive: "ASGIReceiveCallable") -> None:
        """Accept the connection, deliver and read until either side closes it."""
        try:
            with noted("websocket", self._client):
                self.connect()
        except AccessRefusedError as refused:
            await _deny(self._send, refused)
            return
        writer: asyncio.Task[None] | None = None
        try:
            await self._send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            if self._close_when_idle is not None:
                self._close_when_idle(self._project.profile.queue_idle_ms / 1000)
            writer = asyncio.create_task(self._write())
            await self._read(receive)
        finally:
            self.disconnect()
            if writer is not None:
                writer.cancel()
                with suppress(asyncio.CancelledError):
                    await writer

    def has_room(self) -> bool:
        """Whether fewer frames wait than the consumer may hold: a client that does not read gets no more."""
        return self._outbox.qsize() < self._receiver_queue_size

    def put(self, text: str) -> None:
        """Send a frame after those that wait."""
        self._outbox.put_nowait(text)

    def fail_soon(self, code: int) -> None:
        """Close the connection in the loop's next iteration."""
        self._loop.call_soon(self.end, code)

    def end(self, code: int, reason: str = "") -> None:
        """Disconnect the consumer and close the connection. Frames that the client still sends are ignored."""
        self._ended = True
        self.disconnect()
        self._outbox.put_nowait(_Close(code, IDLE_TEXT if self._failing == GOING_AWAY else reason))

    async def _write(self) -> None:
        with suppress(OSError):  # the client has closed the connection: `_read` ends the session
            while True:
                item = await self._outbox.get()
                try:
                    await self._committer.settled()
                except StoreError:
                    item = _Close(FAILED, "the store fails: come again")
                if isinstance(item, _Close):
                    await self._send({"type": "websocket.close", "code": item.code, "reason": item.reason})
                    return
                await self._send({"type": "websocket.send", "bytes": None, "text": item})

    async def _read(self, receive: "ASGIReceiveCallable") -> None:
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                self._idle = event.get("reason") == IDLE_TEXT and event.get("code") == GOING_AWAY
                return
            if not self._ended:
                self.take((event.get("text") or "").encode() or event.get("bytes") or b"")


def _headers(scope: "WebSocketScope") -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _deny(send: "ASGISendCallable", refused: AccessRefusedError) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": STATUS[refused.reason], "headers": headers})
    await send({"type": "websocket.http.response.body", "body": str(refused).encode(), "more_body": False})


async def _answer_http(send: "ASGISendCallable") -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    body = b"This is the message queue: connect a WebSocket consumer, as the SDKs do.\n"
    await send({"type": "http.response.start", "status": 426, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
