"""Messages delivered and acknowledged over the WebSocket and natively: one ack before the next, and 32 in flight.

Each message is encrypted and signed when it is delivered, and delivery and ack are recorded in the history. Floor:
a bare WebSocket on the same server, which sends a prepared frame of the same length for each frame that it gets.
The client is a plain socket that reads no more of a frame than its length and its message id, so that it sets no limit.
"""

import base64
import socket
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks.client import EVENTS_BEGIN, VendorClient
from benchmarks.figures import ratio, show, spread
from benchmarks.native import NativeConsumer
from benchmarks.processes import FLOOR, SERVE, running
from mock_server.wire.encryption import queue_password

IN_FLIGHT = (1, 32)
IDLE_CONSUMERS = 200
_TIMEOUT_S = 20
_MEDIUM, _LONG = 126, 127
_KIND, _TEXT, _PING, _PONG = 0x0F, 1, 9, 10


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds, count = (2, 2_000) if quick else (7, 8_000)
    with running(SERVE) as cloud, running(FLOOR) as floor:
        client = VendorClient(cloud.exports)
        for in_flight in IN_FLIGHT:
            ours, native, bare = [], [], []
            for _ in range(rounds):
                rate, length = measure_cloud(client, count, in_flight)
                ours.append(rate)
                native.append(measure_native(client, count, in_flight))
                bare.append(measure_floor(floor.exports["ws"], count, in_flight, length))
            rows = [
                ("delivered, acknowledged", spread(ours), times_floor(ours, bare)),
                ("the same natively", spread(native), times_floor(native, bare)),
                ("bare WebSocket", spread(bare), "1.00"),
            ]
            show(f"{in_flight} in flight, {rounds} rounds of {count}", ("", "messages/s", "time, x floor"), rows)
        measure_idle(cloud.exports, cloud.rss_mb)


def measure_cloud(client: VendorClient, count: int, in_flight: int) -> tuple[float, int]:
    """Let the lot send some messages, then consume them; messages a second and the length of a frame."""
    client.add_entries([EVENTS_BEGIN + place for place in range(count)], uplink="deliver")
    with Consumer(client.exports["ws"], *consumer_of(client.exports, in_flight)) as consumer:
        rate = consumer.consume(count, acknowledgement)
        return rate, consumer.length


def times_floor(rates: list[float], floor: list[float]) -> str:
    """The time of a message, as a multiple of the floor's."""
    return ratio([1 / rate for rate in rates], [1 / rate for rate in floor])


def measure_native(client: VendorClient, count: int, in_flight: int) -> float:
    """Messages a second of a native consumer, whose acknowledgements are as many."""
    client.add_entries([EVENTS_BEGIN + place for place in range(count)], uplink="deliver")
    with NativeConsumer(client.exports, in_flight) as consumer:
        return consumer.consume(count)


def measure_floor(ws: str, count: int, in_flight: int, length: int) -> float:
    """Messages a second of the bare WebSocket."""
    with Consumer(ws, f"?window={in_flight}&length={length}&count={count}", {}) as consumer:
        return consumer.consume(count, lambda _: b'{"messageId": "CAEQAQ=="}')


def measure_idle(exports: dict[str, Any], rss_mb: Any) -> None:
    """Open many idle consumers; show their memory, and that the API still answers."""
    before = rss_mb()
    path, headers = consumer_of(exports, 1)
    consumers = [Consumer(exports["ws"], path, headers) for _ in range(IDLE_CONSUMERS)]
    after = rss_mb()
    VendorClient(exports)
    for consumer in consumers:
        consumer.close()
    row = (f"{IDLE_CONSUMERS} idle consumers", f"{before:.1f}", f"{after:.1f}", "yes")
    show("idle consumers", ("", "RSS before, MB", "RSS with them, MB", "API answers"), [row])


def consumer_of(exports: dict[str, Any], in_flight: int) -> tuple[str, dict[str, str]]:
    """Path and headers of a consumer of the default subscription."""
    access_id = exports["access_id"]
    path = f"ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
    headers = {"username": access_id, "password": queue_password(access_id, exports["access_secret"])}
    return f"{path}?subscriptionType=Failover&receiverQueueSize={in_flight}", headers


def acknowledgement(frame: bytes) -> bytes:
    """The ack of a message, whose id is the first value of its frame."""
    return b'{"messageId": "%s"}' % frame.split(b'"', 4)[3]


class Consumer:
    """A WebSocket client as small as can be: unfragmented text frames, pings and the end."""

    def __init__(self, url: str, path: str, headers: dict[str, str]) -> None:
        address = urlsplit(url)
        self.length = 0
        self._socket = socket.create_connection((address.hostname or "", address.port or 80), _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        key = base64.b64encode(bytes(16)).decode()
        own = {"Host": address.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        lines = [f"{name}: {value}" for name, value in (own | {"Sec-WebSocket-Key": key} | headers).items()]
        self._socket.sendall("\r\n".join((f"GET /{path} HTTP/1.1", *lines, "", "")).encode())
        status = self._until(b"\r\n\r\n").split(b"\r\n", 1)[0]
        if b" 101 " not in status:
            raise ConnectionRefusedError(status.decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away without a word."""
        self._socket.close()

    def consume(self, count: int, answer: Any) -> float:
        """Read some frames and answer each; frames a second, without the first."""
        frames = self._frames()
        self._send(answer(next(frames)))
        began = perf_counter()
        for _ in range(count - 1):
            self._send(answer(next(frames)))
        return (count - 1) / (perf_counter() - began)

    def consume_all(self, answer: Any) -> None:
        """Answer every frame until the connection ends."""
        with suppress(OSError):
            for frame in self._frames():
                self._send(answer(frame))

    def end(self) -> None:
        """End the connection under a thread that reads it."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def _send(self, text: bytes) -> None:
        """One text frame, masked with zeros as the protocol allows."""
        self._socket.sendall(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)

    def _frames(self) -> Iterator[bytes]:
        while True:
            kind, length = self._exactly(2)
            if length >= _MEDIUM:
                length = int.from_bytes(self._exactly(2 if length < _LONG else 8))
            content = self._exactly(length)
            if kind & _KIND == _PING:
                self._socket.sendall(bytes((0x80 | _PONG, 0x80 | length, 0, 0, 0, 0)) + content)
            elif kind & _KIND == _TEXT:
                self.length = length
                yield content
            else:
                raise ConnectionResetError(f"the server closes: {content!r}")

    def _exactly(self, length: int) -> bytes:
        while len(self._unread) < length:
            self._receive()
        taken, self._unread = self._unread[:length], self._unread[length:]
        return taken

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._receive()
        taken, _, self._unread = self._unread.partition(end)
        return taken

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._unread += data
