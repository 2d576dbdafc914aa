"""kill -9 under load, again and again: do the books agree, and how soon is the server there again?

Two projects on one server with a SQLite store, each with a client that works without a pause: records, claims (some
wrong) and questions for the status of commands through the vendor's Python SDK, a consumer (the vendor's over the
WebSocket, `pulsar-client` natively), and one who follows the history. The server is killed after a random while and
started again at its ports, a third of the times with each `--store-sync`. Exit 1 if the books (`kills_books`) do not
agree.
"""

import socket
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import get_args

from benchmarks.figures import show, spread
from benchmarks.kills_books import problems
from benchmarks.kills_client import Client, NativeConsumer, SdkConsumer
from benchmarks.processes import SERVE_AT
from mock_server.lab_client import LabClient
from mock_server.state.store import Sync

KILLS, UP_S = 67, (0.3, 3.0)
"""How often it is killed with each promise, and for how many seconds it has served then."""

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
    head = ("--store-sync", "kills", "ms to the first answer", "records", "calls answered", "not answered")
    show("kill -9 under load", (*head, "messages heard", "heard again", "re-reports"), rows)
    print(f"\n{len(found)} problems in the books", *found[:_SHOWN], sep="\n  ", flush=True)
    return not found


def _killed(sync: Sync, folder: Path, kills: int) -> tuple[Counter[str], list[float], list[str]]:
    """What the clients have counted, how long the server was away each time, and what is wrong in the end."""
    random = Random(sync)
    places = [f"{flag}={_free_port()}" for flag in _PORTS]
    flags = ("--store", f"sqlite:///{folder / 'kills.db'}", "--store-sync", sync, *places)
    lab_url = f"http://127.0.0.1:{places[-1].partition('=')[2]}"
    away: list[float] = []
    with ExitStack() as open_:
        server = _start(flags)
        clients = _clients(LabClient(lab_url), open_)
        for _ in range(kills):
            time.sleep(random.uniform(*UP_S))
            server.kill()
            server.wait()
            began = time.perf_counter()
            server = _start(flags)
            LabClient(lab_url).health()
            away.append((time.perf_counter() - began) * 1000)
        open_.callback(server.wait)
        open_.callback(server.terminate)
        for client in clients:
            client.finish()
        wrong = [each for client in clients for each in problems(client)]
    return sum((client.tally for client in clients), Counter()), away, wrong


def _start(flags: tuple[str, ...]) -> Popen[str]:
    """A server that has said where it listens."""
    process = Popen((*SERVE_AT, *flags), stdout=PIPE, text=True)
    if process.stdout is None or not process.stdout.readline():
        raise ChildProcessError("the server has not started")
    return process


def _clients(lab: LabClient, open_: ExitStack) -> list[Client]:
    """A client of each kind, at work."""
    clients = []
    for access_id, kind in (("kills-websocket-0001", SdkConsumer), ("kills-native-0000001", NativeConsumer)):
        project = lab.create_project(access_id=access_id)
        clients.append(Client(project, kind(project.exports())))
        open_.callback(clients[-1].close)
    return clients


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
