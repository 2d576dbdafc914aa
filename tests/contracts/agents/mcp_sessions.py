"""Sessions of an agent, by the official SDK's own client.

Tests import this module when they run: the SDK takes two seconds to import, in each process that collects tests.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

from mcp import Client, MCPError, StdioServerParameters, stdio_client

from contracts.agents.server import make_server
from contracts.agents.tool import AgentTool
from tests.support import LOT


def day(lab: str, plate: str) -> dict[str, Any]:
    """What an agent is told by the command as a process: of the server and its tools, and answers of some."""
    return asyncio.run(_day(lab, plate))


async def _day(lab: str, plate: str) -> dict[str, Any]:
    command = StdioServerParameters(command=sys.executable, args=["-m", "mock_server", "mcp", "--lab", lab])
    async with Client(stdio_client(command)) as client:
        told: dict[str, Any] = {"tools": (await client.list_tools()).tools, "server": client.server_info}
        told["instructions"] = client.instructions
        made: Any = (await client.call_tool("createProject", {"body": {}})).structured_content
        project = {"project_id": made["body"]["access_id"]}
        record = {"data_type": 0, "pass_direction": 0, "event_time": 1652779000000, "plate_no": plate}
        told["kept"] = await client.call_tool("addRecords", {**project, "device_id": LOT, "body": record})
        told["history"] = await client.call_tool("readHistory", project)
        told["refused"] = await client.call_tool("showProject", {"project_id": "none"})
        told["tools again"] = (await client.list_tools(cache_mode="bypass")).tools
    return told


def answers(tools: Iterable[AgentTool], *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The answers of calls in one session in this process: results of tools, or errors of the protocol."""

    async def ask() -> list[Any]:
        async with Client(make_server(tools)) as client:
            return [await _answer(client, *each) for each in calls]

    return asyncio.run(ask())


async def _answer(client: Client, name: str, arguments: dict[str, Any]) -> Any:
    try:
        return await client.call_tool(name, arguments)
    except MCPError as error:
        return error
