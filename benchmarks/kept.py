"""records/sync with each place where the state may be kept: memory, SQLite and PostgreSQL with each promise, in turns.

File and cluster are in the folder for temporary files: what it costs to wait for the disk depends on the disk under it.
"""

from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from benchmarks.client import EVENTS_BEGIN, VendorClient
from benchmarks.load import Load, load
from benchmarks.processes import SERVE, running
from benchmarks.requests import CONNECTIONS, RECORDS, print_loads
from mock_server.state.store import Sync
from tests.postgresql import own_cluster


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds, seconds = (2, 1) if quick else (5, 2)
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory()))
        places: dict[str, tuple[str, ...]] = {"memory": ("--store", "memory")}
        for sync in get_args(Sync):
            places[f"sqlite, {sync}"] = ("--store", f"sqlite:///{folder / sync}.db", "--store-sync", sync)
        cluster = open_.enter_context(own_cluster())
        for sync in get_args(Sync):
            places[f"postgresql, {sync}"] = ("--store", cluster.database().url, "--store-sync", sync)
        clients = {}
        for name, flags in places.items():
            clients[name] = VendorClient(open_.enter_context(running((*SERVE, *flags))).exports)
            clients[name].add_entries([EVENTS_BEGIN + place * 1000 for place in range(RECORDS)])
        for connections in CONNECTIONS:
            loads = _measure(clients, connections, rounds, seconds)
            print_loads(loads, "memory", f"{connections} connection(s), {rounds} rounds of {seconds} s in turns")


def _measure(clients: dict[str, VendorClient], connections: int, rounds: int, seconds: int) -> dict[str, list[Load]]:
    """Load each server in turn, round by round, after a warm-up."""
    loads: dict[str, list[Load]] = defaultdict(list)
    for round_number in range(rounds + 1):
        for name, client in clients.items():
            call = client.sync_call(RECORDS, EVENTS_BEGIN, EVENTS_BEGIN + RECORDS * 1000)
            client.check(call)
            done = load(client.exports["api"], call, connections, seconds if round_number else 1)
            if round_number:
                loads[name].append(done)
    return loads
