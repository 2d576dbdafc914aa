"""The consumers of the soak, WebSocket and native: they come back when thrown out, and refuse what is damaged.

`max_queue=None`: with a bounded one the client's library may need 10 s to see that a server has closed a connection.
"""

import asyncio
import base64
import json
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from benchmarks.native import opening
from contracts.clients.messages import decrypt
from mock_server.wire.encryption import message_sign, queue_password
from mock_server.wire.message_id import message_id_text
from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import (
    AckType,
    CommandAck,
    CommandFlow,
    CommandMessage,
    CommandPing,
    CommandPong,
    CommandRedeliverUnacknowledgedMessages,
    PulsarCommand,
    decode_command,
)
from mock_server.wire.pulsar_frames import FrameReader, command_frame, read_message

_AGAIN_S = 0.02
_REFUSED_ONE_IN = 40
_REFUSED_MS = 500
_PERMITS = 1000


@dataclass
class Inbox:
    """What a consumer has got: record ids, and the ids of the messages that it acknowledged."""

    records: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    tally: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """A new day."""
        self.records.clear()
        self.acknowledged.clear()


class SoakConsumer(ABC):
    """Consumes from its making on, until it is stopped."""

    def __init__(self, exports: dict[str, Any], inbox: Inbox) -> None:
        self._secret: str = exports["access_secret"]
        self._exports = exports
        self._inbox = inbox
        self._task = asyncio.create_task(self._consume())

    async def stop(self) -> None:
        """Go away."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @abstractmethod
    async def _connection(self) -> None:
        """Consume over one connection until it is lost."""

    async def _consume(self) -> None:
        while True:
            with suppress(OSError, EOFError, WebSocketException):
                await self._connection()
            self._inbox.tally["connections lost"] += 1
            await asyncio.sleep(_AGAIN_S)

    def _keeps(self, message_id: str, payload: bytes) -> bool:
        """Whether it keeps a message, and so acknowledges it: nothing damaged, and now and then not what is whole."""
        self._inbox.tally["deliveries"] += 1
        record_id = self._record_id(payload)
        on_a_whim = self._inbox.tally["deliveries"] % _REFUSED_ONE_IN == 0
        if record_id is None or on_a_whim:
            self._inbox.tally["refused"] += 1
            return False
        self._inbox.records |= {record_id} if record_id else set()
        self._inbox.acknowledged.add(message_id)
        return True

    def _record_id(self, payload: bytes) -> str | None:
        """The record of a message, empty if it is about something else; None if it is damaged."""
        outer = json.loads(payload)
        if message_sign(outer, self._secret) != outer["sign"]:
            return None
        report = json.loads(decrypt(outer["data"], self._secret, "aes_ecb"))
        record_id: str = json.loads(report["status"][0]["value"]).get("recordId", "")
        return record_id


class WebSocketSoakConsumer(SoakConsumer):
    """Over the WebSocket: what it refuses comes again after half a second."""

    async def _connection(self) -> None:
        access_id = self._exports["access_id"]
        path = f"ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
        url = f"{self._exports['ws']}{path}?subscriptionType=Failover&negativeAckRedeliveryDelay={_REFUSED_MS}"
        headers = {"username": access_id, "password": queue_password(access_id, self._secret)}
        async with connect(url, additional_headers=headers, max_queue=None) as socket:
            async for text in socket:
                frame = json.loads(text)
                message_id = frame["messageId"]
                kept = self._keeps(message_id, base64.b64decode(frame["payload"]))
                answer = {"messageId": message_id} | ({} if kept else {"type": "negativeAcknowledge"})
                await socket.send(json.dumps(answer))


class NativeSoakConsumer(SoakConsumer):
    """Over native Pulsar: half a second after it has refused a message, it asks for all that are not acknowledged."""

    async def _connection(self) -> None:
        address = urlsplit(self._exports["pulsar"])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            _send(writer, *opening(self._exports), CommandFlow(0, _PERMITS))
            frames = FrameReader()
            while data := await reader.read(65536):
                frames.feed(data)
                while (frame := frames.next_frame()) is not None:
                    self._answer(writer, *frame)
        finally:
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, content: bytes, rest: bytes) -> None:
        command = decode_command(content)
        if isinstance(command, CommandPing):
            _send(writer, CommandPong())
        elif isinstance(command, CommandMessage):
            message_id = command.message_id
            if self._keeps(message_id_text(message_id.ledger, message_id.entry), read_message(rest)[1]):
                _send(writer, CommandFlow(0, 1), CommandAck(0, AckType.INDIVIDUAL, (encode(message_id),)))
            else:
                _send(writer, CommandFlow(0, 1))
                again = CommandRedeliverUnacknowledgedMessages(0)
                asyncio.get_running_loop().call_later(_REFUSED_MS / 1000, _send, writer, again)


def _send(writer: asyncio.StreamWriter, *commands: PulsarCommand) -> None:
    """Send commands, unless the connection is lost."""
    if not writer.is_closing():
        writer.write(b"".join(map(command_frame, commands)))
