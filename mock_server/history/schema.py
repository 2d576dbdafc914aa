"""The JSON Schema of the history's entries, made from the event types, so that it cannot say anything else.

`SCHEMA_VERSION` is raised when a kind or a field changes its meaning or goes. New kinds and fields may come without
notice: a reader passes over what it does not know.
"""

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from mock_server.history.events import Event
from mock_server.model import JsonObject
from mock_server.shapes import schema_of

SEQ: JsonObject = {"type": "integer", "minimum": 1, "description": "counts from 1 without gaps; a reset starts again"}
TIME: JsonObject = {"type": "integer", "description": "epoch milliseconds of the project's clock"}


DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The JSON Schema in which schemas of ours that stand alone are written."""


def history_schema() -> JsonObject:
    """The schema of one line of the history, as a document of its own."""
    kinds = event_schemas() | marker_schemas()
    references: list[JsonObject] = [{"$ref": f"#/$defs/{name}"} for name in kinds]
    return {"$schema": DIALECT, "title": "A line of a history", "oneOf": references, "$defs": kinds}


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
            "In event streams only: the project was reset or restored; the lines of its history follow.",
            "history.reset",
            {"seq": {"const": 0}},
        ),
    }


def _events() -> Iterator[type]:
    yield from get_args(Event)


def _entry_schema(event: Any) -> JsonObject:
    hints = get_type_hints(event)
    own = {name: schema_of(hints[name]) for name in event.__struct_fields__}
    return _closed_by_kind(inspect.getdoc(event) or "", event.kind, {"seq": SEQ, "time": TIME} | own)


def _closed_by_kind(doc: str, kind: str, properties: dict[str, JsonObject]) -> JsonObject:
    """An object that its `kind` tells from all others."""
    return {
        "type": "object",
        "description": doc,
        "properties": {"kind": {"const": kind}} | properties,
        "required": ["kind", *properties],
    }
