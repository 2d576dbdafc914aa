import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.protobuf import MalformedError
from mock_server.wire.pulsar_commands import CommandMessage, CommandPing, decode_command
from mock_server.wire.pulsar_frames import (
    MAX_FRAME_BYTES,
    FrameReader,
    command_frame,
    crc32c,
    read_message,
)
from tests.pulsar_vectors import (
    FROM_BROKER,
    FROM_CLIENT,
    MESSAGE_FRAME,
    MESSAGE_ID,
    MESSAGE_METADATA,
    MESSAGE_PAYLOAD,
)

STREAM = bytes.fromhex("".join(frame for frame, _ in FROM_CLIENT.values()))
CONTENTS = [bytes.fromhex(frame)[8:] for frame, _ in FROM_CLIENT.values()]


def contents(reader: FrameReader) -> list[bytes]:
    """What a reader has complete."""
    return list(iter(reader.next_command, None))


@pytest.mark.parametrize(
    ("content", "checksum"), [(b"123456789", "e3069283"), (bytes(32), "8a9136aa"), (b"", "00000000")]
)
def test_the_checksum_is_crc_32c(content: bytes, checksum: str) -> None:
    """By its published check values."""
    assert f"{crc32c(content):08x}" == checksum


def test_a_message_is_read_as_it_was_written() -> None:
    """Its metadata and its payload; nothing of one that has lost its checksum, or whose checksum is wrong."""
    reader = FrameReader()
    reader.feed(bytes.fromhex(MESSAGE_FRAME))
    command, rest = reader.next_frame() or (b"", b"")
    assert decode_command(command) == CommandMessage(0, MESSAGE_ID)
    assert read_message(rest) == (MESSAGE_METADATA, MESSAGE_PAYLOAD)
    for damaged in (b"", rest[:-1], rest[2:], rest[:6]):
        with pytest.raises(MalformedError):
            read_message(damaged)


@pytest.mark.parametrize("name", FROM_BROKER)
def test_a_command_frame_is_written_as_it_was_recorded(name: str) -> None:
    """Byte by byte."""
    frame, command = FROM_BROKER[name]
    assert command_frame(command).hex() == frame


def test_a_stream_may_be_split_anywhere() -> None:
    """At every byte: the same commands come out, the first ones as soon as they are complete."""
    for place in range(len(STREAM) + 1):
        reader = FrameReader()
        reader.feed(STREAM[:place])
        first = contents(reader)
        reader.feed(STREAM[place:])
        assert first + contents(reader) == CONTENTS


def test_a_stream_may_come_in_single_bytes() -> None:
    """Ten commands, each complete with its last byte."""
    reader = FrameReader()
    found: list[bytes] = []
    for place in range(len(STREAM)):
        reader.feed(STREAM[place : place + 1])
        found += contents(reader)
    assert found == CONTENTS


@pytest.mark.parametrize("total", [0, 1, 2, 3, MAX_FRAME_BYTES + 1, 2**20 + 1, 2**31, 2**32 - 1])
def test_an_impossible_size_is_seen_at_once(total: int) -> None:
    """With the four bytes that say it, before anything else is kept."""
    reader = FrameReader()
    reader.feed(total.to_bytes(4, "big"))
    with pytest.raises(MalformedError):
        reader.next_command()


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1\r\n", b"HTTP/1.1 400", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"])
def test_another_protocol_is_an_impossible_size(content: bytes) -> None:
    """HTTP and TLS where frames are expected."""
    reader = FrameReader()
    reader.feed(content)
    with pytest.raises(MalformedError):
        reader.next_command()


@pytest.mark.parametrize(("total", "size"), [(4, 1), (9, 6), (100, 2**32 - 1)])
def test_a_command_longer_than_its_frame_is_seen_at_once(total: int, size: int) -> None:
    """With the eight bytes that say it."""
    reader = FrameReader()
    reader.feed(total.to_bytes(4, "big") + size.to_bytes(4, "big"))
    with pytest.raises(MalformedError):
        reader.next_command()


def test_what_comes_before_bad_bytes_is_read() -> None:
    """Only then it fails, and keeps failing."""
    reader = FrameReader()
    reader.feed(command_frame(CommandPing()) + bytes(4))
    assert decode_command(reader.next_command() or b"") == CommandPing()
    for _ in range(2):
        with pytest.raises(MalformedError):
            reader.next_command()


def test_a_payload_is_dropped() -> None:
    """A frame with more behind its command is one command, and the next frame begins behind it."""
    reader = FrameReader()
    reader.feed(bytes.fromhex(MESSAGE_FRAME) + command_frame(CommandPing()))
    assert [decode_command(each) for each in contents(reader)] == [CommandMessage(0, MESSAGE_ID), CommandPing()]


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_commands_or_one_error(pieces: list[bytes]) -> None:
    """And no more is kept than was fed."""
    reader = FrameReader()
    for piece in pieces:
        reader.feed(piece)
        try:
            contents(reader)
        except MalformedError:
            return
