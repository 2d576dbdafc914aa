import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mock_server.carriers.native import NativeConnections
from mock_server.project import Project
from mock_server.web.pulsar import transport
from mock_server.web.pulsar.transport import PulsarTransport
from mock_server.wire.pulsar_commands import (
    CommandFlow,
    CommandPing,
    CommandRedeliverUnacknowledgedMessages,
    CommandSubscribe,
    SubType,
)
from mock_server.wire.pulsar_frames import FrameReader, command_frame
from tests.native_client import connect_command, native_connections
from tests.support import keep_passes, make_project


class FakeStream(asyncio.Transport):
    """asyncio's side of a connection: keeps what is written, and notes calls."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.calls: list[str] = []

    def write(self, data: Any) -> None:
        """Keep bytes."""
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take any."""

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return bool({"close", "abort"} & set(self.calls))

    def pause_reading(self) -> None:
        """Note it."""
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        """Note it."""
        self.calls.append("resume_reading")

    def close(self) -> None:
        """Note it."""
        self.calls.append("close")

    def abort(self) -> None:
        """Note it."""
        self.calls.append("abort")


def accepted(connections: NativeConnections) -> tuple[PulsarTransport, FakeStream]:
    """A connection on the running loop."""
    protocol, stream = PulsarTransport(connections), FakeStream()
    protocol.connection_made(stream)
    return protocol, stream


def subscribed(project: Project) -> tuple[PulsarTransport, FakeStream]:
    """A connection with a consumer and 1000 permits."""
    protocol, stream = accepted(native_connections(project))
    topic, name = f"persistent://{project.access_id}/out/event", f"{project.access_id}-sub"
    for command in (
        connect_command(project),
        CommandSubscribe(topic, name, SubType.FAILOVER, 0, 1),
        CommandFlow(0, 1000),
    ):
        protocol.data_received(command_frame(command))
    stream.written.clear()
    return protocol, stream


def frames(stream: FakeStream) -> int:
    """How many frames were written."""
    reader = FrameReader()
    reader.feed(b"".join(stream.written))
    return len(list(iter(reader.next_frame, None)))


def on_a_loop(work: Callable[[], None]) -> None:
    """Run work on a loop."""

    async def run() -> None:
        work()

    asyncio.run(run())


def test_a_client_that_does_not_read_is_sent_and_asked_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it has read: then it gets the rest."""
    monkeypatch.setattr("mock_server.web.serving.delivery_turn.TURN_S", 1_000)

    def work() -> None:
        project = make_project()
        protocol, stream = subscribed(project)
        protocol.pause_writing()
        keep_passes(project, 1, 2)
        assert (stream.written, stream.calls) == ([], ["pause_reading"])
        protocol.resume_writing()
        assert (frames(stream), stream.calls[-1]) == (2, "resume_reading")

    on_a_loop(work)


def test_deliveries_take_turns_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that ends at once delivers one message in each iteration of the loop."""
    monkeypatch.setattr("mock_server.web.serving.delivery_turn.TURN_S", -1)

    async def run() -> None:
        project = make_project()
        protocol, stream = subscribed(project)
        await asyncio.sleep(0)
        keep_passes(project, 1, 2, 3)
        counts = []
        for _ in range(3):
            counts.append(len(stream.written))
            await asyncio.sleep(0)
        assert counts == [1, 2, 3]
        protocol.connection_lost(None)

    asyncio.run(run())


def test_what_a_client_says_takes_turns_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that ends at once obeys two commands in each iteration of the loop, and none is read until all are."""
    monkeypatch.setattr("mock_server.web.serving.delivery_turn.TURN_S", -1)

    async def run() -> None:
        protocol, stream = subscribed(make_project())
        await asyncio.sleep(0)
        stream.calls.clear()
        protocol.data_received(command_frame(CommandPing()) * 5)
        counts = []
        for _ in range(4):
            counts.append(frames(stream))
            await asyncio.sleep(0)
        assert (counts, stream.calls) == ([2, 4, 5, 5], ["pause_reading", "resume_reading"])
        protocol.connection_lost(None)

    asyncio.run(run())


def test_what_is_said_in_one_turn_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and messages; what closes the connection comes behind them."""
    monkeypatch.setattr("mock_server.web.serving.delivery_turn.TURN_S", 1_000)

    def work() -> None:
        project = make_project()
        protocol, stream = subscribed(project)
        protocol.data_received(command_frame(CommandFlow(0, 0)))
        assert stream.written == []
        keep_passes(project, 1, 2)
        assert len(stream.written) == frames(stream) == 2
        stream.written.clear()
        again = command_frame(CommandRedeliverUnacknowledgedMessages(0))
        protocol.data_received(command_frame(CommandPing()) * 2 + again + b"\xff" * 8)
        assert (len(stream.written), frames(stream), stream.calls) == (1, 4, ["close"])

    on_a_loop(work)


def test_a_client_that_never_reads_its_refusal_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which is none here."""
    monkeypatch.setattr(transport, "CLOSE_S", 0)

    async def run() -> None:
        protocol, stream = accepted(native_connections(make_project()))
        protocol.data_received(b"\xff" * 8)
        assert stream.calls == ["close"]
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert stream.calls == ["close", "abort"]
        protocol.connection_lost(None)

    asyncio.run(run())


def test_a_lost_connection_leaves_nothing_behind() -> None:
    """No connection, no consumer, no timer that acts."""

    def work() -> None:
        project = make_project()
        connections = native_connections(project)
        protocol, _ = accepted(connections)
        protocol.connection_lost(OSError())
        assert connections.count == 0
        protocol, _ = subscribed(project)
        protocol.connection_lost(None)
        assert project.queue.main.consumers == []

    on_a_loop(work)
