"""The Containerfile and the compose file: what they say, and each instruction carried out."""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_server.cli import serve, variable
from mock_server.clock import wall_clock_ms
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET
from mock_server.lots.seed import default_seed
from mock_server.model import HOUR, MINUTE
from mock_server.testing.lot import Lot
from mock_server.testing.served import ServedParking
from tests.image import DEADLINE_S, Image, Instruction, instructions
from tests.support import network_variables

ROOT = Path(__file__).parent.parent
FILE = instructions((ROOT / "Containerfile").read_text(encoding="utf-8"))

ASK = """import http.client, sys
for address in sys.argv[1:]:
    try:
        asked = http.client.HTTPConnection(address, timeout=60)
        asked.request("GET", "/")
        print(asked.getresponse().status)
    except ConnectionRefusedError:
        print("refused")
"""
"""Prints what a GET of / answers at each address."""


def values(name: str) -> list[str]:
    """What stands behind the instructions of a name."""
    return [each.value for each in FILE if each.name == name]


def test_dependencies_are_one_layer_before_the_wheel() -> None:
    """A change of the code leaves that layer: it is made of two files, and the wheel brings nothing from elsewhere."""
    fetching = [
        place for place, each in enumerate(FILE) if "pip install" in each.value and "--no-deps" not in each.value
    ]
    (wheel,) = [place for place, each in enumerate(FILE) if each.name == "COPY" and ".whl" in each.value]
    assert len(fetching) == 1
    assert fetching[0] < wheel
    copied = [each for each in FILE[: fetching[0]] if each.name == "COPY"]
    assert copied == [Instruction("COPY", "pyproject.toml constraints.txt /tmp/needs/")]


def test_nobody_is_root_and_nothing_is_open_by_itself() -> None:
    """The last user is none of the machine's, and no token of the lab plane is part of the image."""
    assert values("USER") == ["10001:0"]
    assert FILE.index(Instruction("USER", "10001:0")) > max(
        place for place, each in enumerate(FILE) if each.name == "RUN"
    )
    assert "LAB_TOKEN" not in " ".join(each.value for each in FILE)


def test_what_it_sets_are_settings_of_serve() -> None:
    """Each variable is a flag's, and the ports that it names are those that `serve` listens on."""
    names = {each.envvar for each in serve.params}
    set_here = {word.split("=")[0] for value in values("ENV") for word in value.split()} - {"HOME"}
    assert set_here <= names
    ports = {int(str(each.default)) for each in serve.params if each.name and each.name.endswith("port")}
    assert {int(port) for value in values("EXPOSE") for port in value.split()} == ports
    assert variable("--lab-token") in names


def test_the_context_has_what_is_copied_and_no_more() -> None:
    """The engine is handed the files of COPY alone."""
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = [word for value in values("COPY") for word in value.split()[:-1]]
    assert kept == ["*", *(f"!{word}" for word in copied)]


def test_an_instruction_that_nothing_carries_out() -> None:
    """It stops the test that would pass over it."""
    with pytest.raises(ValueError, match="cannot carry out"):
        instructions('FROM x\nSHELL ["bash"]\n')


@pytest.mark.slow
def test_the_image_is_built_and_serves(built_wheel: Path, tmp_path: Path) -> None:
    """Built, it serves as nobody's user: healthy, the API open to others, the lab plane not, a store in /data kept."""
    (tmp_path / "dist").mkdir()
    shutil.copy(built_wheel, tmp_path / "dist")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "root").mkdir()
    with Image(tmp_path / "root", tmp_path) as image:
        image.build(FILE, network_variables())
        store = ("--store", "sqlite:////data/lots.db")
        with image.started(*image.command, *store) as container:
            said = container.until_ready()
            assert "0.0.0.0 means every address" in said, said
            assert container.is_healthy
            assert container.uids == {"10001"} or os.getuid() != 0
            asked = container.run(["python", "-c", ASK, *("127.0.0.2:8280", "127.0.0.2:8290", "127.0.0.1:8290")])
            assert asked.stdout.split() == ["200", "refused", "200"], asked.stderr
            container.process.send_signal(signal.SIGTERM)
            assert container.process.wait(DEADLINE_S) == 0
            assert not container.is_healthy
        kept: Any = image.inside / image.volumes[0].strip("/") / "lots.db"
        assert kept.stat().st_size > 0


PIP = """#!/bin/sh
[ "$*" = "install --quiet {}" ] || exit 9
"""
"""Takes the place of pip where the SDK is installed already: it agrees to that version only."""


def here(variables: dict[str, str], parking: ServedParking, lot: Lot) -> dict[str, str]:
    """The variables of the client, for this server instead of the service: every value is one of the service's."""
    exports: Any = parking.exports
    values = {
        "http://parking:8280": exports["api"],
        "ws://parking:8285/": exports["ws"],
        DEFAULT_ACCESS_ID: exports["access_id"],
        DEFAULT_ACCESS_SECRET: exports["access_secret"],
        default_seed().devices[0].device_id: lot.device_id,
    }
    return {name: values[value] for name, value in variables.items()}


@pytest.mark.slow
def test_the_client_of_the_compose_file(parking_server: ServedParking, tmp_path: Path) -> None:
    """Its command, folder and variables are a client that asks the lot about the last hour and takes what was lost."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    client = services["client"]
    lot = parking_server.add_lot()
    lot.enter("\u4eacA12345", at=(wall_clock_ms() - 5 * MINUTE) // HOUR * HOUR - MINUTE, uplink="lose")
    pinned = tomllib.loads((ROOT / "examples/python-client/pyproject.toml").read_text("utf-8"))["project"]
    (tmp_path / "pip").write_text(PIP.format(*pinned["dependencies"]), encoding="utf-8")
    (tmp_path / "pip").chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    (folder,) = [ROOT / volume.split(":")[0] for volume in client["volumes"]]
    command = [word.replace("/tmp/records", str(tmp_path / "records")) for word in client["command"]]  # noqa: S108 its words
    variables = here(client["environment"], parking_server, lot)
    with subprocess.Popen(command, cwd=folder, env=os.environ | variables | {"PATH": path}) as process:  # noqa: S603 our own file
        try:
            assert parking_server.wait_for_rereport(timeout_s=DEADLINE_S).claimed == 0
            assert parking_server.wait_until(lambda: not parking_server.project.queue.pending, DEADLINE_S)
        finally:
            process.kill()


def test_the_service_of_the_compose_file() -> None:
    """It is the image with flags that `serve` takes, on ports of this machine alone; its user waits for its health."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    name, *flags = services["parking"]["command"]
    assert name == "serve"
    given = serve.make_context("serve", flags).params
    assert given["public_host"] == "parking"
    ports = {port.rpartition(":") for port in services["parking"]["ports"]}
    assert {(host, inside) for host, _, inside in ports} == {(f"127.0.0.1:{port}", port) for _, _, port in ports}
    assert {int(port) for *_, port in ports} < {int(each) for value in values("EXPOSE") for each in value.split()}
    assert services["client"]["depends_on"] == {"parking": {"condition": "service_healthy"}}
