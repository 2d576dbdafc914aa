"""The JSON Schema of the history's lines, made from the event types, so that it cannot say anything else.

`SCHEMA_VERSION` is raised when a kind or a field changes its meaning or goes. New kinds and fields may come without
notice: a reader passes over what it does not know.
"""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum, StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mock_server.history.events import SCHEMA_VERSION, Event
from mock_server.model import Cell, JsonObject

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}

SEQ: JsonObject = {"type": "integer", "minimum": 1, "description": "counts from 1 without gaps; a reset starts again"}
TIME: JsonObject = {"type": "integer", "description": "epoch milliseconds of the project's clock"}


def history_schema() -> JsonObject:
    """The JSON Schema of one line of the history, as a document of its own."""
    kinds = event_schemas() | marker_schemas()
    return {
        "$schema": _DIALECT,
        "title": "A line of the history of parking-mock",
        "version": SCHEMA_VERSION,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
        "$defs": kinds,
    }


def event_schemas() -> dict[str, JsonObject]:
    """The schema of every kind of entry, by the name of its event type."""
    return {event.__name__: _entry_schema(event) for event in _events()}


def marker_schemas() -> dict[str, JsonObject]:
    """The schemas of what is no entry: entries that are gone, and, in event streams, a history that began again."""
    return {
        "HistoryDropped": _closed_by_kind(
            "The history is bounded: `dropped` entries up to the number `seq` are gone.",
            "history.dropped",
            {"seq": SEQ, "dropped": {"type": "integer", "minimum": 1}},
        ),
        "HistoryReset": _closed_by_kind(
            "In event streams only: the project was reset, numbers start again.",
            "history.reset",
            {"seq": {"const": 0}},
        ),
    }


def schema_of(hint: Any) -> JsonObject:
    """The JSON Schema of a field's type."""
    if get_origin(hint) in (UnionType, Union):
        return {"anyOf": [schema_of(each) for each in get_args(hint)]}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if hint is Cell:
        return _cell_schema()
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": schema_of(get_args(hint)[1])}
    if isinstance(hint, type) and issubclass(hint, IntEnum | StrEnum):
        return {"enum": [member.value for member in hint]}
    return {"type": _PLAIN[hint]}


def _events() -> Iterator[type]:
    yield from get_args(Event)


def _entry_schema(event: Any) -> JsonObject:
    hints = get_type_hints(event)
    own = {point.name: schema_of(hints[point.name]) for point in fields(event)}
    return _closed_by_kind(inspect.getdoc(event) or "", event.kind, {"seq": SEQ, "time": TIME} | own)


def _closed_by_kind(doc: str, kind: str, properties: dict[str, JsonObject]) -> JsonObject:
    """An object that its `kind` tells from all others."""
    return {
        "type": "object",
        "description": doc,
        "properties": {"kind": {"const": kind}} | properties,
        "required": ["kind", *properties],
    }


def _cell_schema() -> JsonObject:
    hints = get_type_hints(Cell)
    properties = {name: schema_of(hints[name]) for name in Cell._fields}
    return {"type": "object", "properties": properties, "required": list(properties)}
