"""`parking-mock mcp`."""

import asyncio
from itertools import chain

import click

from mock_server.cli import ConfigurationError
from mock_server.lab_client import LabClient
from mock_server.project_commands import lab_option, lab_token_option


@click.command("mcp")
@lab_option
@lab_token_option
def mcp(*, lab: str, lab_token: str | None) -> None:
    """Serve the lab API, check, rules and replay as tools for agents.

    The Model Context Protocol on standard input and output, for a host that starts this command. The tools check and
    replay run the client that they are given. parking-mock exec -- parking-mock mcp brings a server along.
    """
    try:
        from contracts.agents.command_tools import command_tools  # noqa: PLC0415 only this command needs the extra
        from contracts.agents.lab_tools import lab_tools  # noqa: PLC0415 as above
        from contracts.agents.server import serve  # noqa: PLC0415 as above
    except ImportError as error:
        raise ConfigurationError(f"the SDK is missing: pip install 'parking-mock[mcp]' ({error})") from None
    with LabClient(lab, lab_token) as client:
        asyncio.run(serve(chain(lab_tools(client), command_tools())))
