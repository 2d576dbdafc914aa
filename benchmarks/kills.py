"""kill -9 under load, again and again: do the books agree, and how soon is the server there again?

Two projects on one server with a SQLite store, each with a client that works without a pause: records, claims (some
wrong) and questions for the status of commands through the vendor's Python SDK, a consumer (the vendor's over the
WebSocket, `pulsar-client` natively), and one who follows the history. The server is killed after a random while and
started again at its ports, a third of the times with each `--store-sync`: as a fork of a process that has imported
everything, since that takes longer than all else. Exit 1 if the books (`kills_books`) do not agree.
"""

import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import Self, get_args

from benchmarks.figures import show, spread
from benchmarks.kills_books import problems
from benchmarks.kills_client import Client, NativeConsumer, SdkConsumer
from mock_server.lab_client import LabClient
from mock_server.state.store import Sync

KILLS, UP_S = 67, (0.2, 1.5)
"""How often it is killed with each promise, and for how many seconds it has served then."""

_PORT_RANGE = (20_000, 32_000)
_PORTS = ("--port", "--ws-port", "--pulsar-port", "--lab-port")
_SHOWN = 10


def run(*, quick: bool) -> bool:
    """Measure and print; False if the books of any project do not agree."""
    rows, found = [], []
    for sync in get_args(Sync):
        with TemporaryDirectory() as folder:
            figures, back_ms, wrong = _killed(sync, Path(folder), 3 if quick else KILLS)
        found += [f"{sync}: {each}" for each in wrong]
        names = ("records", "calls", "no answer", "heard", "heard again", "rereports")
        rows.append((sync, len(back_ms), spread(back_ms), *(f"{figures[name]:,}" for name in names)))
        print(f"{sync}: {len(back_ms)} kills, {len(wrong)} problems", flush=True)
    head = ("--store-sync", "kills", "ms to the first answer", "records", "calls answered", "not answered")
    show("kill -9 under load", (*head, "messages heard", "heard again", "re-reports"), rows)
    print(f"\n{len(found)} problems in the books", *found[:_SHOWN], sep="\n  ", flush=True)
    return not found


def _killed(sync: Sync, folder: Path, kills: int) -> tuple[Counter[str], list[float], list[str]]:
    """What the clients have counted, how long the server was away each time, and what is wrong in the end."""
    random = Random(sync)
    places = [f"{flag}={_free_port(random)}" for flag in _PORTS]
    flags = ("--store", f"sqlite:///{folder / 'kills.db'}", "--store-sync", sync, *places)
    lab_url = f"http://127.0.0.1:{places[-1].partition('=')[2]}"
    away: list[float] = []
    with ExitStack() as open_:
        servers = open_.enter_context(Servers(("serve", "--json", "--chaos=off", *flags)))
        servers.start()
        clients = _clients(LabClient(lab_url), open_)
        for _ in range(kills):
            time.sleep(random.uniform(*UP_S))
            servers.kill()
            began = time.perf_counter()
            servers.start()
            LabClient(lab_url).health()
            away.append((time.perf_counter() - began) * 1000)
        for client in clients:
            client.finish()
        wrong = [each for client in clients for each in problems(client)]
    return sum((client.tally for client in clients), Counter()), away, wrong


class Servers:
    """One server after the other, all of the same command: a context manager, which kills the last one."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = json.dumps(command)
        self._launcher = Popen((sys.executable, "-m", "benchmarks.launcher"), stdin=PIPE, stdout=PIPE, text=True)
        self._pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._launcher.terminate()
        self._launcher.communicate()

    def start(self) -> None:
        """Start one that serves."""
        self._say(self._command)
        self._pid = json.loads(self._heard())
        if not json.loads(self._heard()):
            raise ChildProcessError("the server has not started")

    def kill(self) -> None:
        """End the present one without a word."""
        os.kill(self._pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            while True:
                os.kill(self._pid, 0)
                time.sleep(0.001)

    def _say(self, line: str) -> None:
        if self._launcher.stdin is None:
            raise ValueError("the launcher's input is not written")
        self._launcher.stdin.write(line + "\n")
        self._launcher.stdin.flush()

    def _heard(self) -> str:
        return self._launcher.stdout.readline() if self._launcher.stdout else ""


def _clients(lab: LabClient, open_: ExitStack) -> list[Client]:
    """A client of each kind, at work."""
    clients = []
    for access_id, kind in (("kills-websocket-0001", SdkConsumer), ("kills-native-0000001", NativeConsumer)):
        project = lab.create_project(access_id=access_id)
        clients.append(Client(project, kind(project.exports())))
        open_.callback(clients[-1].close)
    return clients


def _free_port(random: Random) -> int:
    """A port that no client is given for its own end of a connection while the server is away."""
    while True:
        port = random.randrange(*_PORT_RANGE)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
