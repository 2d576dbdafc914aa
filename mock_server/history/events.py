"""The append-only list of everything that happened in a project, on one clock.

An event is a small typed value; the log gives it a number and a time. Plates and tokens are masked before they
get here: what the history holds may be shown.

Files with histories are kept and read by later versions (`from_json`). So a field that an event gains must have a
default: the value that it takes where a file of before does not have it.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct, field

from mock_server.model import AskedEntry, Cell, JsonObject, JsonScalar, Origin, Spoils

Sent: TypeAlias = Literal["whole", "garbled", "not"]
"""What of an answer went out."""

SCHEMA_VERSION = 1
"""Raised when a kind or a field changes its meaning or goes; new kinds and fields may come without notice."""


class RecordKept(Struct, frozen=True, gc=False):
    """The lot keeps a record. `replaced` tells that it had an older version of it.

    `details` are its further fields, but for the image's address, which may show a plate.
    """

    kind: ClassVar[str] = "record.kept"
    device_id: str
    record_id: str
    data_type: int
    pass_direction: int | None
    event_time: int
    plate_no: str
    uplink: str
    replaced: bool
    created_time: int = 0
    details: dict[str, JsonScalar] = field(default_factory=dict)


class RecordRemoved(Struct, frozen=True, gc=False):
    """The lot no longer has a record."""

    kind: ClassVar[str] = "record.removed"
    device_id: str
    record_id: str
    data_type: int


class RecordLost(Struct, frozen=True, gc=False):
    """A record's message was lost before the queue: `cause` is the fault, or "uplink" when its maker asked for it."""

    kind: ClassVar[str] = "record.lost"
    device_id: str
    record_id: str
    data_type: int
    cause: str


class MessagePublished(Struct, frozen=True, gc=False):
    """A message is on the queue. `record_id` or `sn` says what it is about.

    `data_type` is that of the record, as a pass and a bill may share an id; histories of before this field lack it.
    `partition` is None where the topics have no partitions.
    """

    kind: ClassVar[str] = "message.published"
    message_id: str
    device_id: str
    origin: Origin
    record_id: str | None
    sn: str | None
    data_type: int | None = None
    partition: int | None = None


class MessageDelivered(Struct, frozen=True, gc=False):
    """A message was handed to a consumer; `redelivery_count` is how often it was before, whatever it is told."""

    kind: ClassVar[str] = "message.delivered"
    message_id: str
    topic: str
    subscription: str
    consumer: str
    redelivery_count: int


class MessageAcknowledged(Struct, frozen=True, gc=False):
    """A consumer acknowledged a message: it is gone from its subscription.

    `cumulative` says that the message was one of all those up to the one that the consumer named.
    """

    kind: ClassVar[str] = "message.acknowledged"
    message_id: str
    topic: str
    subscription: str
    consumer: str
    cumulative: bool = False


class MessageDiscarded(Struct, frozen=True, gc=False):
    """A client's library threw a message away that it could not read, and the application never saw it.

    The message is gone from its subscription. `error` is the library's reason, such as `ChecksumMismatch`.
    """

    kind: ClassVar[str] = "message.discarded"
    message_id: str
    topic: str
    subscription: str
    consumer: str
    error: str


class MessageRefused(Struct, frozen=True, gc=False):
    """A consumer acknowledged a message negatively: it will come again."""

    kind: ClassVar[str] = "message.refused"
    message_id: str
    topic: str
    subscription: str
    consumer: str


class MessageExpired(Struct, frozen=True, gc=False):
    """A subscription that nobody has ever listened to let go of its oldest message."""

    kind: ClassVar[str] = "message.expired"
    message_id: str
    topic: str
    subscription: str


class RedeliveryRequested(Struct, frozen=True, gc=False):
    """A consumer asked for its unacknowledged messages, and this many that had been delivered come again."""

    kind: ClassVar[str] = "redelivery.requested"
    topic: str
    subscription: str
    consumer: str
    messages: int
    partition: int | None = None


CarrierName: TypeAlias = Literal["websocket", "native", "test"]
"""How a consumer is connected: by a protocol of the queue, or as an object of a test."""

ConsumerChange: TypeAlias = Literal["connected", "active", "idle", "disconnected"]
"""What happened to a consumer."""


