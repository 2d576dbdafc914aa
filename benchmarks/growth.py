"""How the resident memory grows over 10^5 sync requests, 16 connections, all claims right.

The history is bounded, so it must level off. Each command also ends in a result message on the queue. A consumer
that acknowledges lets the queue stay empty; without one the messages wait, as they must. Both are shown.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from benchmarks.client import EVENTS_BEGIN, VendorClient
from benchmarks.figures import show
from benchmarks.load import load
from benchmarks.messages import Consumer, acknowledgement, consumer_of
from benchmarks.processes import SERVE, running

REQUESTS = 100_000
WARM_UP = 10_000
_MAX_LOADS = 60
_LOAD_S = 2


def run(*, quick: bool) -> None:
    """Measure and print."""
    wanted = REQUESTS // 10 if quick else REQUESTS
    rows = [("consumer that acknowledges", *measure(wanted, consuming=True))]
    rows.append(("no consumer", *measure(wanted, consuming=False)))
    head = ("", "requests", "RSS MB, idle", f"after {WARM_UP}", "halfway", "at the end", "growth, MB", "2nd half")
    show(f"growth from {WARM_UP} requests on, which fill the history", head, rows)


def measure(wanted: int, *, consuming: bool) -> tuple[str, ...]:
    """Load one server until it has answered `wanted` requests after its warm-up."""
    with running(SERVE) as cloud:
        client = VendorClient(cloud.exports)
        idle = cloud.rss_mb()
        with consumer(cloud.exports) if consuming else nullcontext():
            send(client, WARM_UP)
            warm = cloud.rss_mb()
            sent = send(client, wanted // 2)
            halfway = cloud.rss_mb()
            sent += send(client, wanted - sent)
            end = cloud.rss_mb()
    sizes = (f"{each:.1f}" for each in (idle, warm, halfway, end, end - warm, end - halfway))
    return (f"{sent:,}", *sizes)


def send(client: VendorClient, wanted: int) -> int:
    """Send at least `wanted` requests, in loads of two seconds; how many it were."""
    sent = 0
    for _ in range(_MAX_LOADS):
        if sent >= wanted:
            break
        call = client.sync_call(0, EVENTS_BEGIN, EVENTS_BEGIN + 1000)
        client.check(call)
        sent += load(client.exports["api"], call, connections=16, seconds=_LOAD_S).requests
    return sent


@contextmanager
def consumer(exports: dict[str, Any]) -> Iterator[None]:
    """A consumer that acknowledges whatever comes, on a thread of its own."""
    with Consumer(exports["ws"], *consumer_of(exports, 1000)) as connected:
        thread = threading.Thread(target=connected.consume_all, args=(acknowledgement,), daemon=True)
        thread.start()
        yield
        connected.end()
        thread.join()
