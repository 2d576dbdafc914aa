"""A native Pulsar consumer as small as can be: it reads lengths and ids only.

Permits are refilled when half of what may be in flight has come, as libraries do. Each message is acknowledged by
itself, in a frame of its own (as DotPulsar does) or with as many as there are permits to refill (others group 100 ms).
"""

import json
import socket
from time import perf_counter
from typing import Any, Self
from urllib.parse import urlsplit

from mock_server.wire.encryption import queue_password
from mock_server.wire.protobuf import varint
from mock_server.wire.pulsar_commands import (
    CommandConnect,
    CommandConnected,
    CommandFlow,
    CommandSubscribe,
    CommandSuccess,
    SubType,
    decode_command,
)
from mock_server.wire.pulsar_frames import command_frame

_TIMEOUT_S = 20
_SIZE = 4
_MESSAGE = b"\x08\x09\x4a"
"""How the command of a message begins: its type, and the field of its body."""


class NativeConsumer:
    """A consumer of the default subscription that holds `in_flight` messages at most."""

    def __init__(self, exports: dict[str, Any], in_flight: int, *, grouped: bool) -> None:
        address = urlsplit(exports["pulsar"])
        self._refill = max(1, in_flight // 2)
        self._group = self._refill if grouped else 1
        self._taken: list[bytes] = []
        self._received = 0
        self._permits = command_frame(CommandFlow(0, self._refill))
        self._unread = b""
        self._socket = socket.create_connection((address.hostname or "", address.port or 0), _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connect, subscribe = opening(exports)
        self._ask(connect, CommandConnected)
        self._ask(subscribe, CommandSuccess)
        self._socket.sendall(command_frame(CommandFlow(0, in_flight)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def consume(self, count: int) -> float:
        """Read some messages, acknowledge them, and refill the permits as libraries do; messages a second."""
        self._take()
        began = perf_counter()
        for _ in range(count - 1):
            self._take()
        return (count - 1) / (perf_counter() - began)

    def _take(self) -> None:
        message = self._frame()
        while not message.startswith(_MESSAGE, _SIZE):
            message = self._frame()
        # behind it: the length of the body, consumer 0, and the id with its own length in one byte
        begin = _SIZE + len(_MESSAGE) + 4
        self._taken.append(message[begin : begin + 1 + message[begin]])
        self._received += 1
        permits = self._permits if self._received % self._refill == 0 else b""
        if len(self._taken) == self._group:
            self._socket.sendall(_acknowledgement(self._taken) + permits)
            self._taken = []

    def _ask(self, command: Any, answer: type[Any]) -> None:
        self._socket.sendall(command_frame(command))
        self._next(answer)

    def _next(self, wanted: type[Any]) -> Any:
        """The next command of a type; others are skipped."""
        while True:
            content = self._frame()
            command = decode_command(content[_SIZE : _SIZE + int.from_bytes(content[:_SIZE])])
            if isinstance(command, wanted):
                return command

    def _frame(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(_SIZE)))

    def _exactly(self, length: int) -> bytes:
        while len(self._unread) < length:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._unread += data
        taken, self._unread = self._unread[:length], self._unread[length:]
        return taken


def opening(exports: dict[str, Any]) -> tuple[CommandConnect, CommandSubscribe]:
    """What a client says first: its keys, and that consumer 0 joins the default subscription."""
    access_id = exports["access_id"]
    password = queue_password(access_id, exports["access_secret"])
    data = json.dumps({"username": access_id, "password": password}).encode()
    topic, name = f"persistent://{access_id}/out/event", f"{access_id}-sub"
    return (
        CommandConnect("benchmark", data, 20, "auth1"),
        CommandSubscribe(topic, name, SubType.FAILOVER, 0, 0),
    )


def _acknowledgement(message_ids: list[bytes]) -> bytes:
    """The frame that acknowledges messages of consumer 0, each given as its id behind its length."""
    body = b"\x08\x00\x10\x00" + b"".join(b"\x1a" + each for each in message_ids)
    content = b"\x08\x0a\x52" + varint(len(body)) + body
    return (len(content) + _SIZE).to_bytes(_SIZE) + len(content).to_bytes(_SIZE) + content
