"""Bounds on what an unknown sender can make an address keep: bytes, lines, time, connections."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from mock_server.web.serving.http_protocol import BoundedHttpProtocol, HttpLimits, LabHttpProtocol, VendorHttpProtocol
from mock_server.web.serving.websocket_protocol import MAX_FRAME, BoundedWebSocketProtocol

DEADLINE_S = 60.0
HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\n"
SMALL = HttpLimits(head=1_000, lines=10, pipelined=3, head_s=60, body_s=60, connections=2)

Kind = type[BoundedHttpProtocol]


class Wire:
    """A connection as a protocol sees it: what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = asyncio.Event()
        self.unread = 0
        self._news = asyncio.Event()

    def get_extra_info(self, _name: str) -> None:
        """No address."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed.is_set()

    def write(self, data: bytes) -> None:
        """Bytes for the client."""
        self.written += data
        self._news.set()

    async def has(self, text: bytes, times: int = 1) -> bytes:
        """What was written, once a text is in it so often."""
        while self.written.count(text) < times:
            self._news.clear()
            await self._news.wait()
        return self.written

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not read."""
        return self.unread

    def close(self) -> None:
        """Close it."""
        self.closed.set()

    abort = close

    def pause_reading(self) -> None:
        """Nothing to do: the test decides what is read."""

    resume_reading = pause_reading


