from typing import Annotated, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.protobuf import At, MalformedError, decode, encode, fields_of_message, read_varint, varint
from mock_server.wire.pulsar_commands import COMMANDS, CommandAck, CommandMessage, MessageIdData, MessageMetadata


class Inner(NamedTuple):
    """A message in a message."""

    number: Annotated[int, At(1, "int64")]


class Outer(NamedTuple):
    """One field of each sort."""

    name: Annotated[str, At(1)]
    inner: Annotated[Inner | None, At(2)] = None
    several: Annotated[tuple[int, ...], At(3, "uint32")] = ()
    signed: Annotated[int | None, At(4, "int32")] = None
    raw: Annotated[bytes | None, At(5)] = None
    flag: Annotated[bool | None, At(16)] = None


FULL = Outer("é", Inner(-1), (0, 300), -2, b"\xff", flag=False)
FULL_BYTES = bytes.fromhex("0a02c3a9 120b08ffffffffffffffffff01 1800 18ac02 20feffffffffffffffff01 2a01ff 800100")


def test_a_message_is_written_in_the_order_of_its_numbers() -> None:
    """Zeros and False are written where they are given; absent fields are not."""
    assert encode(FULL) == FULL_BYTES
    assert encode(Outer("")) == b"\x0a\x00"


def test_a_message_is_read() -> None:
    """What was written is read; what is absent has its default."""
    assert decode(Outer, FULL_BYTES) == FULL
    assert decode(Outer, b"\x0a\x00") == Outer("")


@pytest.mark.parametrize("more", ["9a0600", "9d0601020304", "99060102030405060708", "9a060161", "2001", "0801"])
def test_what_is_not_declared_is_skipped(more: str) -> None:
    """Unknown fields of each wire type, and known ones with another type than declared, change nothing."""
    read = decode(Outer, bytes.fromhex(more) + FULL_BYTES)
    assert read == FULL


def test_of_a_field_given_twice_the_last_counts() -> None:
    """A field that is not repeated has one value."""
    assert decode(Outer, b"\x0a\x01a\x0a\x01b") == Outer("b")


@pytest.mark.parametrize(
    "content",
    {
        "a key that does not end": "80",
        "a number that does not end": "0a002080",
        "eleven bytes of a number": "0a0020ffffffffffffffffffff01",
        "field 0": "0a000000",
        "a field number of 30 bits": "0a00808080802000",
        "a text beyond the end": "0a0261",
        "a length of 2^64-1": "0affffffffffffffffff01",
        "a message beyond its parent": "0a0012020880",
        "eight bytes cut short": "0a00990601",
        "four bytes cut short": "0a009d0601",
        "a group": "0a009b069c06",
        "the end of a group": "0a009c06",
        "wire type 6": "0a00069600",
        "a text that is not UTF-8": "0a01ff",
        "nothing of what is required": "",
    }.items(),
    ids=lambda item: item[0],
)
def test_bytes_that_are_no_message_are_one_error(content: tuple[str, str]) -> None:
    """Whatever is wrong with them."""
    with pytest.raises(MalformedError):
        decode(Outer, bytes.fromhex(content[1]))


@given(st.integers(0, 2**64 - 1))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    """In ten bytes at most."""
    content = varint(number)
    assert len(content) <= 10
    assert read_varint(content + b"\x00", 0, len(content)) == (number, len(content))


@pytest.mark.parametrize(
    "shape", [*COMMANDS.values(), MessageIdData, MessageMetadata], ids=lambda shape: shape.__name__
)
def test_fields_are_declared_in_the_order_of_their_numbers(shape: type[tuple[object, ...]]) -> None:
    """So that they are written in it, once each."""
    numbers = [field.number for field in fields_of_message(shape)]
    assert numbers == sorted(set(numbers))


def test_nothing_is_nested_deeply() -> None:
    """Only declared types are descended into: bytes nested 1000 deep are one unknown field."""
    content = b""
    for _ in range(1000):
        content = b"\x0a" + varint(len(content)) + content
    with pytest.raises(MalformedError):
        decode(CommandAck, content)
    assert decode(
        CommandMessage, encode(CommandMessage(0, MessageIdData(1, 2))) + b"\x7a" + varint(len(content)) + content
    )
