"""records/sync under load: requests a second and latency at 1 and 16 connections.

Every request is signed, validated, compared with 1000 records of the lot and recorded in the history; the claim is
right, so nothing is reported again. Floor: the same request to an empty Flask view on the same server, in turns.
"""

from collections import defaultdict

from benchmarks.client import EVENTS_BEGIN, VendorClient
from benchmarks.figures import ratio, show, spread
from benchmarks.load import Load, load
from benchmarks.processes import FLOOR, SERVE, running

RECORDS = 1000
CONNECTIONS = (1, 16)


def run(*, quick: bool) -> None:
    """Measure and print."""
    rounds, seconds = (2, 1) if quick else (7, 2)
    with running(SERVE) as cloud, running(FLOOR) as floor:
        client = VendorClient(cloud.exports)
        client.add_entries([EVENTS_BEGIN + place * 1000 for place in range(RECORDS)])
        apis = {"sync": cloud.exports["api"], "empty view": floor.exports["api"]}
        for connections in CONNECTIONS:
            loads = measure(client, apis, connections, rounds, seconds)
            print_loads(loads, "empty view", f"{connections} connection(s), {rounds} rounds of {seconds} s in turns")


def measure(
    client: VendorClient, apis: dict[str, str], connections: int, rounds: int, seconds: int
) -> dict[str, list[Load]]:
    """Load each address in turn, round by round, after a warm-up."""
    loads: dict[str, list[Load]] = defaultdict(list)
    for round_number in range(rounds + 1):
        call = client.sync_call(RECORDS, EVENTS_BEGIN, EVENTS_BEGIN + RECORDS * 1000)
        client.check(call)
        for name, api in apis.items():
            done = load(api, call, connections, seconds if round_number else 1)
            if round_number:
                loads[name].append(done)
        client.check(call)
    return loads


def print_loads(loads: dict[str, list[Load]], floor: str, title: str) -> None:
    """One row an address: rate, latency, and the time of a request as a ratio to the floor's."""
    floor_times = [1 / each.per_second for each in loads[floor]]
    rows = [
        (
            name,
            spread([each.per_second for each in done]),
            spread([each.p50_us for each in done]),
            spread([each.p99_us for each in done]),
            ratio([1 / each.per_second for each in done], floor_times),
        )
        for name, done in loads.items()
    ]
    show(title, ("", "requests/s", "p50 us", "p99 us", "time, x floor"), rows)
