"""The commands of Pulsar's binary protocol that consumers and their broker exchange, as message types.

Names and numbers are those of the protocol (documented: pulsar.apache.org, "Pulsar binary protocol"; recorded from
pulsar-client 3.5.0 and pulsar-client-go 0.14.0). Fields that neither side of ours needs are left out: they are skipped.

Ids of messages are unsigned on the wire and mean signed numbers: clients send 2^64-1 for -1, "before the first".
"""

from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from mock_server.wire.protobuf import At, MalformedError, content_field, decode, encode, number_field, raw_fields

MAX_PROTOCOL_VERSION = 21
"""The highest version of the protocol that is spoken here."""

UNASKED = (1 << 64) - 1
"""The request id of what the broker says unasked: -1 as an unsigned number."""


class ServerError(IntEnum):
    """Why the broker refuses something."""

    UNKNOWN = 0
    METADATA = 1
    AUTHENTICATION = 3
    AUTHORIZATION = 4
    CONSUMER_BUSY = 5
    SERVICE_NOT_READY = 6
    TOPIC_NOT_FOUND = 11
    SUBSCRIPTION_NOT_FOUND = 12
    CONSUMER_NOT_FOUND = 13
    TOO_MANY_REQUESTS = 14
    NOT_ALLOWED = 22


class SubType(IntEnum):
    """The type of a subscription."""

    EXCLUSIVE = 0
    SHARED = 1
    FAILOVER = 2
    KEY_SHARED = 3


class AckType(IntEnum):
    """What an acknowledgement covers: the named messages, or all up to the named one."""

    INDIVIDUAL = 0
    CUMULATIVE = 1


class LookupType(IntEnum):
    """The answer to a lookup."""

    REDIRECT = 0
    CONNECT = 1
    FAILED = 2


class MetadataType(IntEnum):
    """The answer to a question for partitions."""

    SUCCESS = 0
    FAILED = 1


class MessageIdData(NamedTuple):
    """The id of a message."""

    ledger: Annotated[int, At(1, "int64")]
    entry: Annotated[int, At(2, "int64")]
    partition: Annotated[int | None, At(3, "int32")] = None
    batch_index: Annotated[int | None, At(4, "int32")] = None


class KeyValue(NamedTuple):
    """A property of a message."""

    key: Annotated[str, At(1)]
    value: Annotated[str, At(2)]


class MessageMetadata(NamedTuple):
    """What stands before a message's payload. `publish_time` is in epoch milliseconds."""

    producer_name: Annotated[str, At(1)]
    sequence_id: Annotated[int, At(2)]
    publish_time: Annotated[int, At(3)]
    properties: Annotated[tuple[KeyValue, ...], At(4)] = ()
    partition_key: Annotated[str | None, At(6)] = None


class CommandConnect(NamedTuple):
    """The first command of a client."""

    client_version: Annotated[str, At(1)]
    auth_data: Annotated[bytes | None, At(3)] = None
    protocol_version: Annotated[int, At(4, "int32")] = 0
    auth_method_name: Annotated[str | None, At(5)] = None
    proxy_to_broker_url: Annotated[str | None, At(6)] = None


class CommandConnected(NamedTuple):
    """The answer to a client that is let in. `max_message_size` is in bytes."""

    server_version: Annotated[str, At(1)]
    protocol_version: Annotated[int, At(2, "int32")] = 0
    max_message_size: Annotated[int | None, At(3, "int32")] = None


class CommandSubscribe(NamedTuple):
    """A consumer joins a subscription. `sub_type` is a `SubType`; `initial_position` 0 means latest."""

    topic: Annotated[str, At(1)]
    subscription: Annotated[str, At(2)]
    sub_type: Annotated[int, At(3, "int32")]
    consumer_id: Annotated[int, At(4)]
    request_id: Annotated[int, At(5)]
    consumer_name: Annotated[str | None, At(6)] = None
    priority_level: Annotated[int | None, At(7, "int32")] = None
    durable: Annotated[bool | None, At(8)] = None
    start_message_id: Annotated[MessageIdData | None, At(9)] = None
    initial_position: Annotated[int | None, At(13, "int32")] = None
    consumer_epoch: Annotated[int | None, At(19)] = None


class CommandProducer(NamedTuple):
    """A producer wants to publish: never allowed here."""

    topic: Annotated[str, At(1)]
    producer_id: Annotated[int, At(2)]
    request_id: Annotated[int, At(3)]


class CommandMessage(NamedTuple):
    """A message for a consumer; metadata and payload follow in the same frame."""

    consumer_id: Annotated[int, At(1)]
    message_id: Annotated[MessageIdData, At(2)]
    redelivery_count: Annotated[int | None, At(3, "uint32")] = None
    consumer_epoch: Annotated[int | None, At(5)] = None


