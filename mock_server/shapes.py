"""Shapes of JSON objects: one declaration is the type, the reader of untrusted values, and the JSON Schema.

A shape is a TypedDict. The type of a field defines its values; `Annotated` adds to it:

    class NewDevice(TypedDict, total=False):
        device_id: Annotated[str, Text(1, 64), "unique in its project"]

- a `Kind`: bounds. Only fields with a kind, a `Literal`, an enumeration or `bool` can be read from untrusted JSON;
- a text: the description of the field;
- `Keywords`: further keywords of its JSON Schema.
"""

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from msgspec import structs

from mock_server.model import INT64_MAX, JsonObject
from mock_server.problems import ProblemKind, Reader

S = TypeVar("S", bound=Mapping[str, Any])

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


class Kind(ABC):
    """A set of values that a field may have: reads one, and describes them in JSON Schema."""

    @abstractmethod
    def read(self, reader: Reader, name: str, *, required: bool = True) -> Any:
        """The value of a field; None if it is absent or its problem was noted."""

    @abstractmethod
    def schema(self) -> JsonObject:
        """The JSON Schema of the values."""


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """An integer from `low` to `high`."""

    low: int = 0
    high: int = INT64_MAX

    def read(self, reader: Reader, name: str, *, required: bool = True) -> int | None:
        """The integer, or None."""
        return reader.integer(name, self.low, self.high, required=required)

    def schema(self) -> JsonObject:
        """An integer with both bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A string of `low` to `high` characters that matches `pattern`; `rule` is the problem's text if it does not."""

    low: int
    high: int
    pattern: str = ""
    rule: str = ""

    def read(self, reader: Reader, name: str, *, required: bool = True) -> str | None:
        """The string, or None."""
        text = reader.text(name, self.low, self.high, required=required)
        if text is None or not self.pattern or re.fullmatch(self.pattern, text):
            return text
        reader.note(ProblemKind.ILLEGAL, name, self.rule)
        return None

    def schema(self) -> JsonObject:
        """A string with its length and, if it has one, its pattern."""
        pattern = {"pattern": self.pattern} if self.pattern else {}
        return {"type": "string", "minLength": self.low, "maxLength": self.high} | pattern


@dataclass(frozen=True, slots=True)
class OneOf(Kind):
    """One of some strings, or one of some integers."""

    values: tuple[Any, ...]

    def read(self, reader: Reader, name: str, *, required: bool = True) -> Any:
        """The value."""
        read = reader.word if isinstance(self.values[0], str) else reader.choice
        return read(name, self.values, required=required)

    def schema(self) -> JsonObject:
        """An enumeration, or a constant for a single value."""
        return {"enum": list(self.values)} if len(self.values) > 1 else {"const": self.values[0]}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """True or false."""

    def read(self, reader: Reader, name: str, *, required: bool = True) -> bool | None:
        """The value."""
        return reader.boolean(name, required=required)

    def schema(self) -> JsonObject:
        """A boolean."""
        return {"type": "boolean"}


class Keywords:
    """Further keywords of a field's JSON Schema. They do not change how it is read."""

    def __init__(self, **keywords: object) -> None:
        self.keywords = keywords


def kind_of(hint: Any) -> Kind:
    """The kind of a type. TypeError if its values have no bounds: an integer or a string needs a `Kind`."""
    kind = _declared_kind(hint)
    if kind is None:
        raise TypeError(f"{hint} cannot be read from JSON: it has no bounds")
    return kind


