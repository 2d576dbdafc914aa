import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.message_id import message_id_fields, message_id_numbers, message_id_text
from mock_server.wire.protobuf import number_field


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
