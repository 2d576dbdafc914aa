"""The conformance suite of the Model Context Protocol against our server.

The suite speaks HTTP only, and most of its scenarios call tools, prompts and resources of its own example server. So
our server, the same object as on standard input and output, is served by the SDK's HTTP transport; what is not for a
server of tools alone is named in `NOT_OURS`, and the suite fails if one of those would pass.
"""

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from contracts.agents.arguments import ArgumentsError
from contracts.agents.command_tools import command_tools
from contracts.agents.lab_tools import lab_tools
from contracts.agents.tool import AgentTool, ToolAnswer
from mock_server.lab_client import LabClient
from tests.sdk.node_program import install_packages

FOLDER = Path(__file__).parent / "mcp"
SUITE = FOLDER / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

PASSED = (
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-error",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)
NOT_OURS = (
    *("logging-set-level", "completion-complete"),
    *(f"tools-call-{what}" for what in ("simple-text", "image", "audio", "embedded-resource", "mixed-content")),
    *(f"tools-call-{what}" for what in ("with-logging", "with-progress", "sampling", "elicitation")),
    *("elicitation-sep1034-defaults", "elicitation-sep1330-enums"),
    *(
        f"resources-{what}"
        for what in ("list", "read-text", "read-binary", "templates-read", "subscribe", "unsubscribe")
    ),
    *("prompts-list", *(f"prompts-get-{what}" for what in ("simple", "with-args", "embedded-resource", "with-image"))),
)
"""What our server does not offer: answers other than JSON, logging, sampling, elicitation, resources, prompts."""


class Fails(AgentTool):
    """The suite's tool that always fails, made as ours are."""

    def __init__(self) -> None:
        super().__init__("test_error_handling", "Fail", {"type": "object", "properties": {}, "required": []})

    async def call(self, _: Mapping[str, Any]) -> ToolAnswer:
        """Fail."""
        raise ArgumentsError("this tool fails")


@pytest.fixture
def url() -> Iterator[str]:
    """Where our server is served over HTTP, with all its tools and the suite's own one."""
    from contracts.agents.server import make_server  # noqa: PLC0415 two seconds, in each process that collects tests

    tools = (*lab_tools(LabClient("http://127.0.0.1:1")), *command_tools(), Fails())
    server = uvicorn.Server(uvicorn.Config(make_server(tools).streamable_http_app(), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # who comes before the server has begun waits here
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        server.should_exit = True
        thread.join()


@pytest.mark.sdks
def test_the_suite_passes(url: str, tmp_path: Path) -> None:
    """Every scenario that is for a server of tools, and no other."""
    install_packages(FOLDER)
    baseline = tmp_path / "baseline.yml"
    baseline.write_text(json.dumps({"server": NOT_OURS}), encoding="utf-8")
    # a fixed command
    done = subprocess.run(  # noqa: S603
        ["node", str(SUITE), "server", "--url", url, "--expected-failures", str(baseline)],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in PASSED if f"✓ {name}: " not in done.stdout] == []
