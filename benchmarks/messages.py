"""Messages delivered and acknowledged over the WebSocket and natively: one ack before the next, and 32 in flight.

Each message is encrypted and signed when it is delivered, and delivery and ack are recorded in the history. Floor:
a bare WebSocket on the same server, which sends a prepared frame of the same length for each frame that it gets.
The clients are plain sockets that read no more of a frame than its length and its message id; their time on their own
core is told beside the server's on its own, so that it shows which of both sets the limit.

The native carrier must not take more of the server than the WebSocket does. That is measured as time on a core: it says
how many messages a second there can be where the server has its core for itself, and moves least with a busy machine.
"""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from benchmarks.client import EVENTS_BEGIN, VendorClient
from benchmarks.figures import show, spread
from benchmarks.native import NativeConsumer
from benchmarks.processes import FLOOR, SERVE, Running, running
from mock_server.wire.encryption import queue_password

IN_FLIGHT = (1, 32)
IDLE_CONSUMERS = 200
WEBSOCKET, NATIVE, NATIVE_SINGLE = "WebSocket", "native, acks in groups", "native, an ack each"
BARE = "bare WebSocket"
FRAME_LENGTH = 1_000
"""The characters of a bare frame: as many as a message of the default profile has, within ten."""

_TIMEOUT_S = 20
_MEDIUM, _LONG = 126, 127
_KIND, _TEXT, _PING, _PONG = 0x0F, 1, 9, 10


class Lane(NamedTuple):
    """One round of one carrier: messages a second, and what each takes of the server's and the client's core, in us."""

    rate: float
    server_us: float
    client_us: float


def run(*, quick: bool) -> bool:
    """Measure and print; whether the native carrier takes no more of the server than the WebSocket."""
    rounds, count = (2, 1_000) if quick else (9, 2_000)
    with running(SERVE) as cloud, running(FLOOR) as floor:
        shares = [compare(cloud, floor, rounds, count, in_flight) for in_flight in IN_FLIGHT]
        measure_idle(cloud.exports, cloud.rss_mb)
    dear = max(shares)
    if dear > 1:
        print(f"\nnative messages take {dear:.2f} times the server's time of those over the WebSocket")
    return dear <= 1


def compare(cloud: Running, floor: Running, rounds: int, count: int, in_flight: int) -> float:
    """Measure all carriers in turns, and print. What native messages take of the server, as a share of the others."""
    client = VendorClient(cloud.exports)
    lanes: dict[str, Callable[[], Lane]] = {
        WEBSOCKET: lambda: measure_cloud(cloud, client, count, in_flight),
        NATIVE: lambda: measure_native(cloud, client, count, in_flight, grouped=True),
        NATIVE_SINGLE: lambda: measure_native(cloud, client, count, in_flight, grouped=False),
        BARE: lambda: measure_floor(floor, count, in_flight),
    }
    if in_flight == 1:
        del lanes[NATIVE]  # a group of one
    taken: dict[str, list[Lane]] = {name: [] for name in lanes}
    for turn in range(rounds):
        for name in lanes if turn % 2 else reversed(lanes):
            taken[name].append(lanes[name]())
    rows = [row_of(name, taken) for name in lanes]
    head = ("", "messages/s", "time, x floor", "server CPU, us", "x floor", "x WebSocket", "client CPU, us")
    show(f"{in_flight} in flight, {rounds} rounds of {count}", head, rows)
    return max(median(shares(taken[name], taken[WEBSOCKET])) for name in lanes if name in (NATIVE, NATIVE_SINGLE))


def row_of(name: str, taken: dict[str, list[Lane]]) -> tuple[str, ...]:
    """The row of one carrier, beside the others of the same rounds."""
    lanes, bare = taken[name], taken[BARE]
    rates = [each.rate for each in lanes]
    times = [floor.rate / each.rate for each, floor in zip(lanes, bare, strict=True)]
    server, client = [each.server_us for each in lanes], [each.client_us for each in lanes]
    of_floor, of_websocket = spread(shares(lanes, bare), 2), spread(shares(lanes, taken[WEBSOCKET]), 2)
    return name, spread(rates), spread(times, 2), spread(server), of_floor, of_websocket, spread(client)


def shares(lanes: list[Lane], others: list[Lane]) -> list[float]:
    """What messages take of the server, as a share of others of the same round."""
    return [each.server_us / other.server_us for each, other in zip(lanes, others, strict=True)]


def timed(server: Running, count: int, consume: Callable[[], float]) -> Lane:
    """Consume some messages, and tell what that takes."""
    server_s, client_s = server.cpu_s(), process_time()
    rate = consume()
    return Lane(rate, (server.cpu_s() - server_s) * 1e6 / count, (process_time() - client_s) * 1e6 / count)


def measure_cloud(cloud: Running, client: VendorClient, count: int, in_flight: int) -> Lane:
    """Let the lot send some messages, then consume them over the WebSocket."""
    client.add_entries([EVENTS_BEGIN + place for place in range(count)], uplink="deliver")
    with Consumer(client.exports["ws"], *consumer_of(client.exports, in_flight)) as consumer:
        return timed(cloud, count, lambda: consumer.consume(count, acknowledgement))


def measure_native(cloud: Running, client: VendorClient, count: int, in_flight: int, *, grouped: bool) -> Lane:
    """The same by a native consumer, whose acknowledgements are as many."""
    client.add_entries([EVENTS_BEGIN + place for place in range(count)], uplink="deliver")
    with NativeConsumer(client.exports, in_flight, grouped=grouped) as consumer:
        return timed(cloud, count, lambda: consumer.consume(count))


def measure_floor(floor: Running, count: int, in_flight: int) -> Lane:
    """As many frames over the bare WebSocket."""
    asked = f"?window={in_flight}&length={FRAME_LENGTH}&count={count}"
    with Consumer(floor.exports["ws"], asked, {}) as consumer:
        return timed(floor, count, lambda: consumer.consume(count, lambda _: b'{"messageId": "CAEQASAA"}'))


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
