"""A tool that an agent can call, before any protocol.

Names, descriptions and schemas are texts of ours alone. Whatever comes from a world or from a client under test is only
ever part of an answer, as JSON: there it is data.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple

from contracts.agents.arguments import Arguments, ArgumentsError
from mock_server.model import JsonObject
from mock_server.words import shortened

MOST_ITEMS = 500
"""The most items of a list in an answer, and MOST_TEXT the most characters of a text: agents have little room."""

MOST_TEXT = 30_000


class ToolAnswer(NamedTuple):
    """What a call gives: a JSON object, and whether it was refused or failed."""

    content: JsonObject
    is_error: bool = False


class AgentTool(ABC):
    """A tool; its `schema` is that of its arguments, an object.

    `reads` says that it changes nothing, `destroys` that it may destroy, `repeats` that calling it again with the same
    arguments changes nothing more. Arguments in `elsewhere` are judged by what the tool calls, not by the schema.
    """

    elsewhere: ClassVar[Collection[str]] = ()

    def __init__(self, name: str, description: str, schema: Mapping[str, Any]) -> None:
        self.name = name
        self.description = description
        self.schema: JsonObject = dict(schema)
        self._arguments = Arguments(name, schema, self.elsewhere)
        self.reads = self.destroys = self.repeats = False

    async def answer(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Call it. What cannot be used is an answer too, which says what to do."""
        try:
            self._arguments.refuse(arguments)
            return await self.call(arguments)
        except ArgumentsError as error:
            return ToolAnswer({"error": str(error)}, is_error=True)

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Call it with arguments that are as its schema says. ArgumentsError if they cannot be used all the same."""


def bounded(value: Any) -> JsonObject:
    """A value as the `body` of an answer. A list or a text that is too long is cut; `left_out` says how many items."""
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        return {"body": value[:MOST_ITEMS], "left_out": len(value) - MOST_ITEMS}
    return {"body": shortened(value, MOST_TEXT) if isinstance(value, str) else value}
