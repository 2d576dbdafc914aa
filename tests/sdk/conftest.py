"""Real servers, and the SDKs as their users install them."""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_server.clock import SystemClock, wall_clock_ms
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, Cloud
from mock_server.lots.seed import default_seed
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.server import Server, ThreadedServer
from tests.sdk.node_program import NodeProgram, StartNode, install_packages
from tests.sdk.python_sdk import connected_client
from tests.sdk.world import DEADLINE_S, StartWorld, Tap, World


@pytest.fixture(scope="session")
def in_background() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Runs what no test need wait for; the session does."""
    with ThreadPoolExecutor() as pool:
        tasks: list[Future[None]] = []
        yield lambda task: tasks.append(pool.submit(task))
        for task in tasks:
            task.result(DEADLINE_S)


@pytest.fixture
def start_world(
    monkeypatch: pytest.MonkeyPatch, in_background: Callable[[Callable[[], None]], None]
) -> Iterator[StartWorld]:
    """Starts servers with a profile of their own, or with a clock that is ahead of the machine's."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = contextlib.ExitStack()

    def start(profile: Profile | None = None, ahead_ms: int = 0) -> World:
        clock = SystemClock(lambda: wall_clock_ms() + ahead_ms)
        cloud = Cloud(clock)
        project = Project(DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, default_seed(), clock, profile=profile)
        cloud.add(project)
        return World(running.enter_context(ThreadedServer(Server(cloud))), project)

    yield start
    in_background(running.close)  # a server takes a fifth of a second to say goodbye


@pytest.fixture
def world(start_world: StartWorld) -> World:
    """A server with the default profile."""
    return start_world()


@pytest.fixture
def tap_api(world: World) -> Iterator[Tap]:
    """A listener in front of the API of `world` that keeps what passes."""
    yield from _tap(world, world.api)


@pytest.fixture
def tap_ws(world: World) -> Iterator[Tap]:
    """A listener in front of the queue of `world` that keeps what passes."""
    yield from _tap(world, world.ws)


def _tap(world: World, address: str) -> Iterator[Tap]:
    tap = Tap()
    port = urlsplit(address).port
    assert port is not None
    listening = world.await_on_loop(tap.open(port))
    yield tap
    world.run(listening.close)


@pytest.fixture
def openapi(world: World) -> Iterator[Any]:
    """The official Python SDK's API client, connected."""
    with connected_client(world) as client:
        yield client


@pytest.fixture(scope="session")
def node_packages() -> None:
    """The npm packages of `node/`, installed once. Without Node or npm this fails, and says so."""
    install_packages()


@pytest.fixture(scope="module")
def node_connector(node_packages: None) -> Iterator[Callable[[], NodeProgram]]:
    """The program of the official Node SDK's API client: half a second of loading, once in a module that asks."""
    with contextlib.ExitStack() as running:
        yield cache(lambda: running.enter_context(NodeProgram("connector.mjs")))


@pytest.fixture
def start_node(node_connector: Callable[[], NodeProgram]) -> Iterator[StartNode]:
    """Starts clients of `node/` for a world."""
    with contextlib.ExitStack() as running:

        def connector(world: World, **settings: str) -> NodeProgram:
            own = {"baseUrl": world.api, "accessKey": world.access_id, "secretKey": world.access_secret}
            return node_connector().connected(own | settings)

        def consumer(world: World, **settings: str | int) -> NodeProgram:
            own = {"url": world.ws, "accessId": world.access_id, "accessKey": world.access_secret}
            return running.enter_context(NodeProgram("consume.mjs", json.dumps(own | settings)))

        yield StartNode(connector, consumer)


@pytest.fixture
def connector(world: World, start_node: StartNode) -> NodeProgram:
    """The official Node SDK's API client."""
    return start_node.connector(world)