class ConsumerChanged(Struct, frozen=True, gc=False):
    """A consumer came, became the active one, or left; before that `idle` if it was closed for its silence.

    `client` and `name` are what it says of itself: its library with the version, and its name on the subscription.
    `partition` is None where the topics have no partitions.
    """

    kind: ClassVar[str] = "consumer"
    topic: str
    subscription: str
    consumer: str
    change: ConsumerChange
    carrier: CarrierName = "websocket"
    client: str = ""
    name: str = ""
    partition: int | None = None


class ConsumerRefused(Struct, frozen=True, gc=False):
    """A client that wanted to consume was refused: a word for the reason, and the sentence that it was told."""

    kind: ClassVar[str] = "consumer.refused"
    carrier: CarrierName
    client: str
    reason: str
    message: str


class RequestReceived(Struct, frozen=True, gc=False):
    """One call of the data plane. Credentials are masked; equal masks mean equal values."""

    kind: ClassVar[str] = "request"
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


class SyncAsked(Struct, frozen=True, gc=False):
    """What the call of records/sync with the number `request` asks, whether it is then carried out or refused.

    `fields` are the body's own fields of the endpoint as sent, in any spelling (lists and objects emptied, texts
    shortened); null if the body is no JSON object. `total` is how many entries its list has, `entries` tells them with
    their cells: `cell` is null where an entry forms none, `raw` is there where cell and count do not say it all. A call
    with many entries has several of these events, 50 entries each, and at most 10,000 in all are told.
    """

    kind: ClassVar[str] = "sync.asked"
    request: int
    device_id: str
    fields: JsonObject | None
    total: int
    entries: tuple[AskedEntry, ...]


class RequestAnswered(Struct, frozen=True, gc=False):
    """The answer to the request with the number `request`. `code` is None for a success; `sent` tells what went out."""

    kind: ClassVar[str] = "answer"
    request: int
    code: int | None
    msg: str | None
    sn: str | None
    sent: Sent


class CountCompared(Struct, frozen=True, gc=False):
    """The lot compared one claimed count with its own."""

    kind: ClassVar[str] = "count.compared"
    sn: str
    cell: Cell
    claimed: int
    counted: int
    equal: bool


class Rereported(Struct, frozen=True, gc=False):
    """The lot decided to publish a cell's records again."""

    kind: ClassVar[str] = "rereport"
    sn: str
    cell: Cell
    claimed: int
    counted: int
    records: int


class CommandMoved(Struct, frozen=True, gc=False):
    """A command reached a process status."""

    kind: ClassVar[str] = "command"
    sn: str
    device_id: str
    status: int


class DeviceChanged(Struct, frozen=True, gc=False):
    """A device was added or changed."""

    kind: ClassVar[str] = "device"
    device_id: str
    device_name: str
    supplier_code: str
    device_kind: str
    online: bool


class FaultInjected(Struct, frozen=True, gc=False):
    """A fault struck. `operation` is the logical operation that it hit, `value` the fault's parameter.

    What was struck is named as far as it has a name then: the entry of a `request`, a message (with the `consumer`
    to which it was delivered) or a record.
    """

    kind: ClassVar[str] = "fault"
    fault: str
    value: int
    site: str
    operation: str
    spoils: Spoils | None = None
    request: int | None = None
    message_id: str | None = None
    consumer: str | None = None
    device_id: str | None = None
    data_type: int | None = None
    record_id: str | None = None


class FaultsChanged(Struct, frozen=True, gc=False):
    """A fault was directed, the directed ones were cleared, or chaos was chosen (`what` says which)."""

    kind: ClassVar[str] = "faults"
    change: Literal["directed", "cleared", "chaos"]
    what: str


class ClockMoved(Struct, frozen=True, gc=False):
    """A virtual clock was moved by hand, from this time on, to `to_ms`."""

    kind: ClassVar[str] = "clock"
    to_ms: int


Event = (
    RecordKept
    | RecordRemoved
    | RecordLost
    | MessagePublished
    | MessageDelivered
    | MessageAcknowledged
    | MessageDiscarded
    | MessageRefused
    | MessageExpired
    | RedeliveryRequested
    | ConsumerChanged
    | ConsumerRefused
    | RequestReceived
    | SyncAsked
    | RequestAnswered
    | CountCompared
    | Rereported
    | CommandMoved
    | DeviceChanged
    | FaultInjected
    | FaultsChanged
    | ClockMoved
)
