"""The command line as a user meets it: its whole output, its exit codes."""

import asyncio
import gc
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner
from syrupy.assertion import SnapshotAssertion

from mock_server.cli import _serve, default_project, main
from mock_server.cloud import Cloud
from mock_server.web.server import Server
from mock_server.web.serving.listening import AddressInUseError
from tests.command_line import DEADLINE_S, command, environment, run_here

FREE_PORTS = ("--port", "0", "--ws-port", "0", "--lab-port", "0")


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A running `parking-mock serve` on free ports."""
    process = subprocess.Popen(  # noqa: S603 our own command
        command("serve", *FREE_PORTS, *arguments),
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    """What the process prints first; empty if it ended without."""
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("serve", "--help"),
        ("exec", "--help"),
        ("env", "--help"),
        ("doctor", "--help"),
        ("export", "--help"),
        ("import", "--help"),
        ("mcp", "--help"),
        ("--version",),
        ("nonsense",),
        ("serve", "--port", "70000"),
        ("serve", "--port", "abc"),
        ("serve", "--nonsense"),
        ("serve", "--seed", "no-such-file.json"),
    ],
    ids=" ".join,
)
def test_output(arguments: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """Help and wrong usage print this, and wrong usage ends with 2."""
    assert run_here(*arguments).shown == snapshot


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("parking-mock ser", ["serve"]),
        ("parking-mock ex", ["exec", "exhaust", "export"]),
        ("parking-mock serve --store-sync ", ["off", "normal", "full"]),
        ("parking-mock serve --lab-p", ["--lab-port"]),
    ],
)
def test_a_shell_completes(typed: str, offered: list[str]) -> None:
    """Commands, flags and values are offered to a shell that has the completion of docs/installing.md."""
    here = str(len(typed.split(" ")) - 1)
    done = run_here(_PARKING_MOCK_COMPLETE="zsh_complete", COMP_WORDS=typed, COMP_CWORD=here)
    lines = done.stdout.splitlines()
    assert lines[1::3] == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_completion(shell: str) -> None:
    """It asks the command by its own variable."""
    script = run_here(_PARKING_MOCK_COMPLETE=f"{shell}_source").stdout
    assert f"_PARKING_MOCK_COMPLETE={shell}_complete" in script


def test_bad_variable_stops_start_up(snapshot: SnapshotAssertion) -> None:
    """A bad value in a variable is named with its variable and ends with 2."""
    assert run_here("serve", PARKING_MOCK_PORT="many").shown == snapshot


def test_bad_seed_names_every_problem(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """A seed that cannot be used ends with 2 and says where it is wrong."""
    seed = tmp_path / "seed.json"
    devices = [{"device_id": "L1", "kind": "garage"}, {"device_name": "no id"}]
    seed.write_text(json.dumps({"format": "parking-mock/seed", "version": 1, "devices": devices}))
    assert run_here("serve", "--seed", str(seed)).shown.replace(str(tmp_path), "TMP") == snapshot


def test_port_taken_is_said_clearly(snapshot: SnapshotAssertion) -> None:
    """A port that somebody else has is named with the flag that changes it; exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run_here("serve", "--port", port).shown.replace(port, "PORT") == snapshot


def test_says_what_can_be_called(snapshot: SnapshotAssertion) -> None:
    """When ready, `serve` prints addresses, keys and devices, and ends with 0 on SIGINT without a word more."""
    with serving("--chaos-seed", "7") as process:
        lines = [first_line(process)]
        while "Ready" not in lines[-1]:
            lines.append(first_line(process))
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert re.sub(r":\d{4,5}\b", ":PORT", "".join(lines)) + rest + errors == snapshot


def test_json_is_one_object_on_one_line_with_live_addresses() -> None:
    """With --json the only line is the exports: port 0 became real ports, and each address answers."""
    with serving("--json") as process:
        exports = json.loads(first_line(process))
        assert list(exports) == ["api", "ws", "pulsar", "lab", "access_id", "access_secret", "devices"]
        assert [device["kind"] for device in exports["devices"]] == ["lot", "lot", "lane"]
        assert exports["devices"][1]["supplier_code"] == "jieshun"
        assert requests.get(exports["lab"] + "/healthz", timeout=60).json()["status"] == "ok"
        assert requests.get(exports["api"] + "/v1.0/token", timeout=60).json()["code"] == 1105
        assert requests.get(exports["ws"].replace("ws:", "http:"), timeout=60).status_code == 426
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=DEADLINE_S)
    assert (rest, errors, process.returncode) == ("", "", 0)


