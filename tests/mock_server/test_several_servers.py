"""Several servers on one PostgreSQL behind nginx, as docs/how-to/several-servers.md has them."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from mock_server.lab_client import LabClient
from mock_server.state.database import Database
from tests.command_line import command, environment
from tests.front import FIRST, FRONT, SECOND, Front
from tests.mock_server.signed_client import SignedClient
from tests.mock_server.test_cli import first_line
from tests.mock_server.test_shared_ledger import end_leases
from tests.mock_server.test_store_option import A_PASS, client_of
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import wait_until
from tests.support import LOT

TEAMS = ("red", "green", "blue")


@contextmanager
def started(*flags: str) -> Iterator[Popen[str]]:
    """A server with these flags, which include its ports."""
    with Popen(command("serve", *flags), env=environment(), stdout=PIPE, text=True) as process:  # noqa: S603 ours
        try:
            yield process
        finally:
            process.kill()


def connected_client(client: SignedClient) -> SignedClient:
    """The client with a token, once its project is where the front sends it."""
    token: Any = wait_until(lambda: client.call("GET", "/v1.0/token?grant_type=1").get("result"), "a token")
    client.token = token["access_token"]
    return client


def issued(client: SignedClient) -> str:
    """The number of a sync command, asked for until the project's server can be reached."""
    answer: Any = wait_until(lambda: (got := called(client)).get("success") and got, "an answer")
    return str(answer["result"]["sn"])


def called(client: SignedClient) -> Any:
    """A claim that a window is empty; what nginx says where no server has answered."""
    try:
        return client.sync(0)
    except requests.exceptions.JSONDecodeError:
        return {}


def status(client: SignedClient, sn: str) -> Any:
    """How far a command has come; nothing if there is none of that number."""
    return client.call("GET", f"/v1.0/expand/cmds/{sn}").get("result")


def test_the_page_is_tried_at_other_ports(tmp_path: Path) -> None:
    """Its configuration has the servers and the front where the test starts them, and nothing at the page's ports."""
    front = Front()
    text = front.configuration(tmp_path)
    told = set(re.findall(r"\b\d{4,5}\b", text))
    assert not told & {*FIRST, *SECOND, *FRONT}
    assert {urlsplit(address).port for address in front.addresses} <= set(map(int, told))
    for flags in front.flags:
        assert {flag.partition("=")[2] for flag in flags} <= told


@pytest.mark.slow
def test_one_of_two_servers_dies(database: Database, tmp_path: Path) -> None:
    """Each team's client goes on with its own world by the same addresses; what was answered is there, and no more."""
    front = Front()
    flags = ("--json", "--chaos", "off", "--store", database.url)
    with front.running(tmp_path), ExitStack() as open_:
        servers = [open_.enter_context(started(*flags, *each)) for each in front.flags]
        for server in servers:
            assert json.loads(first_line(server))
        lab = open_.enter_context(LabClient(front.addresses.lab))
        projects = [lab.create_project(access_id=team) for team in TEAMS]
        exports: list[Any] = [project.exports() | front.addresses._asdict() for project in projects]
        clients = [connected_client(open_.enter_context(client_of(each))) for each in exports]
        commands = {issued(client): client for client in clients}
        for project in projects:
            project.add_record(LOT, **A_PASS)
        assert lab.projects() == sorted([*TEAMS, "parkingmockdefault01"])
        servers[0].send_signal(signal.SIGKILL)
        servers[0].wait()
        end_leases(database)
        later = {issued(client): client for client in clients}
        for sn, client in (commands | later).items():
            assert status(client, sn) is not None
        for team, project in zip(exports, projects, strict=True):
            with consuming(team) as consumer:
                wait_until(partial(getattr, consumer, "message_ids"), "the record's message")
            assert project.show()["records"][LOT] == 1
