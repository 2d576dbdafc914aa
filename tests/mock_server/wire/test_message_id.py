import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.message_id import acknowledged_id, message_id_fields, message_id_numbers, message_id_text
from mock_server.wire.protobuf import MalformedError, decode, encode, number_field
from mock_server.wire.pulsar_commands import MessageIdData


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=0, max_value=2**64 - 1))
def test_message_ids_are_pulsars(ledger: int, entry: int) -> None:
    """Base64 of a protobuf with ledger (field 1), entry (field 2) and batch index 0 (field 4), read as varints."""
    raw = base64.b64decode(message_id_text(ledger, entry), validate=True)
    numbers, place = [], 0
    for tag in (0x08, 0x10, 0x20):
        assert raw[place] == tag
        place, number, shift = place + 1, 0, 0
        while True:
            number |= (raw[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if raw[place - 1] < 0x80:
                break
        numbers.append(number)
    assert (numbers, place) == ([ledger, entry, 0], len(raw))


def test_a_known_message_id() -> None:
    """Ledger 1, entry 300, the first of its batch, encoded by hand."""
    assert message_id_text(1, 300) == base64.b64encode(bytes([0x08, 1, 0x10, 0xAC, 0x02, 0x20, 0])).decode()


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=0, max_value=2**64 - 1))
def test_both_writings_name_the_same_message(ledger: int, entry: int) -> None:
    """The text of two numbers is read as those numbers, also where a native client means -1."""
    text = message_id_text(ledger, entry)
    assert message_id_numbers(text) == (ledger, entry)
    assert message_id_fields(text) == (number_field(1, ledger), number_field(2, entry))


@pytest.mark.parametrize(
    "text", ["", "m1", "CAEQ", "CAEQrAI=", "EAEQASAA", "CAEQASABAA==", "\u00e9", "CP///////////////w=="]
)
def test_another_text_is_no_message_id(text: str) -> None:
    """ValueError for base64 of something else, for what is cut short and for what is no base64."""
    with pytest.raises(ValueError, match="message id"):
        message_id_numbers(text)


def test_a_negative_number_is_written_in_64_bits() -> None:
    """As clients do that mean the place before the first message."""
    assert message_id_numbers(message_id_text(1000, -1)) == (1000, 2**64 - 1)


IDS = st.builds(MessageIdData, *[st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 300)] * 2)


@given(
    IDS.map(encode) | st.builds(MessageIdData._replace, IDS, partition=st.integers(0, 63)).map(encode) | st.binary(),
    st.binary(max_size=3),
)
def test_an_acknowledged_id_is_read_as_the_tables_read_it(data: bytes, more: bytes) -> None:
    """Whatever else is beside it, in whatever form its numbers are; MalformedError for what is no id."""
    for each in (data, data + more, more + data):
        try:
            named = decode(MessageIdData, each)
        except MalformedError:
            with pytest.raises(MalformedError):
                acknowledged_id(each)
        else:
            assert acknowledged_id(each) == message_id_text(named.ledger, named.entry)


@pytest.mark.parametrize(
    "data", ["0881001001", "080110ac8200", "1001 0801", "08011001 10ac02", "080110ac0218ffffffff0f"]
)
def test_an_id_in_an_unusual_form_is_read(data: str) -> None:
    """More bytes than needed, another order, one number twice, a partition."""
    named = decode(MessageIdData, bytes.fromhex(data))
    assert acknowledged_id(bytes.fromhex(data)) == message_id_text(named.ledger, named.entry)