def test_the_default_project_can_be_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever deletes it gets its memory back: the command holds no hand on it."""

    async def run() -> None:
        cloud = Cloud()
        project = weakref.ref(cloud.add(default_project()))
        serving = asyncio.create_task(_serve(Server(cloud), None, as_json=True))
        while not (line := capsys.readouterr().out):  # noqa: ASYNC110 a line has no event
            await asyncio.sleep(0)
        known = cloud.get(json.loads(line)["access_id"])
        assert known is not None
        cloud.remove(known)
        del known
        assert project() is None
        os.kill(os.getpid(), signal.SIGINT)
        await serving

    thresholds = gc.get_threshold()
    try:
        asyncio.run(run())
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def test_a_signal_during_the_start_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A start that hangs is ended by SIGTERM; nothing was printed, and no ready file is left, not even an old one."""
    ready = tmp_path / "ready.json"
    ready.write_text("of a server that was killed")

    async def hang() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    server = Server(Cloud())
    server.start = hang  # type: ignore[method-assign]  # as it would hang inside of uvicorn
    asyncio.run(_serve(server, ready, as_json=True))
    server.close()
    assert (capsys.readouterr().out, ready.exists()) == ("", False)


def test_an_interrupted_command_does_not_accuse_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 would say that the client fails a rule."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.commands["serve"], "invoke", interrupted)
    done = CliRunner().invoke(main, ["serve"])
    assert (done.exit_code, done.stderr) == (3, "Error: interrupted before it had finished\n")


def test_a_server_that_cannot_start_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, no traceback."""

    async def fail(*_: object, **__: object) -> None:
        raise ImportError("no such protocol")

    monkeypatch.setattr("uvicorn.Server.startup", fail)
    done = CliRunner().invoke(main, ["serve", *FREE_PORTS])
    assert (done.exit_code, done.output) == (
        3,
        "Error: the server could not start: ImportError('no such protocol')\n",
    )


def test_ready_file_appears_whole_and_goes(tmp_path: Path) -> None:
    """The ready file holds the line of --json while the server runs, and is removed when it ends."""
    ready = tmp_path / "ready.json"
    with serving("--json", "--ready-file", str(ready)) as process:
        line = first_line(process)
        assert ready.read_text() == line
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE_S)
    assert not ready.exists()


def test_port_0_frees_the_ports_that_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag or a variable still counts; with any other port the defaults stay what they are."""
    asked: list[tuple[int, int, int, int]] = []

    def note(*_: object, port: int, ws_port: int, pulsar_port: int, lab_port: int, **__: object) -> None:
        asked.append((port, ws_port, pulsar_port, lab_port))
        raise AddressInUseError("--port", "host", port, "enough")

    monkeypatch.setattr("mock_server.cli.Server", note)
    for arguments in (("--port", "0"), ("--port", "0", "--ws-port", "8285"), ("--port", "1")):
        CliRunner().invoke(main, ["serve", *arguments])
    CliRunner().invoke(main, ["serve", "--port", "0"], env={"PARKING_MOCK_LAB_PORT": "8290"})
    assert asked == [(0, 0, 0, 0), (0, 8285, 0, 0), (1, 8285, 7285, 8290), (0, 0, 0, 8290)]


@pytest.mark.parametrize("name", ["http://x", "x:80", "", "a b", "-"])
def test_a_public_host_is_a_host(name: str) -> None:
    """No URL, no port."""
    text = run_here("serve", *FREE_PORTS, "--public-host", name).shown
    assert text.startswith("exit code: 2\n")
    assert "is not a host" in text


@pytest.mark.parametrize("token", ["", " ", "p\xe4ssword"])
def test_token_that_no_header_carries_ends_with_2(token: str) -> None:
    """An empty token would leave the door open, a foreign sign lock it for good."""
    text = run_here("serve", *FREE_PORTS, "--lab-token", token).shown
    assert text.startswith("exit code: 2\n")
    assert "visible ASCII" in text


def test_host_of_nobody_is_named_as_such() -> None:
    """Not as a port that is taken."""
    text = run_here("serve", *FREE_PORTS, "--host", "no-such-host.invalid").shown
    assert "Choose another with --host (name an address of this machine)." in text


