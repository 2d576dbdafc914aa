"""Tests of rows as JSON: what is written is read again, and what is anything else is refused with its path."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import CarType, Cell, DataType, JsonScalar, PassDirection, Record
from mock_server.queue.subscription import PlacedMessage
from mock_server.state.codec import DecodeError, decode, encode
from tests.support import NOON

RECORD = Record("r1", "lot", DataType.PASS, PassDirection.ENTER, NOON, "京A12345", NOON, {"car_type": 1, "gate": None})


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Record, RECORD),
        (Record | None, None),
        (Record | None, RECORD),
        (tuple[int, ...], (1, 2, 3)),
        (tuple[str, DataType, str], ("lot", DataType.BILL, "r1")),
        (tuple[Cell, ...], (Cell("lot", DataType.BILL, None, 1, 2),)),
        (dict[str, JsonScalar], {"a": 1, "b": "x", "c": None, "d": True, "e": 0.5}),
        (Literal["lose"] | int | None, 5),
        (Literal["lose"] | int | None, "lose"),
        (CarType, CarType.UNLICENSED),
        (list[object], [1, {"a": []}]),
        (str, "\ud800"),
    ],
)
def test_what_is_written_is_read(hint: Any, value: Any) -> None:
    """By way of JSON's own text."""
    assert decode(hint, json.loads(json.dumps(encode(value))), "it") == value


@pytest.mark.parametrize(
    ("hint", "data", "text"),
    [
        (int, True, "it: must be an int, not a boolean"),
        (int, 2**63, "it: is no 64-bit integer"),
        (tuple[int, str], [1], "it: must have 2 items, not 1"),
        (tuple[int, ...], [1, "x"], r"it\[1\]: must be an int"),
        (DataType, 2, "it: must be one of 0, 1"),
        (Record, {"is": "Cell"}, "it.is: must be one of Record"),
        (Record, {"is": "Record"}, "it: lacks record_id, device_id"),
        (Record, encode(RECORD) | {"details": {"a": []}}, "it.details.a: must be"),
        (PlacedMessage, [], "it: must be an object"),
    ],
)
def test_what_is_something_else_is_refused(hint: Any, data: Any, text: str) -> None:
    """With the path to it."""
    with pytest.raises(DecodeError, match=text):
        decode(hint, data, "it")


def test_a_field_that_came_later_may_be_absent_and_one_that_went_may_be_there() -> None:
    """Files of other versions are read as far as they say what is needed."""
    data = encode(RECORD)
    del data["details"], data["created_time"]
    assert decode(Record, data | {"colour": "red"}, "it") == Record("r1", *RECORD.line, NOON, "京A12345")


def test_what_no_row_holds_is_not_written() -> None:
    """A mistake of ours shows at once."""
    with pytest.raises(TypeError, match="is not held in rows"):
        encode(object())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["is", "message", "x"]), inner),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["subject", "message_id", "place", "is"]))
def test_no_json_causes_another_error(value: Any, name: str) -> None:
    """Whatever stands where something else should."""
    whole = {"is": "PlacedMessage", "place": 1, "message": {"is": "Message", name: value}}
    for data in (value, whole, {**whole, name: value}):
        with pytest.raises(DecodeError, match=r"^it"):
            decode(PlacedMessage, data, "it")
