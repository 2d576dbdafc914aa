"""A connection of Pulsar's native protocol, as a broker with one address answers it, without its transport.

Bytes come in by `feed`, and go out by a `NativeTransport`. Order and answers are those of a real broker behind its own
proxy (read in its sources; observed with pulsar-client 3.2 to 3.13 and pulsar-client-go 0.14): first CONNECT, then
questions for partitions and the broker of a topic in any order and number, then consumers. A lookup is answered so that
the client stays with the address that it has: no name or port of ours has to be known.

Whatever else comes is refused, or closes the connection. Request ids are only given back: clients count several sorts
of requests from 0 on the same connection.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from mock_server.carriers.access import (
    NAMESPACE,
    AccessRefusedError,
    Refusal,
    Topic,
    authenticate,
    find_topic,
    noted,
)
from mock_server.carriers.native_consumer import NativeConsumer, NativeLink
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Strike
from mock_server.problems import parse_json
from mock_server.project import Project
from mock_server.queue.queue import TOPICS
from mock_server.wire.protobuf import MalformedError
from mock_server.wire.pulsar_commands import (
    MAX_PROTOCOL_VERSION,
    UNASKED,
    CommandAck,
    CommandAckResponse,
    CommandAuthResponse,
    CommandCloseConsumer,
    CommandCloseProducer,
    CommandConnect,
    CommandConnected,
    CommandConsumerStats,
    CommandError,
    CommandFlow,
    CommandGetLastMessageId,
    CommandGetLastMessageIdResponse,
    CommandGetOrCreateSchema,
    CommandGetSchema,
    CommandGetTopicsOfNamespace,
    CommandGetTopicsOfNamespaceResponse,
    CommandLookupTopic,
    CommandLookupTopicResponse,
    CommandNewTransaction,
    CommandPartitionedTopicMetadata,
    CommandPartitionedTopicMetadataResponse,
    CommandPing,
    CommandPong,
    CommandProducer,
    CommandRedeliverUnacknowledgedMessages,
    CommandSeek,
    CommandSubscribe,
    CommandSuccess,
    CommandTransactionCoordinatorConnect,
    CommandUnsubscribe,
    CommandWatchTopicList,
    LookupType,
    MetadataType,
    PulsarCommand,
    ServerError,
    decode_command,
)
from mock_server.wire.pulsar_frames import FrameReader, command_frame

AUTH_METHOD = "auth1"
"""The vendor's method of authentication: JSON with `username` and `password` (read in all SDKs)."""

SERVER_VERSION = "parking-mock"
MAX_MESSAGE_SIZE = 5 * 1024 * 1024
"""What CONNECTED says, in bytes: Pulsar's default."""

BROKER_URL = "pulsar://broker.parking-mock.invalid:6650"
BROKER_URL_TLS = "pulsar+ssl://broker.parking-mock.invalid:6651"
"""Who serves a topic, by each scheme. Nobody resolves these names: the client reaches it through the address it has."""

MAX_CONSUMERS = 100
"""The most consumers of one connection (our choice)."""

MAX_PROJECT_CONNECTIONS = 200
"""The most native connections of one project (our choice). A client has two."""

_TOPIC_URL = re.compile(r"(?:persistent://)?([^/]+)/([^/]+)/([^/]+)")
"""A topic. Without a scheme it is persistent too: Java subscribes to it as the application has written it."""

_ERRORS = {
    Refusal.CREDENTIALS: ServerError.AUTHENTICATION,
    Refusal.TENANT: ServerError.AUTHORIZATION,
    Refusal.TOPIC: ServerError.TOPIC_NOT_FOUND,
    Refusal.NAME: ServerError.AUTHORIZATION,
    Refusal.PARAMETER: ServerError.NOT_ALLOWED,
    Refusal.UNKNOWN: ServerError.SUBSCRIPTION_NOT_FOUND,
    Refusal.FULL: ServerError.TOO_MANY_REQUESTS,
    Refusal.BUSY: ServerError.CONSUMER_BUSY,
    Refusal.NOT_READY: ServerError.SERVICE_NOT_READY,
    Refusal.ELSEWHERE: ServerError.SERVICE_NOT_READY,
}


class NativeTransport(ABC):
    """The transport below a connection. Nothing of it blocks."""

    @abstractmethod
    def write(self, content: bytes) -> None:
        """Send bytes; none after the end."""

    @abstractmethod
    def close(self) -> None:
        """Close when everything written is sent."""

    @abstractmethod
    def abort(self) -> None:
        """Close now, whatever waits to be sent."""

    @abstractmethod
    def call_soon(self, work: Callable[[], None]) -> None:
        """Call `work` after what is on the stack has ended."""

    @abstractmethod
    def has_turn(self) -> bool:
        """Whether more may be done now, such as another message; if not, `NativeConnection.go_on` is called later."""


