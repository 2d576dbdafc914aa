import random
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.protobuf import MalformedError, decode, encode, fields_of_message, raw_fields
from mock_server.wire.pulsar_commands import COMMANDS, CommandAck, MessageMetadata, decode_command, encode_command
from tests.pulsar_oracle import message_classes, oracle_command, oracle_decoded, to_oracle
from tests.pulsar_vectors import FROM_BROKER, FROM_CLIENT, MESSAGE_METADATA

VECTORS = FROM_CLIENT | {f"broker {name}": vector for name, vector in FROM_BROKER.items()}

INTEGERS = {
    "uint64": st.integers(0, 2**64 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
}
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "string": st.text(max_size=8),
    "bytes": st.binary(max_size=8),
}


def messages(shape: Any) -> st.SearchStrategy[Any]:
    """Values of a message type: each field with any value of its kind, optional ones also absent."""
    values: list[st.SearchStrategy[Any]] = []
    for field in fields_of_message(shape):
        one: st.SearchStrategy[Any] = (
            messages(field.shape) if field.kind == "message" else (INTEGERS | OTHERS)[field.kind]
        )
        if field.repeated:
            values.append(st.lists(one, max_size=3).map(tuple))
        else:
            values.append(one if field.required or field.name == "protocol_version" else one | st.none())
    return st.tuples(*values).map(lambda given: shape(*given))


ANY_COMMAND = st.one_of([messages(shape) for shape in COMMANDS.values()])


@pytest.mark.parametrize("name", VECTORS)
def test_a_recorded_command_is_read(name: str) -> None:
    """As the broker or the client meant it."""
    frame, command = VECTORS[name]
    assert decode_command(bytes.fromhex(frame)[8:]) == command


@pytest.mark.parametrize("name", FROM_BROKER)
def test_a_recorded_answer_is_written(name: str) -> None:
    """Byte by byte as clients took it."""
    frame, command = FROM_BROKER[name]
    assert encode_command(command).hex() == frame[16:]


@given(ANY_COMMAND)
def test_a_command_is_read_as_it_was_written(command: tuple[Any, ...]) -> None:
    """Present zeros, signs and absences included; the runtime writes and reads the same bytes."""
    written = encode_command(command)
    assert decode_command(written) == command
    assert oracle_command(command) == written
    assert oracle_decoded(written) == command


@given(
    st.builds(
        CommandAck, st.integers(0, 300), st.integers(0, 2), st.lists(st.binary(max_size=130), max_size=2).map(tuple)
    ),
    st.integers(0, 20),
    st.none() | st.integers(0, 255),
)
def test_an_acknowledgement_is_read_as_its_table_says(ack: CommandAck, place: int, byte: int | None) -> None:
    """Whatever one byte of it is changed to: the usual form is read by a way of its own."""
    written = bytearray(encode_command(ack))
    if byte is not None and place < len(written):
        written[place] = byte
    data = bytes(written)
    try:
        numbers, contents = raw_fields(data)
        expected = decode(COMMANDS[numbers[1]], contents[numbers[1]])
    except (MalformedError, KeyError):
        with pytest.raises(MalformedError):
            decode_command(data)
    else:
        assert decode_command(data) == expected


@given(messages(MessageMetadata))
def test_metadata_is_written_as_the_runtime_writes_it(metadata: MessageMetadata) -> None:
    """And read back."""
    written = encode(metadata)
    assert to_oracle(metadata).SerializeToString(deterministic=True) == written
    assert decode(MessageMetadata, written) == metadata


def test_recorded_metadata_is_what_the_runtime_reads() -> None:
    """A cross-check of the oracle itself with recorded bytes."""
    theirs = message_classes()["MessageMetadata"].FromString(encode(MESSAGE_METADATA))
    assert (theirs.sequence_id, theirs.properties[0].value) == (300, "aes_ecb")


@pytest.mark.parametrize("content", ["", "0812", "0a00", "08639a0600", "0812920101", "0804220400000000"])
def test_bytes_without_a_command_are_one_error(content: str) -> None:
    """No type, no body, an unknown type, a body that is none."""
    with pytest.raises(MalformedError):
        decode_command(bytes.fromhex(content))


def mutated(chance: random.Random, content: bytes) -> bytes:
    """Bytes with one to three of them changed, removed, repeated, or cut off."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(damaged) or 1)
        how = chance.randrange(6)
        if how > 2 and damaged:
            damaged[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif how == 0:
            del damaged[place : place + chance.randint(1, 4)]
        elif how == 1:
            damaged[place:place] = damaged[place : place + chance.randint(1, 8)]
        else:
            del damaged[len(damaged) - chance.randint(0, len(damaged) // 4) :]
    return bytes(damaged)


def assert_only_one_error(seed: int, count: int) -> int:
    """Decode so many mutated commands: they are read as the runtime reads them, or malformed. How many were read."""
    chance = random.Random(seed)
    contents = [bytes.fromhex(frame)[8:] for frame, _ in VECTORS.values()]
    read = 0
    for _ in range(count):
        content = mutated(chance, chance.choice(contents))
        try:
            command = decode_command(content)
        except MalformedError:
            continue
        read += 1
        try:
            theirs = oracle_decoded(content)
        except (DecodeError, KeyError):
            continue
        assert theirs == command, content.hex()
    return read


def test_mutated_commands_are_read_alike_or_malformed() -> None:
    """No bytes raise another error, and what is read is what the runtime reads."""
    assert assert_only_one_error(1, 5_000) > 300


@pytest.mark.slow
def test_very_many_mutated_commands_are_read_alike_or_malformed() -> None:
    """The same, 100,000 times."""
    assert assert_only_one_error(2, 100_000) > 6_000
