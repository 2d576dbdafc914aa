"""From process start to the first answer, and the memory of an idle server.

Floors: a bare interpreter that ends at once, one that imports Flask and ends, and the server with an empty view.
"""

import subprocess
import sys
from collections import defaultdict
from time import perf_counter
from urllib.request import Request, urlopen

from benchmarks.figures import ratio, show, spread
from benchmarks.processes import FLOOR, SERVE, running

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
