"""Builders of the OpenAPI document's parts, used by both halves of it."""

from collections.abc import Mapping
from typing import Any

from mock_server.model import INT64_MAX, JsonObject
from mock_server.shapes import Text, Whole

JSON = "application/json"

Schemas = dict[str, JsonObject]
Properties = Mapping[str, Mapping[str, Any]]


def ref(name: str) -> JsonObject:
    """A reference to a schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Properties, required: tuple[str, ...] = (), doc: str = "") -> JsonObject:
    """An object without other properties than these."""
    return described(
        {
            "type": "object",
            "properties": dict(properties),
            **({"required": list(required)} if required else {}),
            "additionalProperties": False,
        },
        doc,
    )


def answered(properties: Properties, optional: tuple[str, ...] = (), doc: str = "") -> JsonObject:
    """An object of an answer: all but the optional properties are present; later versions may add others."""
    required = [name for name in properties if name not in optional]
    return described({"type": "object", "properties": dict(properties), "required": required}, doc)


def described(schema: JsonObject, doc: str) -> JsonObject:
    """A schema with a description, if there is one."""
    return schema | ({"description": doc} if doc else {})


def integer(low: int = 0, high: int = INT64_MAX, doc: str = "") -> JsonObject:
    """An integer from `low` to `high`."""
    return described(Whole(low, high).schema(), doc)


def text(low: int, high: int, pattern: str = "", doc: str = "") -> JsonObject:
    """A string of `low` to `high` characters and, if given, of a pattern."""
    return described(Text(low, high, pattern).schema(), doc)


def array(items: JsonObject, low: int = 0, high: int | None = None) -> JsonObject:
    """A list of `low` to `high` items."""
    bounds = {"minItems": low, "maxItems": high}
    return {"type": "array", "items": items, **{name: bound for name, bound in bounds.items() if bound}}


def one_or_many(item: JsonObject, high: int | None = None) -> JsonObject:
    """One value or a list of such values."""
    return {"anyOf": [item, array(item, 0, high)]}


def number_parameter(name: str, high: int, default: int, doc: str) -> JsonObject:
    """A parameter of the query that is an integer from 0 to `high`."""
    return {
        "name": name,
        "in": "query",
        "description": doc,
        "schema": {"type": "integer", "minimum": 0, "maximum": high, "default": default},
    }


def path_parameter(name: str, schema: JsonObject, doc: str, example: str) -> JsonObject:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "description": doc, "schema": schema, "example": example}


def json_body(schema: JsonObject, examples: Mapping[str, object], *, required: bool = True) -> JsonObject:
    """A request body in JSON; `examples` by their names."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": required, "content": {JSON: {"schema": schema, "examples": named}}}


def json_answer(doc: str, schema: JsonObject) -> JsonObject:
    """An answer in JSON."""
    return {"description": doc, "content": {JSON: {"schema": schema}}}
