"""The history as server-sent events and as JSON lines: from where on, what is gone, when it ends."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import requests

from mock_server.cloud import Cloud
from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.lab_client import LabApiError, LabClient, LabProject
from mock_server.state.store import StoreError
from mock_server.web.lab import event_stream
from mock_server.web.lab.event_stream import EventStream
from mock_server.web.server import Server, ThreadedServer
from tests.mock_server.web.serving.test_committer import FakeLedger, committer_of
from tests.sdk.world import wait_until
from tests.support import LOT, NOON, make_project

EVENTS = {"Accept": "text/event-stream"}


def events(lab: LabClient, project: LabProject, event_id: str = "", **query: Any) -> Iterator[dict[str, str]]:
    """The events of a stream, each as its fields."""
    headers = EVENTS | ({"Last-Event-ID": event_id} if event_id else {})
    event: dict[str, str] = {}
    for line in lab.stream(f"/_lab/projects/{project.access_id}/history", headers, **query):
        name, _, value = line.decode().partition(": ")
        if name:
            event[name] = value
        elif event:
            yield event
            event = {}


def take(stream: Iterator[dict[str, str]], count: int) -> list[dict[str, str]]:
    """The next events of a stream; it is closed behind them."""
    taken = list(islice(stream, count))
    assert len(taken) == count
    return taken


def ids(taken: list[dict[str, str]]) -> list[str]:
    """The ids of events."""
    return [event["id"] for event in taken]


def add_record(project: LabProject) -> None:
    """One more record: two entries, kept and lost."""
    project.add_record(LOT, data_type=0, pass_direction=0, event_time=NOON, uplink="lose")


def test_it_follows(lab: LabClient, world: LabProject) -> None:
    """A listener gets what is there and then what comes, as the very lines of the history."""
    there = len(world.history())
    stream = events(lab, world)
    first = take(stream, there)
    add_record(world)
    first += take(stream, 2)
    assert [json.loads(event["data"]) for event in first] == world.history()
    assert [event["event"] for event in first[-2:]] == ["record.kept", "record.lost"]
    assert ids(first) == [str(number) for number in range(1, there + 3)]


def test_it_goes_on_where_the_listener_was(lab: LabClient, world: LabProject) -> None:
    """`?after=` and `Last-Event-ID` name the last entry that was seen; the header wins, as browsers need it."""
    assert ids(take(events(lab, world, after=2), 1)) == ["3"]
    assert ids(take(events(lab, world, event_id="1"), 2)) == ["2", "3"]
    assert ids(take(events(lab, world, event_id="1", after=3), 1)) == ["2"]


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
def test_a_bad_place_is_refused(lab_server: Server, world: LabProject, accept: str) -> None:
    """A place that is no number is refused with reason, in lines and in events alike."""
    url = f"{lab_server.lab}/_lab/projects/{world.access_id}/history"
    for after in ("-1", "x", "", "1.5", str(2**53 + 1)):
        response = requests.get(url, params={"after": after}, headers={"Accept": accept}, timeout=60)
        assert response.status_code == 400
        assert "after must be a number" in response.json()["error"]["message"]
    for event_id in ("x", "1.", ".1", "1.2.3", ""):
        headers = {"Accept": accept, "Last-Event-ID": event_id}
        response = requests.get(url, headers=headers, timeout=60)
        assert response.status_code == 400
        assert "Last-Event-ID must be" in response.json()["error"]["message"]


def test_no_such_project(lab: LabClient) -> None:
    """A stream of nobody is refused as every other page of nobody."""
    with pytest.raises(LabApiError, match="404 no_project: there is no project 'nobody'"):
        next(lab.project("nobody").follow())


def test_a_reset_is_told(lab: LabClient, world: LabProject) -> None:
    """A listener learns of a reset even if the history is longer again than it was before it could look."""
    stream = events(lab, world)
    take(stream, 4)
    world.reset()
    reset, first = take(stream, 2)
    assert (reset["event"], reset["id"]) == ("history.reset", "0.1")
    assert json.loads(reset["data"]) == {"kind": "history.reset", "seq": 0}
    assert (first["id"], json.loads(first["data"])["seq"]) == ("1.1", 1)


def test_a_reset_between_two_connections_is_told(lab: LabClient, world: LabProject) -> None:
    """Whoever comes back with an id of before a reset is told of it, and gets everything after it."""
    world.reset()
    add_record(world)
    assert next(events(lab, world, event_id="3"))["event"] == "history.reset"
    assert ids(take(events(lab, world, event_id="2.1"), 1)) == ["3.1"]
    lines = lab.stream(f"/_lab/projects/{world.access_id}/history", {"Last-Event-ID": "3"})
    assert len(list(lines)) == len(world.history())


def test_a_place_beyond_the_end_starts_again(lab: LabClient, world: LabProject) -> None:
    """A place that no entry has yet comes from another life: the history begins again."""
    reset, first = take(events(lab, world, after=1_000), 2)
    assert (reset["event"], first["id"]) == ("history.reset", "1")


@pytest.fixture
def small() -> Iterator[tuple[LabClient, LabProject]]:
    """A project whose history keeps five entries only."""
    cloud, project = Cloud(), make_project()
    project.history._entries = deque(project.history._entries, maxlen=5)
    cloud.add(project)
    with ThreadedServer(Server(cloud)) as threaded, LabClient(threaded.server.lab, timeout_s=60) as lab:
        yield lab, lab.project(project.access_id)


def test_what_is_gone_is_marked(small: tuple[LabClient, LabProject]) -> None:
    """A history that overflowed says how many entries are gone, in lines and in events, and only to who misses them."""
    lab, project = small
    for _ in range(5):
        add_record(project)
    last = project.show()["history"]
    marker = {"kind": "history.dropped", "seq": last - 5, "dropped": last - 5}
    assert project.history()[0] == marker
    assert [line["seq"] for line in project.history()] == list(range(last - 5, last + 1))
    assert project.history(after=2)[0] == marker | {"dropped": last - 7}
    assert project.history(after=last - 5)[0]["seq"] == last - 4
    event = take(events(lab, project, after=2), 6)[0]
    assert (event["event"], event["id"]) == ("history.dropped", str(last - 5))
    assert json.loads(event["data"]) == marker | {"dropped": last - 7}


def test_it_ends_with_its_project(lab: LabClient, world: LabProject) -> None:
    """A stream ends when its project is deleted, and does not go on with another of the same name."""
    stream = world.follow()
    assert next(stream)["seq"] == 1
    world.delete()
    lab.create_project(access_id=world.access_id, clock="virtual", now_ms=0)
    assert all(line["time"] == NOON for line in stream)


def test_it_ends_with_the_server() -> None:
    """A stream ends when the server stops, and does not keep it from stopping."""
    cloud = Cloud()
    project = cloud.add(make_project())
    with ThreadedServer(Server(cloud)) as threaded:
        lab = LabClient(threaded.server.lab, timeout_s=60)
        stream = lab.project(project.access_id).follow()
        next(stream)
    assert len(list(stream)) < 10
    lab.close()


def test_who_leaves_is_forgotten() -> None:
    """A listener that closes its connection costs nothing more."""
    cloud = Cloud()
    project = cloud.add(make_project())
    with ThreadedServer(Server(cloud)) as threaded, LabClient(threaded.server.lab, timeout_s=60) as lab:
        stream = lab.project(project.access_id).follow()
        next(stream)
        assert len(project.history._listeners) == 1
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        wait_until(lambda: not project.history._listeners, "the listener is forgotten")


class Wire:
    """The server's side of a stream, by hand: what was sent, and a connection that stays until it is closed."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = asyncio.Event()
        self.news = asyncio.Event()

    async def receive(self) -> Any:
        """Nothing comes until the connection closes."""
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Any) -> None:
        """Keep what goes out."""
        self.sent.append(event.get("body", b""))
        self.news.set()

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait until something that was sent makes a fact true."""
        async with asyncio.timeout(20):
            while not fact():
                await self.news.wait()
                self.news.clear()


def test_a_silent_line_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing happens a comment goes out now and then, which clients pass over."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.001)

    async def listen() -> list[bytes]:
        wire, history = Wire(), History(lambda: NOON)
        stream = EventStream(history, 0, 0, lambda: True)
        running = asyncio.create_task(stream.run(wire.receive, wire.send, asyncio.Event()))
        await wire.until(lambda: len(wire.sent) > 2)
        wire.closed.set()
        await running
        return wire.sent

    sent = asyncio.run(listen())
    assert set(sent[1:-1]) == {b": alive\n\n"}


def test_a_long_history_comes_in_batches() -> None:
    """Others get their turn while a long history is sent."""

    async def listen() -> list[bytes]:
        wire, history = Wire(), History(lambda: NOON)
        for _ in range(500):
            history.add(CommandMoved("1", LOT, 1))
        ended = asyncio.Event()
        stream = EventStream(history, 0, 0, lambda: True)
        running = asyncio.create_task(stream.run(wire.receive, wire.send, ended))
        await wire.until(lambda: b"id: 500\n" in b"".join(wire.sent))
        ended.set()
        await running
        return wire.sent

    batches = [body.count(b"event: ") for body in asyncio.run(listen())]
    assert batches == [0, 200, 200, 100, 0]


@pytest.mark.parametrize("fails", [False, True])
def test_a_line_is_told_once_it_is_kept(*, fails: bool) -> None:
    """Not before its commit; and while the store fails the stream ends, so that the client comes again."""

    async def listen() -> list[bytes]:
        wire, history = Wire(), History(lambda: NOON)
        ledger = FakeLedger(StoreError("full") if fails else None)
        stream = EventStream(history, 0, 0, lambda: True, committer_of(ledger))
        commit = ledger.commit

        def told_before() -> None:
            assert b"event: " not in b"".join(wire.sent)
            commit()

        ledger.commit = told_before  # type: ignore[method-assign]  # looks at what was sent before
        history.add(CommandMoved("1", LOT, 1))
        ended = asyncio.Event()
        running = asyncio.create_task(stream.run(wire.receive, wire.send, ended))
        if not fails:
            await wire.until(lambda: b"id: 1\n" in b"".join(wire.sent))
            ended.set()
        await running
        return wire.sent

    assert (b"id: 1\n" in b"".join(asyncio.run(listen()))) is not fails


def test_many_listeners_hear_the_same(lab: LabClient, world: LabProject) -> None:
    """Every listener gets every entry, each at its own pace."""
    heard: list[list[dict[str, str]]] = []

    def listen() -> None:
        with LabClient(lab.url, timeout_s=60) as own:
            heard.append(take(events(own, world), 8))

    threads = [threading.Thread(target=listen) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        add_record(world)
    for thread in threads:
        thread.join(20)
    assert heard == [heard[0]] * 4
