"""The transport of one native Pulsar connection: deadlines, keep-alive, and no more in memory than the client reads."""

import asyncio
from collections.abc import Callable
from typing import cast

from mock_server.carriers.native import NativeConnection, NativeConnections, NativeTransport
from mock_server.state.store import StoreError
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.delivery_turn import DeliveryTurn

CONNECT_S = 10
"""Seconds in which a client has to say CONNECT (our choice)."""

KEEP_ALIVE_S = 30
"""Seconds of silence after which the client is pinged, and after as many more is given up (Pulsar's default).

They are the loop's and not a project's: a client does not live on a virtual clock.
"""

CLOSE_S = 5
"""Seconds that a client gets to read what was sent before its connection closed (our choice)."""

MAX_UNREAD = 256 * 1024
"""Bytes that wait for a client that does not read before nothing more is delivered to it, or read from it."""


class PulsarTransport(asyncio.Protocol, NativeTransport):
    """One accepted connection."""

    _transport: asyncio.Transport
    _connection: NativeConnection

    def __init__(self, connections: NativeConnections, committer: Committer | None = None) -> None:
        self._committer = committer or Committer()
        self._loop = asyncio.get_running_loop()
        self._connections = connections
        self._turn = DeliveryTurn(self._go_on)
        self._paused = False
        self._reads = True
        self._unsent: list[bytes] | None = None
        self._heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # of a stream; uvloop's is no subclass of it
        self._transport.set_write_buffer_limits(high=MAX_UNREAD)
        self._connection = self._connections.open(self)
        self._timer = self._loop.call_later(CONNECT_S, self._check_connected)

    def connection_lost(self, _: Exception | None) -> None:
        """The connection is gone."""
        self._timer.cancel()
        self._connection.lost()

    def data_received(self, data: bytes) -> None:
        """The client says something."""
        self._heard_at = self._loop.time()
        self._say_together(lambda: self._connection.feed(data))

    def pause_writing(self) -> None:
        """The client does not read: it is neither sent nor asked anything more."""
        self._paused = True
        self._read_or_pause()

    def resume_writing(self) -> None:
        """The client has read."""
        self._paused = False
        self._go_on()

    def write(self, content: bytes) -> None:
        """Send bytes: at once, or with all else that is said in this turn."""
        if self._unsent is None:
            self._say(content)
        else:
            self._unsent.append(content)

    def close(self) -> None:
        """Close when everything written is read, or after `CLOSE_S`."""
        self._send()
        self._committer.then(lambda _: self._transport.close())
        self._timer.cancel()
        self._timer = self._loop.call_later(CLOSE_S, self._transport.abort)

    def abort(self) -> None:
        """Close now."""
        self._unsent = None
        self._transport.abort()

    def call_soon(self, work: Callable[[], None]) -> None:
        """Call `work` in the loop's next iteration."""
        self._loop.call_soon(work)

    def has_turn(self) -> bool:
        """Whether the client reads, and others do not wait for their turn. What it says takes turns as well."""
        return not self._paused and self._turn.goes_on()

    def _go_on(self) -> None:
        self._say_together(self._connection.go_on)

    def _say_together(self, work: Callable[[], None]) -> None:
        """Let the connection work, and send what it says in one call of the system instead of one a message."""
        self._unsent = []
        try:
            work()
        finally:
            self._send()
        self._read_or_pause()

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, None
        if unsent:
            self._say(b"".join(unsent))

    def _say(self, content: bytes) -> None:
        """Send bytes once what they say is kept. A connection that was told of what is lost would be told wrong."""

        def say(failure: StoreError | None) -> None:
            if failure is None:
                self._transport.write(content)
            else:
                self._connection.abort()

        self._committer.then(say)

    def _read_or_pause(self) -> None:
        """Read nothing from a client that does not read, or has said what waits for its next turn."""
        reads = not (self._paused or self._connection.is_behind)
        if reads != self._reads and not self._transport.is_closing():
            self._reads = reads
            (self._transport.resume_reading if reads else self._transport.pause_reading)()

    def _check_connected(self) -> None:
        if self._connection.project is None:
            self._connection.abort()
        else:
            self._watch()

    def _watch(self) -> None:
        """Ping after a silence, and give the client up after two."""
        silence = self._loop.time() - self._heard_at
        if silence >= 2 * KEEP_ALIVE_S:
            self._connection.abort()
            return
        if silence >= KEEP_ALIVE_S:
            self._connection.ping()
        self._timer = self._loop.call_later(KEEP_ALIVE_S - silence % KEEP_ALIVE_S, self._watch)
