"""Without sockets: syncs a second through `mock_parking()` and `requests`, and what a fresh world costs.

Beside it, in turns: a bare `responses` stub that answers the same JSON and checks nothing, and moto's `mock_aws` with
the listing of no queues through boto3. moto's call is comparable, not equal: both sign, both route, both answer from
memory.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from time import perf_counter, time_ns
from typing import Any

import requests
import responses

from benchmarks.figures import ratio, show, spread
from benchmarks.processes import MissingToolError
from mock_server import mock_parking
from mock_server.clock import SystemClock
from mock_server.cloud import Cloud
from mock_server.lots.seed import Seed, default_seed
from mock_server.project import Project
from mock_server.testing.in_process import MockParking
from mock_server.wire.signature import SignedRequest, sign_v2

HOST = "https://openapi.tuyacn.com"
LOT = "6ce0000000000001"
_PATH = f"/v1.0/parking-control/{LOT}/records/sync"
_BODY = (
    b'{"dataType":0,"recordSyncInfos":'
    b'[{"totalCount":0,"startTime":1652777782808,"endTime":1652779976771,"passDirection":0}]}'
)
_ANSWER = {"result": {"sn": "1350000000000001"}, "success": True, "t": 1652788800000, "tid": "0" * 32}

Call = Callable[[], object]
Opened = Callable[[], AbstractContextManager[Call]]


def run(*, quick: bool) -> None:
    """Measure and print."""
    if find_spec("moto") is None or find_spec("boto3") is None:
        raise MissingToolError("this needs moto and boto3: pip install --group bench (pip 25.1 or newer)")
    rounds, calls = (3, 100) if quick else (9, 500)
    worlds = {
        "mock_parking, records/sync": parking_call,
        "bare responses stub": stub_call,
        "moto, ListQueues": moto_call,
    }
    rates: dict[str, list[float]] = {name: [] for name in worlds}
    for _ in range(rounds):
        for name, opened in worlds.items():
            rates[name].append(rate(opened, calls))
    floor = [1 / each for each in rates["bare responses stub"]]
    moto = [1 / each for each in rates["moto, ListQueues"]]
    rows = [
        (name, spread(each), ratio([1 / r for r in each], floor), ratio([1 / r for r in each], moto))
        for name, each in rates.items()
    ]
    show(f"{rounds} rounds of {calls} in turns", ("", "calls/s", "time, x stub", "time, x moto"), rows)
    show_fresh(rounds, calls)


def rate(opened: Opened, calls: int) -> float:
    """Calls a second in a fresh world, after a few to warm it up."""
    with opened() as call:
        for _ in range(10):
            call()
        began = perf_counter()
        for _ in range(calls):
            call()
        return calls / (perf_counter() - began)


@contextmanager
def parking_call() -> Iterator[Call]:
    """A signed, right claim: validated, compared, recorded, its command carried out and told of."""
    with mock_parking() as parking, requests.Session() as session:
        parking.add_lot(LOT)
        headers = signed(parking)
        yield lambda: checked(session.post(HOST + _PATH, data=_BODY, headers=headers))


@contextmanager
def stub_call() -> Iterator[Call]:
    """The same request, answered by what somebody wrote down."""
    with responses.RequestsMock() as stub, requests.Session() as session:
        stub.add(responses.POST, HOST + _PATH, json=_ANSWER)
        yield lambda: checked(session.post(HOST + _PATH, data=_BODY, headers={"Content-Type": "application/json"}))


@contextmanager
def moto_call() -> Iterator[Call]:
    """Queues of an account that has none."""
    import boto3  # noqa: PLC0415 only here, and only if it is installed
    from moto import mock_aws  # noqa: PLC0415 the same

    with mock_aws():
        keys = {"aws_access_key_id": "fake", "aws_secret_access_key": "fake"}
        yield boto3.client("sqs", region_name="us-east-1", **keys).list_queues


def signed(parking: MockParking) -> dict[str, str]:
    """Headers that are right for five minutes."""
    token, t = parking.project.tokens.grant().access_token, str(time_ns() // 1_000_000)
    request = SignedRequest("POST", _PATH, "", _BODY, parking.access_id, token, t)
    sign = sign_v2(parking.access_secret, request)
    own = {"client_id": parking.access_id, "access_token": token, "sign": sign, "t": t, "sign_method": "HMAC-SHA256"}
    return own | {"Content-Type": "application/json"}


def checked(response: requests.Response) -> None:
    """ValueError unless the call succeeded."""
    if response.json()["success"] is not True:
        raise ValueError(response.text)


def show_fresh(rounds: int, times: int) -> None:
    """What a world costs before anything happens in it."""
    from moto import mock_aws  # noqa: PLC0415 see moto_call

    makers: dict[str, Callable[[], Any]] = {
        "an empty project in a cloud": lambda: Cloud().add(new_project(Seed(()))),
        "a project with the default devices": lambda: Cloud().add(new_project(default_seed())),
        "with mock_parking(): pass": lambda: entered(mock_parking()),
        "with mock_aws(): pass": lambda: entered(mock_aws()),
    }
    costs: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            costs[name].append(microseconds(make, times // 10))
    rows = [(name, spread(each)) for name, each in costs.items()]
    show(f"a fresh world, {rounds} rounds of {times // 10} in turns", ("", "us"), rows)


def new_project(seed: Seed) -> Project:
    """A project as every test gets one."""
    return Project("0" * 20, "0" * 32, seed, SystemClock())


def entered(world: AbstractContextManager[object]) -> None:
    """Open it and close it."""
    with world:
        pass


def microseconds(make: Callable[[], object], times: int) -> float:
    """The mean time of one."""
    began = perf_counter()
    for _ in range(times):
        make()
    return (perf_counter() - began) / times * 1e6
