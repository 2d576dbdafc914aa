"""Whether the arguments of a tool are what its schema takes; where they are not, a sentence that names the argument.

The SDK brings the validator of JSON Schema, so this is there where the extra `mcp` is.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from mock_server.words import shortened

MOST_NAME = 100
"""The most characters of a name or a value that a refusal repeats."""

_KINDS = {"string": "a text", "integer": "an integer", "number": "a number", "boolean": "true or false"}
_LIMITS = {
    "minimum": "of at least {}",
    "maximum": "of at most {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
    "pattern": "that matches {}",
}


class ArgumentsError(Exception):
    """The arguments cannot be used; the text says why."""


class Arguments:
    """What a tool takes, by the schema of its arguments, an object. What is in `elsewhere` others judge."""

    def __init__(self, tool: str, schema: Mapping[str, Any], elsewhere: Collection[str] = ()) -> None:
        self._tool = tool
        self._known = tuple(schema["properties"])
        self._required = tuple(schema["required"])
        parts = schema["properties"].items()
        self._validators = {name: Draft202012Validator(part) for name, part in parts if name not in elsewhere}

    def refuse(self, arguments: Mapping[str, Any]) -> None:
        """ArgumentsError at the first that is unknown, missing, or not as its schema says."""
        if strange := [name for name in arguments if name not in self._known]:
            there = f"; there are: {', '.join(self._known)}" if self._known else ", which takes none"
            raise ArgumentsError(f"{shortened(strange[0], MOST_NAME)!r} is not an argument of {self._tool}{there}")
        if missing := [name for name in self._required if name not in arguments]:
            raise ArgumentsError(f"{self._tool} needs {', '.join(missing)}")
        for name in arguments.keys() & self._validators.keys():
            self._refuse_value(name, arguments[name])

    def _refuse_value(self, name: str, value: object) -> None:
        for error in self._validators[name].iter_errors(value):
            place = name + "".join(f"[{index}]" for index in error.absolute_path)
            shown = shortened(json.dumps(error.instance), MOST_NAME)
            raise ArgumentsError(f"{place} takes {_taken(error.schema)}, not {shown}")
        if not _is_unicode(value):
            raise ArgumentsError(f"{name} has half of a surrogate pair, which is no character")


def _taken(schema: Mapping[str, Any]) -> str:
    """What a schema takes, in words."""
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "items" in schema:
        return f"a list, of which each is {_taken(schema['items'])}"
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    return " ".join([_KINDS[schema["type"]], " and ".join(limits)]).rstrip()


def _is_unicode(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
