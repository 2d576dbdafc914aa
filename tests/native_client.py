"""A native Pulsar client for tests, without sockets: it says commands to a connection and reads what comes back."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from mock_server.carriers.native import NativeConnection, NativeConnections, NativeTransport
from mock_server.cloud import Cloud
from mock_server.project import Project
from mock_server.wire.encryption import queue_password
from mock_server.wire.message_id import message_id_numbers
from mock_server.wire.protobuf import decode, encode
from mock_server.wire.pulsar_commands import (
    AckType,
    CommandAck,
    CommandConnect,
    CommandFlow,
    CommandMessage,
    CommandRedeliverUnacknowledgedMessages,
    CommandSubscribe,
    MessageIdData,
    MessageMetadata,
    PulsarCommand,
    SubType,
    decode_command,
)
from mock_server.wire.pulsar_frames import CHECKSUM_MAGIC, command_frame, crc32c

C = TypeVar("C", bound=PulsarCommand)


class Received(NamedTuple):
    """A message frame. `is_whole` says whether its checksum is right."""

    command: CommandMessage
    metadata: MessageMetadata
    payload: bytes
    is_whole: bool

    @property
    def place(self) -> tuple[int, int]:
        """Ledger and entry."""
        return self.command.message_id.ledger, self.command.message_id.entry


class FakeTransport(NativeTransport):
    """Keeps what is written. `turns` bounds how many messages are taken in a turn; `soon` waits for `run_soon`."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.ended: str | None = None
        self.soon: list[Callable[[], None]] = []
        self.turns: int | None = None

    def write(self, content: bytes) -> None:
        """Keep bytes."""
        assert self.ended is None, "written after the end"
        self.written += content

    def close(self) -> None:
        """Note it."""
        self.ended = "closed"

    def abort(self) -> None:
        """Note it."""
        self.ended = "aborted"

    def call_soon(self, work: Callable[[], None]) -> None:
        """Keep work for `run_soon`."""
        self.soon.append(work)

    def has_turn(self) -> bool:
        """Whether messages are left of the turn."""
        if self.turns is None:
            return True
        self.turns -= 1
        return self.turns >= 0


class NativeClient:
    """One connection of a client to a project."""

    def __init__(self, project: Project, connections: NativeConnections | None = None) -> None:
        self.project = project
        self.transport = FakeTransport()
        self.connections = connections or native_connections(project)
        self.connection: NativeConnection = self.connections.open(self.transport)
        self.topic = f"persistent://{project.access_id}/out/event"

    def say(self, *commands: PulsarCommand) -> list[Any]:
        """Send commands; returns what was answered, as `heard` does."""
        self.connection.feed(b"".join(command_frame(each) for each in commands))
        return self.heard()

    def heard(self) -> list[Any]:
        """The commands and messages since the last call."""
        found, data = [], bytes(self.transport.written)
        self.transport.written.clear()
        while data:
            size = 4 + int.from_bytes(data[:4], "big")
            found.append(_read(data[4:size]))
            data = data[size:]
        return found

    def run_soon(self) -> None:
        """Let the connection do what it has put off."""
        while self.transport.soon:
            self.transport.soon.pop(0)()

    def connect(self, **changed: Any) -> list[Any]:
        """Say CONNECT with the project's credentials, changed as asked."""
        return self.say(connect_command(self.project)._replace(**changed))

    def subscribe(self, consumer_id: int = 0, permits: int = 1000, **changed: Any) -> list[Any]:
        """Join the main subscription as one consumer, changed as asked, with permits. Returns what was answered."""
        name = f"{self.project.access_id}-sub"
        asked = CommandSubscribe(self.topic, name, SubType.FAILOVER, consumer_id, 7, f"c{consumer_id}", durable=True)
        flow = [CommandFlow(consumer_id, permits)] if permits else []
        return self.say(asked._replace(**changed), *flow)

    def flow(self, permits: int, consumer_id: int = 0) -> None:
        """Ask for so many messages more; what comes is left to be heard."""
        self.connection.feed(command_frame(CommandFlow(consumer_id, permits)))

    def acknowledge(self, *messages: Received, consumer_id: int = 0) -> list[Any]:
        """Acknowledge messages, each by itself."""
        ids = tuple(encode(each.command.message_id) for each in messages)
        return self.say(CommandAck(consumer_id, AckType.INDIVIDUAL, ids))

    def acknowledge_up_to(self, message: Received, consumer_id: int = 0) -> list[Any]:
        """Acknowledge a message and all before it."""
        return self.say(CommandAck(consumer_id, AckType.CUMULATIVE, (encode(message.command.message_id),)))

    def redeliver(self, consumer_id: int = 0, epoch: int | None = None) -> list[Any]:
        """Ask for all unacknowledged messages again."""
        return self.say(CommandRedeliverUnacknowledgedMessages(consumer_id, (), epoch))


def native_connections(project: Project) -> NativeConnections:
    """The connections of a cloud with one project."""
    cloud = Cloud(project.clock)
    cloud.add(project)
    return NativeConnections(cloud)


def connected(project: Project, connections: NativeConnections | None = None) -> NativeClient:
    """A client that is let in."""
    client = NativeClient(project, connections)
    client.connect()
    return client


def consuming(project: Project, connections: NativeConnections | None = None, **changed: Any) -> NativeClient:
    """A client with a consumer of the main subscription, whose first answers are read."""
    client = connected(project, connections)
    client.subscribe(**changed)
    return client


def connect_command(project: Project) -> CommandConnect:
    """The CONNECT of a client with the project's credentials."""
    password = queue_password(project.access_id, project.access_secret)
    data = json.dumps({"username": project.access_id, "password": password}).encode()
    return CommandConnect("Pulsar-CPP-v4.2.0", data, 20, "auth1")


def id_data(message_id: str) -> MessageIdData:
    """A message id of the history as the wire has it."""
    return MessageIdData(*message_id_numbers(message_id))


def only(kind: type[C], heard: list[Any]) -> list[C]:
    """Those of one type."""
    return [each for each in heard if isinstance(each, kind)]


def received(heard: list[Any]) -> list[Received]:
    """The messages among what was heard."""
    return [each for each in heard if isinstance(each, Received)]


def _read(frame: bytes) -> Any:
    size = int.from_bytes(frame[:4], "big")
    command = decode_command(frame[4 : 4 + size])
    rest = frame[4 + size :]
    if not rest:
        return command
    assert isinstance(command, CommandMessage)
    assert rest[:2] == CHECKSUM_MAGIC
    checked = rest[6:]
    end = 4 + int.from_bytes(checked[:4], "big")
    is_whole = int.from_bytes(rest[2:6], "big") == crc32c(checked)
    return Received(command, decode(MessageMetadata, checked[4:end]), checked[end:], is_whole)
