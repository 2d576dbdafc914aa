"""The same seed gives the same deliveries, whatever carries them."""

import base64
import json
from collections.abc import Callable, Iterator
from threading import RLock

from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.carriers.access import Topic
from mock_server.carriers.websocket import ConsumerRequest
from mock_server.clock import VirtualClock
from mock_server.faults.chaos import Chaos
from mock_server.model import HOUR, MINUTE, Cell, DataType, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.testing.in_process_socket import InProcessSocket
from tests.native_client import NativeClient, connected, id_data, native_connections, received
from tests.support import LOT, NOON, keep_passes, make_project

Sent = tuple[tuple[int, int], bytes]
"""A delivery: ledger and entry, and the outer JSON."""


class OverWebSocket:
    """A client that acknowledges what it gets, and comes back when its connection is lost."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._socket = self._connect()

    def take(self) -> Iterator[Sent]:
        """What has come."""
        for text in iter(self._socket.receive, None):
            frame = json.loads(text)
            self._socket.send(json.dumps({"messageId": frame["messageId"]}))
            place = id_data(frame["messageId"])
            yield (place.ledger, place.entry), base64.b64decode(frame["payload"])
        if self._socket.closed is not None:
            self._socket = self._connect()
            yield from self.take()

    def _connect(self) -> InProcessSocket:
        name = f"{self._project.access_id}-sub"
        asked = ConsumerRequest(self._project, Topic("event"), name, "Failover", 0, 1000, 60_000)
        return InProcessSocket(asked, RLock())


class Natively:
    """The same client, natively."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._connections = native_connections(project)
        self._client = self._connect()

    def take(self) -> Iterator[Sent]:
        """What has come."""
        for message in received(self._client.heard()):
            self._client.acknowledge(message)
            yield message.place, message.payload
        if self._client.transport.soon:
            self._client.run_soon()
            self._client = self._connect()
            yield from self.take()

    def _connect(self) -> NativeClient:
        client = connected(self._project, self._connections)
        client.subscribe(permits=0)
        client.flow(1000)
        return client


@given(st.integers(0, 2**32), st.sampled_from(("aes_ecb", "aes_gcm")))
@settings(max_examples=8)
def test_the_same_seed_gives_the_same_deliveries(seed: int, encryption: str) -> None:
    """To the byte and in the same order, with the same faults: lost, late and damaged messages, broken connections."""
    over_websocket, over_native = (day(seed, encryption, make) for make in (OverWebSocket, Natively))
    assert over_websocket == over_native


def day(seed: int, encryption: str, make: Callable[[Project], OverWebSocket | Natively]) -> tuple[object, ...]:
    """What a client gets of rough hours, and the faults that struck."""
    project = make_project(Profile(encryption=encryption), random_seed=seed)  # type: ignore[arg-type]
    project.set_chaos(Chaos("rough", seed))
    client = make(project)
    clock = project.clock
    assert isinstance(clock, VirtualClock)
    got: list[Sent] = []
    cell = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON, NOON + HOUR)
    for place in range(6):
        keep_passes(project, NOON + place)
        project.sync(LOT, [SyncInfo(cell, 0)])
        got += client.take()
        clock.advance(MINUTE)
        got += client.take()
    return got, project.faults.struck
