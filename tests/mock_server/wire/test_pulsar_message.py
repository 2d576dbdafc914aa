"""Tests of written messages, against the codec that the tables of the protocol make."""

from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.message_id import message_id_text
from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import CommandMessage, KeyValue, MessageIdData, MessageMetadata, encode_command
from mock_server.wire.pulsar_frames import CHECKSUM_MAGIC, crc32c
from mock_server.wire.pulsar_message import PRODUCER_NAME, Addressee, Metadata, message_frame
from tests.pulsar_vectors import MESSAGE_FRAME, MESSAGE_ID, MESSAGE_METADATA, MESSAGE_PAYLOAD

NUMBERS = st.integers(0, 2**64 - 1)


def framed(command: CommandMessage, metadata: MessageMetadata, payload: bytes, damage: int) -> bytes:
    """The frame of a message as the tables have it."""
    content, written = encode_command(command), encode(metadata)
    checked = len(written).to_bytes(4) + written + payload
    rest = len(content).to_bytes(4) + content + CHECKSUM_MAGIC + (crc32c(checked) ^ damage).to_bytes(4) + checked
    return len(rest).to_bytes(4) + rest


def test_the_tables_make_the_frame_that_was_recorded() -> None:
    """Byte by byte, with its checksum."""
    assert framed(CommandMessage(0, MESSAGE_ID), MESSAGE_METADATA, MESSAGE_PAYLOAD, 0).hex() == MESSAGE_FRAME


@given(
    st.builds(
        Addressee,
        NUMBERS,
        st.none() | st.integers(0, 63),
        st.integers(0, 2**32 - 1),
        st.none() | NUMBERS,
    ),
    NUMBERS,
    NUMBERS,
    st.builds(Metadata, NUMBERS, st.dictionaries(st.text(), st.text(), max_size=2), st.text()),
    st.binary(),
    st.integers(0, 1),
)
def test_a_message_has_the_bytes_that_the_tables_give_it(
    to: Addressee, ledger: int, entry: int, metadata: Metadata, payload: bytes, damage: int
) -> None:
    """Whatever its ids, the consumer, the properties and the key are."""
    properties = tuple(KeyValue(*each) for each in metadata.properties.items())
    message_id = MessageIdData(ledger, entry, to.partition)
    expected = framed(
        CommandMessage(to.consumer_id, message_id, to.redelivery_count, to.epoch),
        MessageMetadata(PRODUCER_NAME, entry, metadata.publish_time, properties, metadata.key),
        payload,
        damage,
    )
    assert message_frame(to, message_id_text(ledger, entry), metadata, payload, damage=damage) == expected


def test_damage_changes_the_checksum_only() -> None:
    """The rest of the frame is as it should be: only the check fails."""
    args = (Addressee(0, None, 0, None), message_id_text(1, 300), Metadata(1, {}, "lot"), b"payload")
    right, wrong = message_frame(*args), message_frame(*args, damage=1)
    assert [place for place in range(len(right)) if right[place] != wrong[place]] == [right.index(CHECKSUM_MAGIC) + 5]