class CommandAck(NamedTuple):
    """Messages are done. `ack_type` is an `AckType`; with a `request_id` it wants an answer.

    Each of the `message_ids` is the bytes of a `MessageIdData`, which `acknowledged_id` reads: there may be a thousand.
    A `validation_error` says that the client's library has discarded them.
    """

    consumer_id: Annotated[int, At(1)]
    ack_type: Annotated[int, At(2, "int32")]
    message_ids: Annotated[tuple[bytes, ...], At(3)] = ()
    validation_error: Annotated[int | None, At(4, "int32")] = None
    request_id: Annotated[int | None, At(8)] = None


class CommandFlow(NamedTuple):
    """A consumer takes so many more messages."""

    consumer_id: Annotated[int, At(1)]
    permits: Annotated[int, At(2, "uint32")]


class CommandUnsubscribe(NamedTuple):
    """A subscription is to be forgotten."""

    consumer_id: Annotated[int, At(1)]
    request_id: Annotated[int, At(2)]


class CommandSuccess(NamedTuple):
    """A request is carried out."""

    request_id: Annotated[int, At(1)]


class CommandError(NamedTuple):
    """A request is refused; `error` is a `ServerError`."""

    request_id: Annotated[int, At(1)]
    error: Annotated[int, At(2, "int32")]
    message: Annotated[str, At(3)]


class CommandCloseProducer(NamedTuple):
    """A producer is closed."""

    producer_id: Annotated[int, At(1)]
    request_id: Annotated[int, At(2)]


class CommandCloseConsumer(NamedTuple):
    """A consumer is closed, by either side."""

    consumer_id: Annotated[int, At(1)]
    request_id: Annotated[int, At(2)]


class CommandPing(NamedTuple):
    """Is anybody there?"""


class CommandPong(NamedTuple):
    """The answer to a ping."""


class CommandRedeliverUnacknowledgedMessages(NamedTuple):
    """A consumer wants messages again: those of the ids, or without ids all that it has not acknowledged."""

    consumer_id: Annotated[int, At(1)]
    message_ids: Annotated[tuple[MessageIdData, ...], At(2)] = ()
    consumer_epoch: Annotated[int | None, At(3)] = None


class CommandPartitionedTopicMetadata(NamedTuple):
    """How many partitions does a topic have?"""

    topic: Annotated[str, At(1)]
    request_id: Annotated[int, At(2)]


class CommandPartitionedTopicMetadataResponse(NamedTuple):
    """The number of partitions, 0 for none; `response` is a `MetadataType`."""

    partitions: Annotated[int | None, At(1, "uint32")]
    request_id: Annotated[int, At(2)]
    response: Annotated[int | None, At(3, "int32")] = None
    error: Annotated[int | None, At(4, "int32")] = None
    message: Annotated[str | None, At(5)] = None


class CommandLookupTopic(NamedTuple):
    """Which broker serves a topic?"""

    topic: Annotated[str, At(1)]
    request_id: Annotated[int, At(2)]


class CommandLookupTopicResponse(NamedTuple):
    """The broker's URLs; `response` is a `LookupType`. `proxy_through_service_url`: reach it through this address."""

    broker_service_url: Annotated[str | None, At(1)]
    broker_service_url_tls: Annotated[str | None, At(2)]
    response: Annotated[int | None, At(3, "int32")]
    request_id: Annotated[int, At(4)]
    authoritative: Annotated[bool | None, At(5)] = None
    error: Annotated[int | None, At(6, "int32")] = None
    message: Annotated[str | None, At(7)] = None
    proxy_through_service_url: Annotated[bool | None, At(8)] = None


class CommandConsumerStats(NamedTuple):
    """How is a consumer doing?"""

    request_id: Annotated[int, At(1)]
    consumer_id: Annotated[int, At(4)]


class CommandSeek(NamedTuple):
    """A subscription goes to a message or a time (epoch milliseconds)."""

    consumer_id: Annotated[int, At(1)]
    request_id: Annotated[int, At(2)]
    message_id: Annotated[MessageIdData | None, At(3)] = None
    message_publish_time: Annotated[int | None, At(4)] = None


class CommandGetLastMessageId(NamedTuple):
    """Which message of a topic is the newest?"""

    consumer_id: Annotated[int, At(1)]
    request_id: Annotated[int, At(2)]


class CommandGetLastMessageIdResponse(NamedTuple):
    """The id of the newest message, (-1, -1) for none."""

    last_message_id: Annotated[MessageIdData, At(1)]
    request_id: Annotated[int, At(2)]


class CommandActiveConsumerChange(NamedTuple):
    """A consumer of a Failover subscription is, or is not, the one that gets messages."""

    consumer_id: Annotated[int, At(1)]
    is_active: Annotated[bool | None, At(2)] = None


class CommandGetTopicsOfNamespace(NamedTuple):
    """Which topics are there?"""

    request_id: Annotated[int, At(1)]
    namespace: Annotated[str, At(2)]


