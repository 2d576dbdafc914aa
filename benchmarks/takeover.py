"""Two servers on one PostgreSQL behind nginx, killed in turn under load: do the books agree, how long is each away?

The clients of `kills`, each with a project of its own, work by the addresses of the front. One server is killed with
kill -9 after a random while, and started again once its projects are at the other one; then the other one is. A project
is away from the kill until a call for it is answered again. Exit 1 if the books do not agree.
"""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import Any

import requests

from benchmarks.figures import show, spread
from benchmarks.kills_books import problems
from benchmarks.kills_client import Client, NativeConsumer, SdkConsumer
from benchmarks.processes import SERVE_AT
from mock_server.lab_client import LabClient
from tests.front import Front
from tests.postgresql import connected, own_cluster

KILLS, UP_S = 40, (4.0, 8.0)
"""How often one of the two is killed, and for how many seconds both have served then."""

_KINDS: tuple[type[SdkConsumer | NativeConsumer], ...] = (SdkConsumer, NativeConsumer, SdkConsumer, NativeConsumer)
_BUSY = 1111
_SHOWN = 10
_AGAIN_S = 0.02
_HELD = "SELECT access_id FROM parking_mock.projects JOIN parking_mock.servers ON server = id WHERE url = %s"


class Pair:
    """The two servers and their front."""

    def __init__(self, database: str, front: Front) -> None:
        self.front = front
        self._database = database
        self._servers = [self._start(number) for number in range(2)]

    def _start(self, number: int) -> Popen[str]:
        process = Popen((*SERVE_AT, "--store", self._database, *self.front.flags[number]), stdout=PIPE, text=True)
        if process.stdout is None or not process.stdout.readline():
            raise ChildProcessError("the server has not started")
        return process

    def kill(self, number: int, projects: list[str]) -> list[float]:
        """Kill one and start it again; the milliseconds that each of its projects was away."""
        with connected(self._database) as connection:
            held = {access_id for (access_id,) in connection.execute(_HELD, (self.front.lab(number),))}
        self._servers[number].kill()
        self._servers[number].wait()
        began = time.perf_counter()
        away = []
        for access_id in filter(held.__contains__, projects):
            self.wait_for(access_id)
            away.append((time.perf_counter() - began) * 1000)
        self._servers[number] = self._start(number)
        return away

    def wait_for(self, access_id: str) -> None:
        """Wait until a call for a project is answered by a server that has it, be it by a refusal."""
        call = f"{self.front.addresses.api}/v1.0/token"
        while True:
            answer = requests.get(call, headers={"client_id": access_id}, timeout=20)
            if answer.ok and answer.json()["code"] != _BUSY:
                return
            time.sleep(_AGAIN_S)

    def stop(self) -> None:
        """End both in order."""
        for server in self._servers:
            server.terminate()
            server.wait()


def run(*, quick: bool) -> bool:
    """Measure and print; False if the books of any project do not agree."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory()))
        cluster = open_.enter_context(own_cluster())
        front = Front()
        open_.enter_context(front.running(folder))
        pair = Pair(cluster.database().url, front)
        open_.callback(pair.stop)
        clients = _clients(pair, open_)
        away = _killed_in_turn(pair, [each.project.access_id for each in clients], 4 if quick else KILLS)
        for client in clients:
            client.finish()
        wrong = [each for client in clients for each in problems(client)]
    figures = sum((client.tally for client in clients), Counter[str]())
    names = ("records", "calls", "no answer", "heard", "heard again", "rereports")
    rows = [(len(away), spread(away), *(f"{figures[name]:,}" for name in names))]
    head = ("take-overs", "ms until a project answers", "records", "calls answered", "not answered")
    show("two servers killed in turn", (*head, "messages heard", "heard again", "re-reports"), rows)
    print(f"\n{len(wrong)} problems in the books", *wrong[:_SHOWN], sep="\n  ", flush=True)
    return not wrong


def _clients(pair: Pair, open_: ExitStack) -> list[Client]:
    """Clients of both kinds, at work with projects of their own."""
    lab = LabClient(pair.front.addresses.lab)
    clients = []
    for number, kind in enumerate(_KINDS):
        project = lab.create_project(access_id=f"takeover-{number:011d}")
        pair.wait_for(project.access_id)
        exports: Any = project.exports() | pair.front.addresses._asdict()
        clients.append(Client(project, kind(exports)))
        open_.callback(clients[-1].close)
    return clients


def _killed_in_turn(pair: Pair, projects: list[str], kills: int) -> list[float]:
    random = Random("takeover")
    away: list[float] = []
    for number in range(kills):
        time.sleep(random.uniform(*UP_S))
        away += pair.kill(number % 2, projects)
    return away
