"""A consumer of the message queue over Pulsar's native protocol, synchronous and read by polling.

It is what a library of that protocol is to its application (read in pulsar-client and pulsar-client-go). Messages wait
in a local queue, which asks for more when the application has taken half of it. An acknowledgement is for one message,
or for all up to it. A request for redelivery brings back everything that is not acknowledged; what waits in the local
queue then comes twice, as with pulsar-client for Python and C++.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from contracts.client.interface import GOING_AWAY, Stream
from mock_server.clock import monotonic_s
from mock_server.wire.protobuf import MalformedError, encode
from mock_server.wire.pulsar_commands import (
    AckType,
    CommandAck,
    CommandCloseConsumer,
    CommandConnect,
    CommandConnected,
    CommandError,
    CommandFlow,
    CommandMessage,
    CommandPartitionedTopicMetadata,
    CommandPartitionedTopicMetadataResponse,
    CommandPing,
    CommandPong,
    CommandRedeliverUnacknowledgedMessages,
    CommandSubscribe,
    CommandSuccess,
    MessageIdData,
    PulsarCommand,
    SubType,
    decode_command,
)
from mock_server.wire.pulsar_frames import FrameReader, command_frame, read_message

Answer = TypeVar("Answer")

VERSION = "parking-mock-client"
PROTOCOL_VERSION = 19

PATIENCE_S = 30.0
"""How long an answer may take, in seconds of real time."""

CHECKSUM_MISMATCH = 2
"""The validation error of a message whose checksum is wrong (Pulsar's protocol)."""


class Subscribed(NamedTuple):
    """What a consumer subscribes to: a topic with its tenant. `type` is `Failover` or `Exclusive`."""

    topic: str
    subscription: str
    type: str = "Failover"
    queue_size: int = 1000
    name: str = ""


class PulsarMessage(NamedTuple):
    """A delivered message. `partition` is the number of the consumer's partition, 0 where there are none."""

    message_id: MessageIdData
    payload: bytes
    properties: dict[str, str]
    redelivery_count: int
    partition: int
    publish_time: int


class PulsarConsumer:
    """A consumer of all partitions of one subscription, on a stream of its own. OSError if it is refused.

    `closed` is None while it consumes; else 1001 if the queue has closed the consumer or, in order, the connection,
    1006 if that broke.
    """

    def __init__(self, stream: Stream, username: str, password: str, subscribed: Subscribed) -> None:
        self._stream = stream
        self._subscribed = subscribed
        self._reader = FrameReader()
        self._local: deque[PulsarMessage] = deque()
        self._answers: deque[PulsarCommand] = deque()
        self._taken: dict[int, int] = {}
        self._is_closed = False
        try:
            self._connect(username, password)
            for number, topic in enumerate(self._topics()):
                self._subscribe(number, topic)
            for number in self._taken:
                self._send(CommandFlow(number, subscribed.queue_size))
        except BaseException:
            stream.close()
            raise

    @property
    def closed(self) -> int | None:
        """Whether it has ended, once every message before that has been received."""
        if self._local:
            return None
        return GOING_AWAY if self._is_closed else self._stream.closed

    def receive(self) -> PulsarMessage | None:
        """The next message, None if none was sent before this call."""
        if not self._local and not self._is_closed and self._stream.closed is None:
            self._fence()
        if not self._local:
            return None
        message = self._local.popleft()
        self._count(message.partition)
        return message

    def acknowledge(self, message: PulsarMessage) -> None:
        """Acknowledge one message."""
        self._send(CommandAck(message.partition, AckType.INDIVIDUAL, (encode(message.message_id),)))

    def acknowledge_up_to(self, message: PulsarMessage) -> None:
        """Acknowledge a message and all of its partition that were published before it, received or not."""
        self._send(CommandAck(message.partition, AckType.CUMULATIVE, (encode(message.message_id),)))

    def redeliver(self) -> None:
        """Have everything delivered again that is not acknowledged."""
        for number in self._taken:
            self._send(CommandRedeliverUnacknowledgedMessages(number))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _connect(self, username: str, password: str) -> None:
        keys = json.dumps({"username": username, "password": password})
        self._send(CommandConnect(VERSION, keys.encode(), PROTOCOL_VERSION, "auth1"))
        self._answer(CommandConnected)

    def _topics(self) -> list[str]:
        """The topic, or each of its partitions."""
        self._send(CommandPartitionedTopicMetadata(self._subscribed.topic, 0))
        answer = self._answer(CommandPartitionedTopicMetadataResponse)
        if answer.error is not None:
            raise ConnectionRefusedError(answer.message or "")
        partitions = range(answer.partitions or 0)
        return [f"{self._subscribed.topic}-partition-{number}" for number in partitions] or [self._subscribed.topic]

    def _subscribe(self, number: int, topic: str) -> None:
        sub_type = SubType[self._subscribed.type.upper()]
        name = self._subscribed.name or None
        self._send(CommandSubscribe(topic, self._subscribed.subscription, sub_type, number, number, name))
        self._answer(CommandSuccess)
        self._taken[number] = 0

    def _count(self, number: int) -> None:
        """Ask for as many messages more as were taken, once that is half of the local queue."""
        self._taken[number] += 1
        if self._taken[number] * 2 >= self._subscribed.queue_size:
            self._send(CommandFlow(number, self._taken[number]))
            self._taken[number] = 0

    def _fence(self) -> None:
        """Read until the answer to a ping: what was sent before the queue has seen it comes before that answer."""
        self._send(CommandPing())
        self._await(lambda: self._take_answer(CommandPong) is not None or self._is_closed)

    def _answer(self, kind: type[Answer]) -> Answer:
        """The next answer of this kind. ConnectionError for a refusal, or if the stream ends."""
        self._await(lambda: any(isinstance(each, kind | CommandError) for each in self._answers))
        refused = self._take_answer(CommandError)
        if refused is not None:
            raise ConnectionRefusedError(f"{refused.error} {refused.message}")
        answer = self._take_answer(kind)
        if answer is None:
            raise ConnectionResetError("the connection ended without an answer")
        return answer

    def _take_answer(self, kind: type[Answer]) -> Answer | None:
        found = next((each for each in self._answers if isinstance(each, kind)), None)
        if found is not None:
            self._answers.remove(found)
        return found

    def _await(self, condition: Callable[[], bool]) -> None:
        """Read until a condition holds or the stream has ended. TimeoutError after `PATIENCE_S`."""
        until_s = monotonic_s() + PATIENCE_S
        while not condition():
            content = self._stream.receive()
            if not content and self._stream.closed is not None:
                return
            if monotonic_s() > until_s:
                raise TimeoutError("the queue does not answer")
            self._read(content)

    def _read(self, content: bytes) -> None:
        self._reader.feed(content)
        while (frame := self._reader.next_frame()) is not None:
            self._take(decode_command(frame[0]), frame[1])

    def _take(self, command: Any, rest: bytes) -> None:
        """Handle what the queue says."""
        if isinstance(command, CommandMessage):
            self._take_message(command, rest)
        elif isinstance(command, CommandCloseConsumer):
            self._is_closed = True
        elif isinstance(command, CommandPing):
            self._send(CommandPong())
        else:
            self._answers.append(command)

    def _take_message(self, command: CommandMessage, rest: bytes) -> None:
        """Put a message into the local queue; one whose checksum is wrong is discarded, as all libraries do."""
        number, message_id = command.consumer_id, command.message_id
        try:
            metadata, payload = read_message(rest)
        except MalformedError:
            self._send(CommandAck(number, AckType.INDIVIDUAL, (encode(message_id),), CHECKSUM_MISMATCH))
            self._count(number)
            return
        properties = {each.key: each.value for each in metadata.properties}
        count = command.redelivery_count or 0
        self._local.append(PulsarMessage(message_id, payload, properties, count, number, metadata.publish_time))

    def _send(self, command: PulsarCommand) -> None:
        self._stream.send(command_frame(command))
