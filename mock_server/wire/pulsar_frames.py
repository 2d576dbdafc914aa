"""The frames of Pulsar's binary protocol: commands with their sizes, and messages with their checksum.

    simple   [total][size of the command][command]                            sizes: 4 bytes, the highest first
    message  [total][size of the command][command][0e 01][CRC-32C][size of the metadata][metadata][payload]

`total` counts what is behind itself. The checksum is over everything behind it; clients discard a message without a
right one (observed: pulsar-client-go 0.14.0 acknowledges it with a validation error). `pulsar_message` writes messages.
"""

import google_crc32c

from mock_server.wire.protobuf import MalformedError, decode
from mock_server.wire.pulsar_commands import MessageMetadata, PulsarCommand, encode_command

MAX_FRAME_BYTES = 64 * 1024
"""The most bytes of a client's frame (our choice): an acknowledgement of 1000 messages has some 20 kB, and no client
groups more. Text of another protocol, such as `GET /`, reads as a size beyond it."""

CHECKSUM_MAGIC = b"\x0e\x01"
SIZE_BYTES = 4


def crc32c(content: bytes) -> int:
    """The CRC-32C (Castagnoli) of bytes."""
    return int(google_crc32c.value(content))


def command_frame(command: PulsarCommand) -> bytes:
    """The frame of a command without payload."""
    content = encode_command(command)
    return _size(SIZE_BYTES + len(content)) + _size(len(content)) + content


def _size(number: int) -> bytes:
    return number.to_bytes(SIZE_BYTES, "big")


def read_message(content: bytes) -> tuple[MessageMetadata, bytes]:
    """What is behind the command of a message: its metadata and its payload. MalformedError if they are damaged."""
    head = len(CHECKSUM_MAGIC) + SIZE_BYTES
    magic, checksum, checked = content[: len(CHECKSUM_MAGIC)], content[len(CHECKSUM_MAGIC) : head], content[head:]
    if magic != CHECKSUM_MAGIC or crc32c(checked) != int.from_bytes(checksum, "big"):
        raise MalformedError("the checksum is wrong, or there is none")
    end = SIZE_BYTES + int.from_bytes(checked[:SIZE_BYTES], "big")
    return decode(MessageMetadata, checked[SIZE_BYTES:end]), checked[end:]


class FrameReader:
    """Takes the bytes of a connection as they come, and gives its frames.

    It holds less than one frame and what was fed last.
    """

    def __init__(self) -> None:
        self._unread = b""
        self._place = 0

    def feed(self, content: bytes) -> None:
        """Take bytes."""
        self._unread = self._unread[self._place :] + content
        self._place = 0

    def next_command(self) -> bytes | None:
        """The bytes of the next command, or None until more is fed; as `next_frame`, without what is behind it.

        Of what clients send only a producer's messages have a payload.
        """
        frame = self.next_frame()
        return None if frame is None else frame[0]

    def next_frame(self) -> tuple[bytes, bytes] | None:
        """The bytes of the next command and those behind it in its frame, or None until more is fed.

        MalformedError as soon as the sizes are impossible. It is not to be used then any more.
        """
        fed = len(self._unread) - self._place
        if fed < SIZE_BYTES:
            return None
        total = self._size_at(self._place)
        if not SIZE_BYTES <= total <= MAX_FRAME_BYTES:
            raise MalformedError(f"a frame of {total} bytes")
        size = self._size_at(self._place + SIZE_BYTES) if fed >= 2 * SIZE_BYTES else 0
        if size > total - SIZE_BYTES:
            raise MalformedError(f"a command of {size} bytes in a frame of {total}")
        return self._take(size, total) if fed >= SIZE_BYTES + total else None

    def _size_at(self, place: int) -> int:
        return int.from_bytes(self._unread[place : place + SIZE_BYTES], "big")

    def _take(self, size: int, total: int) -> tuple[bytes, bytes]:
        """The command of so many bytes, and what is behind it in a frame of so many."""
        begin = self._place + 2 * SIZE_BYTES
        self._place += SIZE_BYTES + total
        return self._unread[begin : begin + size], self._unread[begin + size : self._place]