def test_ready_file_that_cannot_be_written_ends_with_2(tmp_path: Path) -> None:
    """A ready file in a folder that is not there stops start-up with a message."""
    text = run_here("serve", *FREE_PORTS, "--ready-file", str(tmp_path / "no" / "ready.json")).shown
    assert text.startswith("exit code: 2\n")
    assert "cannot write the ready file" in text
    assert "Traceback" not in text


def test_flag_beats_variable(tmp_path: Path) -> None:
    """A variable sets what its flag would; the flag wins."""
    seed = {"format": "parking-mock/seed", "version": 1, "devices": [{"device_id": "FROM-FLAG"}]}
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    with serving("--json", "--seed", str(tmp_path / "seed.json"), PARKING_MOCK_SEED="no-such-file.json") as process:
        assert json.loads(first_line(process))["devices"][0]["device_id"] == "FROM-FLAG"


def test_a_seed_by_name() -> None:
    """`--seed` takes a name; no file is needed."""
    with serving("--json", "--seed", "quiet-lot") as process:
        assert json.loads(first_line(process))["devices"][0]["device_name"] == "Quiet Lane Car Park"


def test_variables_alone_are_enough(tmp_path: Path) -> None:
    """Every flag has a variable: JSON, ready file and ports come from the environment here."""
    ready = tmp_path / "ready.json"
    variables = {
        "PARKING_MOCK_PORT": "0",
        "PARKING_MOCK_WS_PORT": "0",
        "PARKING_MOCK_LAB_PORT": "0",
        "PARKING_MOCK_JSON": "1",
        "PARKING_MOCK_READY_FILE": str(ready),
    }
    process = subprocess.Popen(  # noqa: S603 our own command
        command("serve"), env=environment(**variables), stdout=subprocess.PIPE, text=True
    )
    try:
        assert json.loads(first_line(process)) == json.loads(ready.read_text())
    finally:
        process.kill()
        process.communicate()


def test_stays_on_loopback_with_the_lab(tmp_path: Path) -> None:
    """Served to the network, the lab plane still answers this machine only."""
    with serving("--host", "0.0.0.0") as process:  # noqa: S104 that is what is tested
        _, api, queue, native, lab, note = (first_line(process) for _ in range(6))
    assert "http://127.0.0.1:" in lab
    assert "http://127.0.0.1:" in api
    assert "ws://127.0.0.1:" in queue
    assert "pulsar://127.0.0.1:" in native
    assert "other machines need --public-host NAME" in note


def test_a_public_host_alone_reaches_nobody() -> None:
    """A name for other machines is of no use to them while the server listens on loopback: the start says so."""
    with serving("--public-host", "parking.example") as process:
        _, api, *_, note = (first_line(process) for _ in range(6))
    assert "http://parking.example:" in api
    assert "listens on 127.0.0.1 only; other machines need --host 0.0.0.0" in note


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-16"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_terminal_without_chinese(encoding: str, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that its encoding does not have are escaped on either stream; the command goes on."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(raw, encoding=encoding))

    @click.command()
    def shout() -> None:
        click.echo("\u4e1c\u95e8 \xe4", err=stream == "stderr", color=False)

    group = type(main)("group", commands=[shout])
    group.main(["shout"], standalone_mode=False)
    getattr(sys, stream).flush()
    assert raw.getvalue()
    if encoding == "latin-1":
        assert raw.getvalue() == b"\\u4e1c\\u95e8 \xe4\n"


def test_json_is_ascii(tmp_path: Path) -> None:
    """The exports are read by programs in any encoding, on standard output and in the ready file."""
    ready = tmp_path / "ready.json"
    seed = {"format": "parking-mock/seed", "version": 1, "devices": [{"device_id": "L", "device_name": "\u4e1c\u95e8"}]}
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    arguments = ("--json", "--seed", str(tmp_path / "seed.json"), "--ready-file", str(ready))
    with serving(*arguments, PYTHONIOENCODING="cp1252") as process:
        assert process.stdout is not None
        line = process.stdout.buffer.readline()  # type: ignore[attr-defined]  # it is text over bytes
        assert line.isascii()
        assert json.loads(ready.read_bytes())["devices"][0]["device_name"] == "\u4e1c\u95e8"