class NativeConnections:
    """The native connections of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._open: set[NativeConnection] = set()

    def of(self, project: Project) -> list["NativeConnection"]:
        """The connections that are let in to a project."""
        return [each for each in self._open if each.project is project]

    def open(self, transport: NativeTransport) -> "NativeConnection":
        """A new connection, with nobody known behind it."""
        connection = NativeConnection(self, transport)
        self._open.add(connection)
        return connection

    def discard(self, connection: "NativeConnection") -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)

    @property
    def count(self) -> int:
        """How many there are, let in or not."""
        return len(self._open)

    @property
    def only(self) -> Project | None:
        """The project of the cloud if it has only one: whose a client is that has not said it."""
        return self._cloud.only

    def abort_of(self, project: Project) -> None:
        """Close every connection of a project, those without a consumer too."""
        for connection in self.of(project):
            connection.abort()

    def abort_all(self) -> None:
        """Close every connection."""
        for connection in tuple(self._open):
            connection.abort()

    def admit(self, asked: CommandConnect) -> Project:
        """The project of a client. AccessRefusedError: CREDENTIALS, FULL if the project has too many connections."""
        project = authenticate(self._cloud, *_credentials(asked))
        if len(self.of(project)) >= MAX_PROJECT_CONNECTIONS:
            sentence = f"the project has {MAX_PROJECT_CONNECTIONS} connections already"
            raise AccessRefusedError(Refusal.FULL, sentence, project)
        return project


class NativeConnection(NativeLink):
    """One connection. `project` is None until the client is let in; `client` is the version that it says it has.

    `is_behind` says that commands have come which wait for its next turn: no more is to be read meanwhile.
    """

    def __init__(self, connections: NativeConnections, transport: NativeTransport) -> None:
        self.project: Project | None = None
        self._connections = connections
        self._transport = transport
        self._reader = FrameReader()
        self._consumers: dict[int, NativeConsumer] = {}
        self._ended = False
        self.is_behind = False

    def feed(self, content: bytes) -> None:
        """Obey what bytes say. The connection is closed if they say nothing, or what no client says."""
        self._reader.feed(content)
        self._obey_all()

    def go_on(self) -> None:
        """Obey and deliver what waits: the transport has its turn again."""
        self._obey_all()
        for consumer in tuple(self._consumers.values()):
            consumer.go_on()

    def _obey_all(self) -> None:
        """Obey what has come, one command at least, while it is this connection's turn."""
        self.is_behind = False
        try:
            while not self._ended and not self.is_behind and (command := self._reader.next_command()) is not None:
                self._obey(decode_command(command))
                self.is_behind = not self._transport.has_turn()
        except MalformedError:
            self.end()

    def ping(self) -> None:
        """Ask whether anybody is there."""
        self.send(CommandPing())

    def lost(self) -> None:
        """The transport is gone: every consumer leaves. May be called again."""
        self._ended = True
        self._connections.discard(self)
        consumers, self._consumers = self._consumers, {}
        for consumer in consumers.values():
            consumer.leave()

    def end(self) -> None:
        """Close the connection, when everything written is sent."""
        if not self._ended:
            self._transport.close()
            self.lost()

    def abort(self) -> None:
        """Close the connection now."""
        if not self._ended:
            self._transport.abort()
            self.lost()

    def send(self, command: PulsarCommand) -> None:
        """Send a command."""
        self.write(command_frame(command))

    def write(self, frame: bytes) -> None:
        """Send a frame, unless the connection has ended."""
        if not self._ended:
            self._transport.write(frame)

    def has_turn(self) -> bool:
        """Whether another message may be sent now."""
        return self._transport.has_turn()

    def strike(self, strike: Strike, consumer: NativeConsumer) -> None:
        """Do what a fault does: close a consumer, close the connection in order after a silence, or break it off."""
        if strike.kind == FaultKind.CONSUMER_CLOSE:
            consumer.is_closing = True
            self._transport.call_soon(lambda: self.close_consumer(consumer))
            return
        self.is_failing = True
        self._transport.call_soon(self.end if strike.kind == FaultKind.SOCKET_IDLE else self.abort)

    def _obey(self, command: PulsarCommand) -> None:
        handle = self._HANDLERS.get(type(command))
        if (self.project is None) != isinstance(command, CommandConnect) or handle is None:
            self.end()
            return
        handle(self, command)

    def _connect(self, asked: CommandConnect) -> None:
        self.client = asked.client_version
        with self._telling(partial(CommandError, UNASKED)):
            self.project = self._connections.admit(asked)
            version = max(0, min(asked.protocol_version, MAX_PROTOCOL_VERSION))
            self.send(CommandConnected(SERVER_VERSION, version, MAX_MESSAGE_SIZE))
        if self.project is None:
            self.end()

    @contextmanager
    def _telling(self, answer: Callable[[ServerError, str], PulsarCommand]) -> Iterator[None]:
        """Tell the client, in the answer to its request, that it is refused; and note it in the history."""
        try:
            with noted("native", self.client, self._connections.only):
                yield
        except AccessRefusedError as refused:
            self.send(answer(_ERRORS[refused.reason], str(refused)))

    def _refuse_request(self, command: Any) -> None:
        self.send(
            CommandError(command.request_id, ServerError.NOT_ALLOWED, "this is not there: only consumers are served")
        )

    def _refuse_unknown(self, command: Any) -> None:
        self.send(CommandError(command.request_id, ServerError.METADATA, "there is no such consumer"))

    def _refuse_producer(self, command: CommandProducer) -> None:
        sentence = "nobody may publish: messages come from lots"
        self.send(CommandError(command.request_id, ServerError.AUTHORIZATION, sentence))

    def _confirm(self, command: Any) -> None:
        self.send(CommandSuccess(command.request_id))

    def _ignore(self, command: Any) -> None:
        pass

    def _pong(self, _: CommandPing) -> None:
        self.send(CommandPong())

    def _topic(self, url: str) -> Topic:
        """The topic that a command names. AccessRefusedError if it is not of this project, or there is none."""
        project = self._admitted()
        match = _TOPIC_URL.fullmatch(url)
        if match is None:
            sentence = "a topic is persistent://{access_id}/out/event or .../event-test"
            raise AccessRefusedError(Refusal.TOPIC, sentence, project)
        return find_topic(project, *match.groups())

    def _admitted(self) -> Project:
        """The project; commands are obeyed only after CONNECT."""
        if self.project is None:
            raise RuntimeError("nobody is let in yet")
        return self.project

    def _tell_partitions(self, asked: CommandPartitionedTopicMetadata) -> None:
        with self._telling(partial(CommandPartitionedTopicMetadataResponse, 0, asked.request_id, MetadataType.FAILED)):
            topic = self._topic(asked.topic)
            partitions = self._admitted().queue.partitions(topic.name)
            count = 0 if topic.partition is not None or partitions[0] is None else len(partitions)
            self.send(CommandPartitionedTopicMetadataResponse(count, asked.request_id, MetadataType.SUCCESS))

    def _tell_broker(self, asked: CommandLookupTopic) -> None:
        answer = partial(CommandLookupTopicResponse, request_id=asked.request_id, authoritative=True)
        # with False for `authoritative` DotPulsar asks again for ever
        with self._telling(lambda error, text: answer(None, None, LookupType.FAILED, error=error, message=text)):
            self._topic(asked.topic)
            self.send(answer(BROKER_URL, BROKER_URL_TLS, LookupType.CONNECT, proxy_through_service_url=True))

    def _tell_topics(self, asked: CommandGetTopicsOfNamespace) -> None:
        project = self._admitted()
        space = f"{project.access_id}/{NAMESPACE}"
        suffixes = {
            name: ["" if part is None else f"-partition-{part}" for part in project.queue.partitions(name)]
            for name in TOPICS
        }
        topics = [f"persistent://{space}/{name}{suffix}" for name in TOPICS for suffix in suffixes[name]]
        self.send(
            CommandGetTopicsOfNamespaceResponse(asked.request_id, tuple(topics) if asked.namespace == space else ())
        )

    def _subscribe(self, asked: CommandSubscribe) -> None:
        known = self._consumers.get(asked.consumer_id)
        if known is not None and not known.is_asked_by(asked):
            sentence = "the consumer's id is taken on this connection"
            self.send(CommandError(asked.request_id, ServerError.NOT_ALLOWED, sentence))
            return
        with self._telling(partial(CommandError, asked.request_id)):
            consumer = known or self._new_consumer(asked)
            self._confirm(asked)
            consumer.announce()

    def _new_consumer(self, asked: CommandSubscribe) -> NativeConsumer:
        project = self._admitted()
        if len(self._consumers) >= MAX_CONSUMERS:
            raise AccessRefusedError(Refusal.FULL, f"the connection has {MAX_CONSUMERS} consumers already", project)
        consumer = NativeConsumer(self, project, self._topic(asked.topic), asked)
        self._consumers[asked.consumer_id] = consumer
        return consumer

    def _flow(self, command: CommandFlow) -> None:
        if consumer := self._consumers.get(command.consumer_id):
            consumer.add_permits(command.permits)

    def _acknowledge(self, command: CommandAck) -> None:
        consumer = self._consumers.get(command.consumer_id)
        if consumer is not None:
            consumer.acknowledge(command)
        if command.request_id is not None:
            error = None if consumer else ServerError.CONSUMER_NOT_FOUND
            self.send(CommandAckResponse(command.consumer_id, error, request_id=command.request_id))

    def _redeliver(self, command: CommandRedeliverUnacknowledgedMessages) -> None:
        if consumer := self._consumers.get(command.consumer_id):
            consumer.redeliver(command.consumer_epoch)

    def _close_consumer(self, command: CommandCloseConsumer) -> None:
        if consumer := self._consumers.pop(command.consumer_id, None):
            consumer.leave()
        self._confirm(command)

    def _unsubscribe(self, command: CommandUnsubscribe) -> None:
        consumer = self._consumers.get(command.consumer_id)
        if consumer is None:
            self._refuse_unknown(command)
        elif not consumer.may_unsubscribe():
            sentence = "the project's own subscription stays, and so does one with other consumers"
            self.send(CommandError(command.request_id, ServerError.NOT_ALLOWED, sentence))
        else:
            del self._consumers[command.consumer_id]
            consumer.unsubscribe()
            self._confirm(command)

    def _seek(self, command: CommandSeek) -> None:
        consumer = self._consumers.get(command.consumer_id)
        if consumer is None:
            self._refuse_unknown(command)
            return
        consumer.seek(command)
        self._confirm(command)
        self.close_consumer(consumer)

    def close_consumer(self, consumer: NativeConsumer) -> None:
        """Close a consumer from this side: clients subscribe again by themselves (observed: within 0.1 s)."""
        if self._consumers.get(consumer.number) is consumer:
            del self._consumers[consumer.number]
            self.send(CommandCloseConsumer(consumer.number, UNASKED))
            consumer.leave()

    def _tell_last_id(self, asked: CommandGetLastMessageId) -> None:
        consumer = self._consumers.get(asked.consumer_id)
        if consumer is None:
            self._refuse_unknown(asked)
        else:
            self.send(CommandGetLastMessageIdResponse(consumer.newest_id(), asked.request_id))

    _HANDLERS: ClassVar[dict[type[Any], Callable[[Any, Any], None]]] = {
        CommandConnect: _connect,
        CommandPartitionedTopicMetadata: _tell_partitions,
        CommandLookupTopic: _tell_broker,
        CommandGetTopicsOfNamespace: _tell_topics,
        CommandSubscribe: _subscribe,
        CommandFlow: _flow,
        CommandAck: _acknowledge,
        CommandRedeliverUnacknowledgedMessages: _redeliver,
        CommandCloseConsumer: _close_consumer,
        CommandUnsubscribe: _unsubscribe,
        CommandSeek: _seek,
        CommandGetLastMessageId: _tell_last_id,
        CommandPing: _pong,
        CommandPong: _ignore,
        CommandAuthResponse: _ignore,
        CommandProducer: _refuse_producer,
        CommandCloseProducer: _confirm,
        CommandConsumerStats: _refuse_request,
        CommandGetSchema: _refuse_request,
        CommandGetOrCreateSchema: _refuse_request,
        CommandNewTransaction: _refuse_request,
        CommandTransactionCoordinatorConnect: _refuse_request,
        CommandWatchTopicList: _refuse_request,
    }
    """What each command of a client does. All others close the connection."""


def _credentials(asked: CommandConnect) -> tuple[str, str]:
    """Access id and password. AccessRefusedError if there are none in the vendor's form."""
    if asked.auth_method_name != AUTH_METHOD:
        raise AccessRefusedError(Refusal.CREDENTIALS, f"the authentication is {AUTH_METHOD}")
    try:
        given = parse_json(asked.auth_data or b"", "the authentication's data")
    except ValueError as error:
        raise AccessRefusedError(Refusal.CREDENTIALS, str(error)) from None
    names = ("username", "password")
    values = [given.get(name) for name in names] if isinstance(given, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(names):
        raise AccessRefusedError(Refusal.CREDENTIALS, "the authentication's data is JSON with username and password")
    return texts[0], texts[1]
