"""The frame of a message for a native consumer, written out.

Its bytes are those that `encode` makes of a `CommandMessage` and a `MessageMetadata`, in a quarter of the time
(measured): ids are taken over as the text of a message id has them, and what many messages share is made once.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from mock_server.wire.message_id import message_id_fields
from mock_server.wire.protobuf import content_field, number_field, varint
from mock_server.wire.pulsar_frames import CHECKSUM_MAGIC, SIZE_BYTES, crc32c

PRODUCER_NAME = "parking-mock"
"""Who a message says that it is from; its sequence id is its entry."""

_BEGIN = b"\x08\x09\x4a"
"""The type of the command, and the key of its field."""

_PRODUCER = content_field(1, PRODUCER_NAME.encode())

_size, _sizes = Struct(">I").pack, Struct(">II").pack
_BESIDE = SIZE_BYTES + len(CHECKSUM_MAGIC) + SIZE_BYTES
"""The bytes of a frame behind `total` that are neither command nor checked: a size, the magic number, the checksum."""


class Addressee(NamedTuple):
    """To which consumer of a connection a message goes, and what it is told beside the message."""

    consumer_id: int
    partition: int | None
    redelivery_count: int
    epoch: int | None


class Metadata(NamedTuple):
    """What stands before a message's payload: its publication in epoch milliseconds, its properties, its key."""

    publish_time: int
    properties: Mapping[str, str]
    key: str


def message_frame(to: Addressee, message_id: str, metadata: Metadata, payload: bytes, *, damage: int = 0) -> bytes:
    """The frame of a message. `damage` is what its checksum is wrong by: those bits are flipped."""
    ledger, entry = message_id_fields(message_id)
    before, partition, behind = _parts(*to)
    named = ledger + entry + partition
    command = before + varint(len(named)) + named + behind
    command = _BEGIN + varint(len(command)) + command
    # The sequence id is the field 2 of its message, as the entry is of the id.
    written = _PRODUCER + entry + b"\x18" + varint(metadata.publish_time) + _named(metadata)
    checked = _size(len(written)) + written + payload
    total = len(command) + _BESIDE + len(checked)
    return _sizes(total, len(command)) + command + CHECKSUM_MAGIC + _size(crc32c(checked) ^ damage) + checked


@lru_cache(1024)
def _parts(
    consumer_id: int, partition: int | None, redelivery_count: int, epoch: int | None
) -> tuple[bytes, bytes, bytes]:
    """What is before the id in a command, behind the numbers in it, and behind it."""
    before = number_field(1, consumer_id) + b"\x12"
    return before, _optional(3, partition), number_field(3, redelivery_count) + _optional(5, epoch)


def _optional(number: int, value: int | None) -> bytes:
    return b"" if value is None else number_field(number, value)


def _named(metadata: Metadata) -> bytes:
    return b"".join([_property(*each) for each in metadata.properties.items()]) + _key(metadata.key)


@lru_cache(256)
def _property(name: str, value: str) -> bytes:
    return content_field(4, content_field(1, name.encode()) + content_field(2, value.encode()))


@lru_cache(1024)
def _key(key: str) -> bytes:
    return content_field(6, key.encode())
