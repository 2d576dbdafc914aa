"""From process start to the first answer, and the memory of an idle server.

Floors: a bare interpreter that ends at once, one that imports Flask and ends, and the server with an empty view. Then
the same on a store with many records, which are in the seed too.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.request import Request, urlopen

from benchmarks.client import EVENTS_BEGIN
from benchmarks.figures import Row, ratio, show, spread
from benchmarks.processes import FLOOR, SERVE, running
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, Cloud
from mock_server.ledger import Ledger
from mock_server.lots.seed import NewRecord, Seed, default_seed
from mock_server.model import DataType, PassDirection
from mock_server.spec import ProjectSpec
from mock_server.state.sqlite import SqliteStore

_FLASK = "import flask"
_SYNC = "/v1.0/parking-control/6ce0000000000001/records/sync"


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds = 3 if quick else 15
    codes = ("pass", _FLASK)
    servers = {"server, empty view": FLOOR, "parking-mock serve": SERVE}
    times: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for code in codes:
            times[code].append(to_its_end(code))
        for name, command in servers.items():
            milliseconds, megabytes = to_first_answer(command)
            times[name].append(milliseconds)
            sizes[name].append(megabytes)
    rows = [
        (name, spread(each), ratio(each, times[_FLASK]), spread(sizes[name], 1) if name in sizes else "")
        for name, each in times.items()
    ]
    show(f"start, {rounds} rounds in turns", ("", "ms to end or first answer", "x import flask", "RSS MB, idle"), rows)
    sizes_kept = (10**4,) if quick else (10**4, 10**5, 10**6)
    kept = [on_a_store(size) for size in sizes_kept]
    show("start on a SQLite store", ("records", "s to make", "s to start", "s of a core", "RSS MB", "file MB"), kept)


def on_a_store(size: int) -> Row:
    """The row of a store with so many records: its making, a start on it, and what both take."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "records.db"
        began = perf_counter()
        _write_records(path, size)
        took = perf_counter() - began
        began = perf_counter()
        with running((*SERVE, "--store", f"sqlite:///{path}")) as server:
            away, cpu = perf_counter() - began, server.cpu_s()
            row = f"{away:.1f}", f"{cpu:.1f}", f"{server.rss_mb():.0f}", f"{path.stat().st_size / 1024**2:.0f}"
    return (f"{size:,}", f"{took:.1f}", *row)


def _write_records(path: Path, size: int) -> None:
    """Keep a default project that was made from a seed of so many passes."""
    lot = default_seed().devices[0].device_id
    passes = (
        NewRecord(lot, None, DataType.PASS, PassDirection.ENTER, EVENTS_BEGIN + n, f"A{n % 10**5:05d}", {}, "lose")
        for n in range(size)
    )
    spec = ProjectSpec(seed=Seed(default_seed().devices, tuple(passes)))
    ledger = Ledger(Cloud(), SqliteStore(path, "off"))
    ledger.open(DEFAULT_ACCESS_ID, lambda: spec.make_project(DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET))
    ledger.close()


def to_its_end(code: str) -> float:
    """How many milliseconds an interpreter takes for a line of code."""
    began = perf_counter()
    subprocess.run((sys.executable, "-c", code), check=True, timeout=30)
    return (perf_counter() - began) * 1000


def to_first_answer(command: tuple[str, ...]) -> tuple[float, float]:
    """How many milliseconds from a server's start to its first answer, and its resident memory then, in MB."""
    began = perf_counter()
    with running(command) as server:
        request = Request(server.exports["api"] + _SYNC, b"{}", {"Content-Type": "application/json"})  # noqa: S310 http
        with urlopen(request, timeout=10) as answer:  # noqa: S310 http only
            answer.read()
        return (perf_counter() - began) * 1000, server.rss_mb()