def _declared_kind(hint: Any) -> Kind | None:
    if get_origin(hint) is Annotated:
        kinds = [each for each in hint.__metadata__ if isinstance(each, Kind)]
        return kinds[0] if kinds else _declared_kind(hint.__origin__)
    if get_origin(hint) is Literal:
        return OneOf(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return OneOf(tuple(member.value for member in hint))
    return Flag() if hint is bool else None


@cache
def fields_of(shape: Any) -> Mapping[str, Any]:
    """The types of a shape's fields, in order."""
    hints = get_type_hints(shape, include_extras=True)
    return {name: _bare(hint) for name, hint in hints.items()}


def _bare(hint: Any) -> Any:
    """A field's type without `Required` or `NotRequired`, which the TypedDict's `__required_keys__` holds too."""
    return get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint


@cache
def _readers(shape: Any) -> tuple[tuple[str, Kind, bool], ...]:
    required = shape.__required_keys__
    return tuple((name, kind_of(hint), name in required) for name, hint in fields_of(shape).items())


def read_fields(shape: type[S], reader: Reader) -> S:
    """The fields of a shape that are present and valid; problems of the others are noted."""
    values = {name: kind.read(reader, name, required=required) for name, kind, required in _readers(shape)}
    return cast("S", {name: value for name, value in values.items() if value is not None})


def read_shape(shape: type[S], reader: Reader, also: Collection[str] = ()) -> S:
    """As `read_fields`, but fields that are neither the shape's nor in `also` are noted as problems."""
    reader.only((*fields_of(shape), *also))
    return read_fields(shape, reader)


def schema_of(hint: Any, names: Mapping[Any, str] | None = None) -> JsonObject:
    """The JSON Schema of a type. Shapes in `names` are references to the schemas of those names in the components."""
    names = names or {}
    if hint in names:
        return {"$ref": f"#/components/schemas/{names[hint]}"}
    kind = _declared_kind(hint)
    if get_origin(hint) is Annotated:
        return _annotated_schema(hint, kind, names)
    if kind is not None:
        return kind.schema()
    if get_origin(hint) is not None:
        return _generic_schema(get_origin(hint), get_args(hint), names)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    return {} if hint in (Any, object) else open_schema(hint, names)


def _generic_schema(origin: Any, arguments: tuple[Any, ...], names: Mapping[Any, str]) -> JsonObject:
    schemas = [schema_of(each, names) for each in arguments if each is not ...]
    if origin in (list, tuple):
        return {"type": "array", "items": schemas[0]}
    if origin is dict:
        return {"type": "object", "additionalProperties": schemas[1]}
    return {"anyOf": schemas}


def _annotated_schema(hint: Any, kind: Kind | None, names: Mapping[Any, str]) -> JsonObject:
    base = hint.__origin__
    schema = schema_of(base, names) if kind is None or base in names else kind.schema()
    for extra in hint.__metadata__:
        if isinstance(extra, str):
            schema = schema | {"description": extra}
        elif isinstance(extra, Keywords):
            schema = schema | extra.keywords
    return schema


def open_schema(shape: Any, names: Mapping[Any, str] | None = None) -> JsonObject:
    """The schema of an object in an answer: later versions may add fields. For TypedDicts and structs.

    A field of a struct that has a default may be absent.
    """
    properties = {name: schema_of(hint, names) for name, hint in fields_of(shape).items()}
    required = shape.__required_keys__ if is_typeddict(shape) else _without_default(shape)
    schema = {"type": "object", "properties": properties, "required": [each for each in properties if each in required]}
    return schema | _described(shape)


def _without_default(struct: Any) -> set[str]:
    return {each.name for each in structs.fields(struct) if each.required}


def closed_schema(shape: Any, names: Mapping[Any, str] | None = None) -> JsonObject:
    """The schema of an object in a request: other fields are refused."""
    properties = {name: schema_of(hint, names) for name, hint in fields_of(shape).items()}
    required = [name for name in properties if name in shape.__required_keys__]
    schema: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {}) | _described(shape)


def _described(shape: Any) -> JsonObject:
    """The docstring of a TypedDict as a description. Structs have one, but it is not about their JSON."""
    doc = vars(shape).get("__doc__") if is_typeddict(shape) else None
    return {"description": inspect.cleandoc(doc)} if doc else {}
