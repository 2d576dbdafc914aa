"""What has to work with every version of a dependency that is allowed; scripts/lowest-versions copies and runs it.

It knows parking-mock as a user does: installed, from outside.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from mock_server.wire.encryption import queue_password

COMMAND = [str(Path(sys.executable).with_name("parking-mock"))]
TOKEN = "/v1.0/token?grant_type=1"


def run(*arguments: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `said` is its standard input."""
    words = [*COMMAND, *arguments]
    return subprocess.run(words, input=said, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 our own command


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("serve", "--help"), ("rules", "CNT-TRUTH")])
def test_commands_that_end(arguments: tuple[str, ...]) -> None:
    """Command line, rules and their examples."""
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_serve() -> None:
    """Served on three addresses, ended by SIGTERM."""
    ports = ("--port", "0", "--ws-port", "0", "--lab-port", "0")
    with subprocess.Popen([*COMMAND, "serve", "--json", *ports], stdout=subprocess.PIPE) as process:  # noqa: S603 our own command
        assert process.stdout is not None
        exports = json.loads(process.stdout.readline())
        assert requests.get(exports["api"] + TOKEN, timeout=50).json()["code"] == 1105
        assert requests.get(exports["lab"] + "/", timeout=50).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(50) == 0


def test_tools_for_agents() -> None:
    """The SDK is there, and answers the first call of a session."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "smoke", "version": "1"}}
    first = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
    done = run("mcp", said=f"{first}\n")
    assert (done.returncode, '"name":"parking-mock"' in done.stdout) == (0, True), done.stderr


def test_a_store_in_postgresql() -> None:
    """The driver is there, and finds no database."""
    done = run("serve", "--store", "postgresql://127.0.0.1:1/lots")
    assert (done.returncode, "the database does not answer" in done.stderr) == (2, True)


def test_in_process(parking_mock: Any) -> None:
    """`requests` to the vendor is answered."""
    assert requests.get("https://openapi.tuyacn.com" + TOKEN, timeout=50).json()["code"] == 1105
    assert parking_mock.add_lot().enter()


@pytest.mark.parametrize(
    "profile", [pytest.param(name, marks=pytest.mark.parking_mock(profile=name)) for name in ("default", "gcm")]
)
def test_a_consumer_of_the_queue(parking_server: Any, profile: str) -> None:
    """A message over a WebSocket, in both encryptions; acknowledged, it is gone."""
    exports = parking_server.exports
    access_id = exports["access_id"]
    url = f"{exports['ws']}ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
    headers = {"username": access_id, "password": queue_password(access_id, exports["access_secret"])}
    parking_server.add_lot().enter("京A12345")
    with connect(url, additional_headers=headers, proxy=None) as socket:
        frame = json.loads(socket.recv(50))
        assert frame["payload"]
        socket.send(json.dumps({"messageId": frame["messageId"]}))
        parking_server.wait_until_idle(timeout_s=50)


def test_check_of_a_case(tmp_path: Path) -> None:
    """The judge with workers, its report too: two small cases, one for each of them."""
    client = "contracts.clients.zoo.counting:CountsDeliveries"
    report = tmp_path / "report"
    cases = ("--case", "count/copies", "--case", "form/lanes", "--examples", "3", "--jobs", "2")
    done = run("check", "--client", client, "--rule", "CNT-RECORD-ID", *cases, "--report", str(report))
    assert (done.returncode, done.stderr) == (1, "")
    assert (report / "index.html").exists()