async def swallow(_scope: Any, receive: Any, send: Any) -> None:
    """An application that reads a body to its end and answers."""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        if not event["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Address:
    """The connections of one address."""

    def __init__(self, kind: Kind, limits: HttpLimits, app: Any = swallow) -> None:
        self._config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        self._state = ServerState()
        self._kind, self._limits = kind, limits

    def connect(self) -> tuple[BoundedHttpProtocol, Wire]:
        """A new connection."""
        wire, made = Wire(), self._kind(self._config, self._state, {}, limits=self._limits)
        made.connection_made(wire)  # type: ignore[arg-type]  # all of a transport that a protocol uses
        return made, wire


def played(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a story on a loop, before a deadline."""

    async def run() -> Any:
        async with asyncio.timeout(DEADLINE_S):
            return await story()

    return asyncio.run(run())


def sent_until_refused(kind: Kind, first: bytes, more: bytes, times: int = 1_000) -> tuple[bytes, int]:
    """The answer to an endless request, and how many pieces it took."""

    async def story() -> tuple[bytes, int]:
        protocol, wire = Address(kind, SMALL).connect()
        protocol.data_received(first)
        for place in range(times):
            if wire.is_closing():
                return wire.written, place
            protocol.data_received(more)
            await asyncio.sleep(0)
        raise AssertionError("nothing was refused")

    answer: tuple[bytes, int] = played(story)
    return answer


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (HEAD + b"a: ", b"b" * 100),
        (HEAD, b"a: b\r\n"),
        (b"GET /", b"x" * 100),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"a: b\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: ", b"b" * 100),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"b" * 100),
        (HEAD + b"Content-Length: 0\r\n\r\n" + HEAD, b"a: b\r\n"),
        (b"", b"\r\n" * 50),
    ],
    ids=["line", "lines", "target", "trailers", "trailer", "chunk-extension", "second-head", "blank-lines"],
)
def test_what_is_no_body_is_bounded(first: bytes, more: bytes) -> None:
    """On every address, in its form, wherever in a request it does not end: 431 (or 1109), then closed."""
    answer, pieces = sent_until_refused(BoundedHttpProtocol, first, more)
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in answer
    assert pieces <= 13
    answer, _ = sent_until_refused(LabHttpProtocol, first, more)
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "request_header_fields_too_large"
    answer, _ = sent_until_refused(VendorHttpProtocol, first, more)
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == 1109


def test_a_body_is_not_counted_as_head() -> None:
    """However small its pieces; nor are trailers within the bounds, which nobody gets to see."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await swallow(scope, receive, send)
        seen.append(scope["headers"])

    async def story() -> bytes:
        protocol, wire = Address(BoundedHttpProtocol, SMALL, app).connect()
        protocol.data_received(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(500):
            protocol.data_received(b"2\r\nab\r\n")
            await asyncio.sleep(0)
        protocol.data_received(b"0\r\nx-trailer: 1\r\n\r\n")
        return await wire.has(b"200 OK")

    assert played(story).startswith(b"HTTP/1.1 200 OK")
    assert seen == [[(b"host", b"x"), (b"transfer-encoding", b"chunked")]]


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        (b"", "head"),
        (b"GET / HT", "head"),
        (HEAD + b"Content-Length: 5\r\n\r\nab", "body"),
        (HEAD + b"Content-Length: 0\r\n\r\nGET", "head"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", "body"),
    ],
)
def test_a_request_has_a_deadline(sent: bytes, part: str) -> None:
    """A head or a body that is not complete in time is refused, and a connection on which nothing comes."""
    limits = HttpLimits(head_s=0.02, body_s=0.02)

    async def story() -> bytes:
        protocol, wire = Address(BoundedHttpProtocol, limits).connect()
        protocol.data_received(sent)
        await wire.closed.wait()
        return wire.written

    assert f"the {part} of the request was not complete within 0.02 s".encode() in played(story)


def test_a_request_that_waits_for_its_answer_has_no_deadline() -> None:
    """Nor has one behind it: the time in which the server does not read is not the client's."""

    async def story() -> bytes:
        checked = asyncio.Semaphore(0)

        class Checked(BoundedHttpProtocol):
            def _check_time(self) -> None:
                super()._check_time()
                checked.release()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            for _ in range(3):
                await checked.acquire()
            await swallow(scope, receive, send)

        protocol, wire = Address(Checked, HttpLimits(head_s=0.01, body_s=0.01), app).connect()
        protocol.data_received((HEAD + b"Content-Length: 0\r\n\r\n") * 2)
        return await wire.has(b"200 OK", 2)

    assert b"408" not in played(story)


def test_connections_are_bounded_and_told() -> None:
    """One too many is refused; when another ends there is room again."""

    async def story() -> list[bytes]:
        address = Address(LabHttpProtocol, SMALL)
        first, _ = address.connect()
        address.connect()
        third, refused = address.connect()
        third.connection_lost(None)
        first.connection_lost(None)
        _, welcome = address.connect()
        return [refused.written, welcome.written]

    refused, welcome = played(story)
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"there are 2 connections already" in refused
    assert welcome == b""


def test_requests_that_wait_behind_another_are_bounded() -> None:
    """A thousand in one read would each be kept until the first is answered."""

    async def story() -> bytes:
        protocol, wire = Address(BoundedHttpProtocol, SMALL).connect()
        protocol.data_received(b"GET / HTTP/1.1\r\n\r\n" * 1_000)
        return wire.written

    assert played(story).startswith(b"HTTP/1.1 429 Too Many Requests")


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def accept(_scope: Any, receive: Any, send: Any) -> None:
    """An application that accepts a WebSocket and listens."""
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def opened() -> tuple[BoundedWebSocketProtocol, Wire]:
    """A WebSocket, open."""
    config = uvicorn.Config(
        accept, log_config=None, lifespan="off", ws_max_size=MAX_FRAME, ws_per_message_deflate=False
    )
    config.load()
    protocol, wire = BoundedWebSocketProtocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)  # type: ignore[arg-type]  # all of a transport that a protocol uses
    protocol.data_received(UPGRADE + b"\r\n")
    await wire.has(b"101 Switching")
    wire.written = b""
    return protocol, wire


class Time:
    """The time of a loop, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> "Time":
        """Call it when its time has come."""
        self._timers.append((self.now + delay_s, callback))
        return self

    def cancel(self) -> None:
        """Forget the timers: one protocol has one."""
        self._timers.clear()

    def move_to(self, now: float) -> None:
        """It is later."""
        self.now = now
        due, self._timers = [each for _, each in self._timers], []
        for callback in due:
            callback()


def masked(opcode: int, payload: bytes = b"") -> bytes:
    """A client's frame with a mask of zeros; 0x80 in `opcode` is FIN."""
    return bytes((opcode, 0x80 | len(payload))) + bytes(4) + payload


def test_a_handshake_that_cannot_be_read_is_answered() -> None:
    """Uvicorn leaves it open for ever."""

    async def story() -> bytes:
        config = uvicorn.Config(accept, log_config=None, lifespan="off")
        protocol, wire = BoundedWebSocketProtocol(config, ServerState(), {}), Wire()
        protocol.connection_made(wire)  # type: ignore[arg-type]  # all of a transport that a protocol uses
        protocol.data_received(UPGRADE + b"x: " + b"y" * 100_000 + b"\r\n\r\n")
        await wire.closed.wait()
        return wire.written

    assert played(story).startswith(b"HTTP/1.1 4")


def test_the_frames_of_a_message_are_bounded() -> None:
    """Empty ones too: none counts against the length of the message, and each would be kept."""

    async def story() -> tuple[bool, int]:
        protocol, wire = await opened()
        protocol.max_fragments = 5
        protocol.data_received(masked(0x01) + masked(0x00) * 50)
        return wire.is_closing(), len(protocol.frames)

    assert played(story) == (True, 0)


GOODBYE = b"\x88\x0e\x03\xe9Idle Timeout"


async def watched(time: Time) -> tuple[BoundedWebSocketProtocol, Wire]:
    """A WebSocket that may be silent for ten seconds of a time."""
    protocol, wire = await opened()
    protocol.loop = time  # type: ignore[assignment]  # all of a loop that a watch uses
    protocol.data_received(masked(0x8A))
    protocol.close_when_idle(10)
    return protocol, wire


@pytest.mark.parametrize(
    "said", [masked(0x89), masked(0x8A, b"of its own"), masked(0x81, b"{}")], ids=["ping", "pong", "frame"]
)
def test_whatever_a_client_says_ends_its_silence(said: bytes) -> None:
    """A ping, a pong with any payload and a frame; ten seconds after the last of them it is closed with 1001."""

    async def story() -> list[bool]:
        time, closed = Time(), []
        protocol, wire = await watched(time)
        time.move_to(9)
        protocol.data_received(said)
        for now in (10, 18, 19):
            time.move_to(now)
            closed.append(wire.is_closing() and wire.written.endswith(GOODBYE))
        return closed

    assert played(story) == [False, False, True]


def test_a_message_to_a_client_ends_a_silence_too() -> None:
    """The limit is on bytes either way, as in Jetty."""

    async def story() -> list[bool]:
        time = Time()
        protocol, wire = await watched(time)
        time.move_to(9)
        await protocol.send({"type": "websocket.send", "bytes": None, "text": "a message"})
        time.move_to(18)
        was_open = not wire.is_closing()
        time.move_to(19)
        return [was_open, wire.is_closing()]

    assert played(story) == [True, True]


def test_a_silent_client_that_reads_nothing_is_cut_off() -> None:
    """Nobody waits until it reads that it is closed."""

    async def story() -> tuple[bool, bool]:
        time = Time()
        _, wire = await watched(time)
        wire.unread = 1
        time.move_to(10)
        return wire.is_closing(), GOODBYE in wire.written

    assert played(story) == (True, False)


def test_no_server_pings() -> None:
    """As at Pulsar of that time: a client that answers none, or in its own way, lives."""

    async def story() -> bool:
        protocol, _ = await opened()
        return protocol.ping_timer is None

    assert played(story)


def test_pings_of_a_client_that_reads_nothing_end_its_connection() -> None:
    """Its pongs would pile up; one that reads gets each."""

    async def story() -> tuple[bytes, bool]:
        protocol, wire = await opened()
        protocol.data_received(masked(0x89, b"one"))
        answered = wire.written
        wire.unread = protocol.max_unread + 1
        protocol.data_received(masked(0x89, b"two"))
        return answered, wire.is_closing() and wire.written == answered

    assert played(story) == (b"\x8a\x03one", True)