class CommandGetTopicsOfNamespaceResponse(NamedTuple):
    """The topics of a namespace."""

    request_id: Annotated[int, At(1)]
    topics: Annotated[tuple[str, ...], At(2)] = ()


class CommandGetSchema(NamedTuple):
    """Which schema does a topic have?"""

    request_id: Annotated[int, At(1)]
    topic: Annotated[str, At(2)]


class CommandAuthResponse(NamedTuple):
    """Credentials that nobody has asked for."""

    client_version: Annotated[str | None, At(1)] = None


class CommandAckResponse(NamedTuple):
    """The answer to an acknowledgement that had a request id; without `error` it was taken."""

    consumer_id: Annotated[int, At(1)]
    error: Annotated[int | None, At(4, "int32")] = None
    message: Annotated[str | None, At(5)] = None
    request_id: Annotated[int | None, At(6)] = None


class CommandGetOrCreateSchema(NamedTuple):
    """A schema for a topic is wanted."""

    request_id: Annotated[int, At(1)]
    topic: Annotated[str, At(2)]


class CommandNewTransaction(NamedTuple):
    """A transaction is wanted."""

    request_id: Annotated[int, At(1)]


class CommandTransactionCoordinatorConnect(NamedTuple):
    """The coordinator of transactions is wanted."""

    request_id: Annotated[int, At(1)]


class CommandWatchTopicList(NamedTuple):
    """News of the topics of a namespace is wanted."""

    request_id: Annotated[int, At(1)]
    watcher_id: Annotated[int, At(2)]


COMMANDS: dict[int, type[Any]] = {
    2: CommandConnect,
    3: CommandConnected,
    4: CommandSubscribe,
    5: CommandProducer,
    9: CommandMessage,
    10: CommandAck,
    11: CommandFlow,
    12: CommandUnsubscribe,
    13: CommandSuccess,
    14: CommandError,
    15: CommandCloseProducer,
    16: CommandCloseConsumer,
    18: CommandPing,
    19: CommandPong,
    20: CommandRedeliverUnacknowledgedMessages,
    21: CommandPartitionedTopicMetadata,
    22: CommandPartitionedTopicMetadataResponse,
    23: CommandLookupTopic,
    24: CommandLookupTopicResponse,
    25: CommandConsumerStats,
    28: CommandSeek,
    29: CommandGetLastMessageId,
    30: CommandGetLastMessageIdResponse,
    31: CommandActiveConsumerChange,
    32: CommandGetTopicsOfNamespace,
    33: CommandGetTopicsOfNamespaceResponse,
    34: CommandGetSchema,
    37: CommandAuthResponse,
    38: CommandAckResponse,
    39: CommandGetOrCreateSchema,
    50: CommandNewTransaction,
    61: CommandTransactionCoordinatorConnect,
    64: CommandWatchTopicList,
}
"""Each command by its type, which is also the number of its field in a `BaseCommand`."""

_TYPES = {command: number for number, command in COMMANDS.items()}
_TYPE = 1

PulsarCommand = tuple[Any, ...]
"""A command: an instance of one of the types of `COMMANDS`."""


def decode_command(data: bytes) -> PulsarCommand:
    """The command that a `BaseCommand` holds. MalformedError if it holds none, or one that is not known here."""
    if len(data) <= _SHORT:
        return _decode_again(data)
    return _usual_ack(data) or _decode(data)


def _usual_ack(data: bytes) -> CommandAck | None:
    """An acknowledgement of one message as clients write it, None for any other command: a quarter of the time."""
    size = len(data)
    if (
        _SHORT < size < 0x80  # noqa: PLR2004 so that each size has one byte
        and data.startswith(_ACK)
        and (data[3], data[4], data[6], data[8], data[9]) == (size - 4, 0x08, 0x10, 0x1A, size - 10)
        and data[5] | data[7] < 0x80  # noqa: PLR2004 the same of consumer and type
    ):
        return CommandAck(data[5], data[7], (data[10:],))
    return None


def _decode(data: bytes) -> PulsarCommand:
    numbers, contents = raw_fields(data)
    number = numbers.get(_TYPE, 0)
    if number not in COMMANDS or number not in contents:
        raise MalformedError(f"there is no command of the type {number}, or it is missing")
    return decode(COMMANDS[number], contents[number])


_ACK = b"\x08\x0a\x52"
"""How an acknowledgement begins: its type, and the key of its field."""

_SHORT = 12
"""The bytes of a command that is said again and again: permits and pings."""

_decode_again = lru_cache(256)(_decode)


def encode_command(command: PulsarCommand) -> bytes:
    """The `BaseCommand` that holds a command."""
    number = _TYPES[type(command)]
    return number_field(_TYPE, number) + content_field(number, encode(command))
