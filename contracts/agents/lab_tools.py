"""A tool for each operation of the lab plane, made from its OpenAPI description.

The description is this version's own, not the one that a server sends: its texts are read by agents as instructions.
"""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import requests
from click import ClickException

from contracts.agents.arguments import ArgumentsError
from contracts.agents.tool import AgentTool, ToolAnswer, bounded
from mock_server.doubts import WARNING
from mock_server.lab_client import LabClient
from mock_server.model import Addresses, JsonObject
from mock_server.project_commands import lab_errors
from mock_server.web.lab.openapi import TAG
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.openapi_parts import JSON

BODY = "body"
"""The argument that is the body of a request; the others are in its path or query."""

_REFERENCE, _OWN = "#/components/schemas/", "#/$defs/"


def lab_tools(lab: LabClient) -> Iterator[AgentTool]:
    """The tools, which call the lab plane of a server."""
    document: Any = openapi(Addresses("", "", "", lab.url))
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and TAG in operation.get("tags", ()):
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                own = [each for each in parameters if each["in"] != "header"]
                yield LabTool(lab, method.upper(), path, operation | {"parameters": own}, schemas)


class LabTool(AgentTool):
    """One operation. The answer has the HTTP `status` and the `body`.

    That is JSON, lines of JSON as a list, a text, or bytes as base64. The body of a request is judged by
    the lab plane, whose refusal names the field.
    """

    elsewhere = (BODY,)

    def __init__(
        self, lab: LabClient, method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
    ) -> None:
        self._lab = lab
        self._method, self._path = method, path
        self._parameters = {each["name"]: each["in"] for each in operation["parameters"]}
        self._takes_bytes = JSON not in operation.get("requestBody", {"content": {JSON: {}}})["content"]
        super().__init__(operation["operationId"], operation["summary"], _arguments(operation, schemas))
        self.reads, self.destroys = method == "GET", method == "DELETE"
        self.repeats = method in ("GET", "PUT", "DELETE")

    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Make the call. A refusal of the lab plane, and a server that does not answer, are answers."""
        try:
            with lab_errors(self._lab.url):
                return _answer(await asyncio.to_thread(self._send, arguments))
        except ClickException as error:
            return ToolAnswer({"error": error.message}, is_error=True)

    def _send(self, arguments: Mapping[str, Any]) -> requests.Response:
        given = {name: _text(value) for name, value in arguments.items() if name in self._parameters}
        if dots := [name for name, value in given.items() if value in (".", "..")]:
            raise ArgumentsError(f"{dots[0]} cannot be {given[dots[0]]!r}: that is another place in a path of a URL")
        query = {name: value for name, value in given.items() if self._parameters[name] == "query"}
        path = self._path.format_map({name: quote(value, safe="") for name, value in given.items()})
        body = arguments.get(BODY)
        content = _bytes(body) if self._takes_bytes and BODY in arguments else None
        return self._lab.send(self._method, path, body if content is None else None, query, content)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True)  # type: ignore[arg-type]  # what is no text is a TypeError
    except (TypeError, ValueError):
        raise ArgumentsError(f"{BODY} is a file in base64") from None


def _answer(response: requests.Response) -> ToolAnswer:
    """The answer of the lab plane, whatever its content type."""
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    body: Any = None
    if kind == JSON:
        body = response.json()
    elif kind == "application/x-ndjson":
        body = [json.loads(line) for line in response.content.splitlines()]
    elif kind.startswith("text/"):
        body = response.content.decode()
    elif response.content:
        return ToolAnswer({"status": response.status_code, BODY: base64.b64encode(response.content).decode()})
    doubt = {"doubt": response.headers[WARNING]} if WARNING in response.headers else {}
    return ToolAnswer({"status": response.status_code, **bounded(body), **doubt}, is_error=not response.ok)


def _arguments(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> JsonObject:
    """The schema of the arguments: parameters of path and query by name, the body, and the schemas that are used."""
    found = operation["parameters"]
    properties: dict[str, Any] = {each["name"]: _described(each) for each in found}
    required = [each["name"] for each in found if each.get("required")]
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        is_file = content["schema"].get("format") == "binary"
        properties[BODY] = {"type": "string", "contentEncoding": "base64"} if is_file else content["schema"]
        required += [BODY] if operation["requestBody"]["required"] else []
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    used = _used(schema, schemas, {})
    own: JsonObject = _renamed(schema | ({"$defs": used} if used else {}))
    return own


def _described(parameter: Mapping[str, Any]) -> JsonObject:
    doc = parameter.get("description")
    return {**parameter["schema"], **({"description": doc} if doc else {})}


def _used(part: Any, schemas: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The schemas that a part of a document refers to, and those that they refer to."""
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _used(each, schemas, found)
    name = str(part.get("$ref", "")).removeprefix(_REFERENCE) if isinstance(part, dict) else ""
    if name and name not in found:
        found[name] = schemas[name]
        _used(schemas[name], schemas, found)
    return found


def _renamed(part: Any) -> Any:
    """The part with references to its own `$defs`."""
    if isinstance(part, dict):
        return {key: _renamed(each) for key, each in part.items()}
    if isinstance(part, list):
        return [_renamed(each) for each in part]
    return part.replace(_REFERENCE, _OWN) if isinstance(part, str) and part.startswith(_REFERENCE) else part
