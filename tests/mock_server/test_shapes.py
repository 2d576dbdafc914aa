"""A declared shape is one truth: what its reader takes is what its schema allows."""

from typing import Annotated, Any, Literal, TypedDict

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server import lab_shapes
from mock_server.model import DataType
from mock_server.problems import Problem, Reader
from mock_server.shapes import (
    Flag,
    Keywords,
    OneOf,
    Text,
    Whole,
    closed_schema,
    fields_of,
    kind_of,
    read_shape,
    schema_of,
)
from tests.strategies import json_values

READ_WHOLE = (
    lab_shapes.NewDevice,
    lab_shapes.DeviceChange,
    lab_shapes.ClockMove,
    lab_shapes.GuideOrder,
    lab_shapes.NewPass,
    lab_shapes.NewBill,
)
NAMES = sorted({name for shape in READ_WHOLE for name in fields_of(shape)})
LIKELY = st.sampled_from(
    (0, 1, -1, True, "", "lot", "lane", "a/b", "..", "a\n", "deliver", {"delay_ms": 1}, 2**63, "fast")
)
OBJECTS = st.dictionaries(st.sampled_from([*NAMES, "more"]), LIKELY | json_values, max_size=5)


def has_whole_fraction(value: Any) -> bool:
    """Whether 1.0 is in it: an integer for a JSON Schema, a fraction for the vendor's readers and ours."""
    if isinstance(value, dict | list):
        return any(map(has_whole_fraction, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


@pytest.mark.parametrize("shape", READ_WHOLE, ids=lambda shape: shape.__name__)
@given(value=OBJECTS)
@example(value={"data_type": 0, "pass_direction": 1, "event_time": 5, "uplink": {"delay_ms": 7}})
@example(value={"data_type": 1, "event_time": 5, "uplink": "lose", "order_no": "o"})
def test_the_reader_takes_what_the_schema_allows(shape: Any, value: dict[str, Any]) -> None:
    """No problem is noted exactly when the object is valid."""
    problems: list[Problem] = []
    read_shape(shape, Reader(value, "", problems))
    allowed = jsonschema_rs.is_valid(closed_schema(shape), value)
    assert (not problems) == allowed or has_whole_fraction(value), problems


@given(text=st.sampled_from(("key", "key\n", "k y", "", "ключ", "k" * 65)))
def test_a_pattern_is_about_the_whole_text(text: str) -> None:
    """A line break at the end is a part of the text, as in the patterns of JSON Schema."""
    kind = kind_of(lab_shapes.AccessId)
    problems: list[Problem] = []
    kind.read(Reader({"access_id": text}, "", problems), "access_id")
    assert (not problems) == jsonschema_rs.is_valid(kind.schema(), text)


class Example(TypedDict, total=False):
    """An example."""

    ways: Literal["a", "b"]
    only: Literal[7]
    number: Annotated[int, Whole(1, 9), "from one to nine", Keywords(default=3)]
    text: Annotated[str, Text(1, 2)]
    flag: bool
    many: list[int]
    counts: dict[str, int]
    anything: object
    maybe: int | None


def test_what_a_type_says() -> None:
    """Literals, enumerations and booleans have their values in their types; other bounds are annotated."""
    assert kind_of(Literal["a", "b"]) == OneOf(("a", "b"))
    assert kind_of(DataType) == OneOf((0, 1))
    assert kind_of(bool) == Flag()
    assert kind_of(fields_of(Example)["number"]) == Whole(1, 9)


@pytest.mark.parametrize("hint", [int, str, list[int], Annotated[str, "a text without bounds"]])
def test_a_type_without_bounds_cannot_be_read(hint: Any) -> None:
    """Untrusted JSON is read into bounds only."""
    with pytest.raises(TypeError, match="has no bounds"):
        kind_of(hint)


def test_a_schema_says_what_the_type_says() -> None:
    """Bounds, descriptions, lists, objects and alternatives."""
    assert closed_schema(Example) == {
        "type": "object",
        "description": "An example.",
        "additionalProperties": False,
        "properties": {
            "ways": {"enum": ["a", "b"]},
            "only": {"const": 7},
            "number": {"type": "integer", "minimum": 1, "maximum": 9, "description": "from one to nine", "default": 3},
            "text": {"type": "string", "minLength": 1, "maxLength": 2},
            "flag": {"type": "boolean"},
            "many": {"type": "array", "items": {"type": "integer"}},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "anything": {},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
    }


def test_a_shape_with_a_name_is_referred_to() -> None:
    """A document that has a schema of a shape does not repeat it."""
    names = {lab_shapes.DeviceJson: "Device"}
    assert schema_of(list[lab_shapes.DeviceJson], names)["items"] == {"$ref": "#/components/schemas/Device"}
