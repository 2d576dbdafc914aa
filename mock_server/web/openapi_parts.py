"""What both halves of the OpenAPI document are put together from."""

from collections.abc import Mapping
from typing import Any

from mock_server.model import INT64_MAX, JsonObject
from mock_server.shapes import Text, Whole

JSON = "application/json"

Schemas = dict[str, JsonObject]
Properties = Mapping[str, Mapping[str, Any]]


def ref(name: str) -> JsonObject:
    """A schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Properties, required: tuple[str, ...] = (), doc: str = "") -> JsonObject:
    """An object that has no other properties."""
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
    """An object of an answer: everything is there but what is optional, and more may come in later versions."""
    required = [name for name in properties if name not in optional]
    return described({"type": "object", "properties": dict(properties), "required": required}, doc)


def described(schema: JsonObject, doc: str) -> JsonObject:
    """A schema with a description, if there is one."""
    return schema | ({"description": doc} if doc else {})


def integer(low: int = 0, high: int = INT64_MAX, doc: str = "") -> JsonObject:
    """A whole number in a range."""
    return described(Whole(low, high).schema(), doc)


def text(low: int, high: int, pattern: str = "", doc: str = "") -> JsonObject:
    """A string of a length and, if given, of a pattern."""
    return described(Text(low, high, pattern).schema(), doc)


def array(items: JsonObject, low: int = 0, high: int | None = None) -> JsonObject:
    """A list."""
    bounds = {"minItems": low, "maxItems": high}
    return {"type": "array", "items": items, **{name: bound for name, bound in bounds.items() if bound}}


def one_or_many(item: JsonObject, high: int | None = None) -> JsonObject:
    """One value or a list of such values."""
    return {"anyOf": [item, array(item, 0, high)]}


def number_parameter(name: str, high: int, default: int, doc: str) -> JsonObject:
    """A number of the query."""
    return {
        "name": name,
        "in": "query",
        "description": doc,
        "schema": {"type": "integer", "minimum": 0, "maximum": high, "default": default},
    }


def path_parameter(name: str, schema: JsonObject, doc: str, example: str) -> JsonObject:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "description": doc, "schema": schema, "example": example}


def json_body(schema: JsonObject, examples: Mapping[str, object], *, required: bool = True) -> JsonObject:
    """A request body in JSON; `examples` by their names."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": required, "content": {JSON: {"schema": schema, "examples": named}}}


def json_answer(doc: str, schema: JsonObject) -> JsonObject:
    """An answer in JSON."""
    return {"description": doc, "content": {JSON: {"schema": schema}}}
