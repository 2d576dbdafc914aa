"""The page about the history, made from its JSON Schema."""

from typing import Any

from mock_server.history.events import SCHEMA_VERSION
from mock_server.history.log import DEFAULT_LIMIT
from mock_server.history.schema import event_schemas, marker_schemas

_ALWAYS = ("kind", "seq", "time")
_STREAM = "`Accept: text/event-stream`"


def history_page(made: str) -> str:
    """Every kind of line and its fields. `made` is the remark above every made page."""
    kinds = "\n".join(_row(schema) for schema in event_schemas().values())
    markers = "\n".join(_row(schema) for schema in marker_schemas().values())
    return f"""{made}

# The history

Everything that happens in a project is in its history, in order, on the project's clock. Plates and credentials are
masked: a history may be shown. The schema has **version {SCHEMA_VERSION}**, raised when a kind or a field changes its
meaning or goes; new kinds and fields may come without notice. `/openapi.json` has the same as JSON Schema, and so
has `parking-mock schema history`.

`GET /_lab/projects/{{p}}/history?after=N` answers JSON lines: every entry with a number above N. The same call with
{_STREAM} answers them as server-sent events and then whatever happens, until the
project is deleted or the server stops. An event's id says where to go on: browsers send it as `Last-Event-ID`, and
JSON lines take it too. With `?format=har` the same call answers the calls of the API as HAR 1.2, which browsers and
proxies open; of an answer it has what the history tells. After a reset it has the count of resets in it, as in `17.1`.

Every line has `kind`, `seq` (counts from 1 without gaps; a reset starts again) and `time` (epoch milliseconds).

| kind | further fields | what it tells |
| --- | --- | --- |
{kinds}

A history keeps {DEFAULT_LIMIT} entries. Where the oldest are gone, or an event stream begins again, a line says so:

| kind | further fields | what it tells |
| --- | --- | --- |
{markers}
"""


def _row(schema: Any) -> str:
    properties = schema["properties"]
    fields = ", ".join(f"`{name}` {_type(each)}" for name, each in properties.items() if name not in _ALWAYS)
    return f"| `{properties['kind']['const']}` | {fields} | {' '.join(schema['description'].split())} |"


def _type(schema: Any) -> str:
    """A field's type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return "(" + ", ".join(str(value) for value in schema["enum"]) + ")"
    if "device_id" in schema.get("properties", {}):
        return "(" + ", ".join(schema["properties"]) + ")"
    return str(schema.get("type", ""))
