"""A project's history as server-sent events: the present entries, then new ones, until either side closes it.

An event's id is the number of its entry, after a reset with the count of resets (`17.1`). A client that reconnects
with the id of an earlier history gets `history.reset` and the new history from its beginning.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mock_server.history.log import Entry, History
from mock_server.model import JsonObject
from mock_server.state.store import StoreError
from mock_server.web.lab.history_lines import dropped_marker, entry_line
from mock_server.web.serving.committer import Committer

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable

BATCH = 200
"""The most events that are sent before other requests are served."""

HEARTBEAT_S = 15.0
"""Seconds without an event after which a comment is sent, so that neither side takes the connection for dead."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """The stream of one client. It ends once `alive` returns False: its project is removed.

    It tells nothing that is not kept, and ends while the store fails: the client comes again by itself.
    """

    def __init__(
        self, history: History, after: int, resets: int, alive: Callable[[], bool], committer: Committer | None = None
    ) -> None:
        self._committer = committer or Committer()
        self._history = history
        self._last = after
        self._resets = resets
        self._alive = alive
        self._changed = asyncio.Event()

    async def run(self, receive: "ASGIReceiveCallable", send: "ASGISendCallable", ended: asyncio.Event) -> None:
        """Send events until the client disconnects, the project is removed or `ended` is set."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": False})
        stop = self._history.listen(self._changed.set)
        leaving = asyncio.create_task(_disconnected(receive))
        ending = asyncio.create_task(ended.wait())
        try:
            with suppress(StoreError):
                while self._alive() and not (leaving.done() or ended.is_set()):
                    await self._send_new(send)
                    await self._wait(send, leaving, ending)
        finally:
            stop()
            leaving.cancel()
            ending.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_new(self, send: "ASGISendCallable") -> None:
        """Send the new entries, in batches, each once it is kept. StoreError if it cannot be.

        What comes after another server has the project is not kept.
        """
        while self._alive():
            self._changed.clear()
            text = self._take()
            if not text:
                return
            await self._committer.settled()
            if not self._alive():
                return
            await send({"type": "http.response.body", "body": text, "more_body": True})
            await asyncio.sleep(0)

    def _take(self) -> bytes:
        """The text of the next batch of entries, with markers of a reset and of dropped ones; empty without any."""
        history = self._history
        text = b""
        if self._resets != history.resets or self._last > history.last:
            self._resets, self._last = history.resets, 0
            text = self._marker(0, {"kind": "history.reset", "seq": 0})
        if self._last < history.dropped:
            marker = dropped_marker(history, self._last)
            self._last = history.dropped
            text += self._marker(self._last, marker)
        entries = list(history.after(self._last, BATCH))
        if entries:
            self._last = entries[-1].seq
        return text + b"".join(map(self._event, entries))

    def _event(self, entry: Entry) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n" % (self._id(entry.seq), entry.event.kind.encode(), entry_line(entry))

    def _marker(self, seq: int, marker: JsonObject) -> bytes:
        kind = str(marker["kind"]).encode()
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (self._id(seq), kind, json.dumps(marker).encode())

    def _id(self, seq: int) -> bytes:
        return b"%d.%d" % (seq, self._resets) if self._resets else b"%d" % seq

    async def _wait(self, send: "ASGISendCallable", *others: "asyncio.Task[object]") -> None:
        """Wait until the history changes or one of `others` is done. Send a comment at the heartbeat."""
        changed = asyncio.create_task(self._changed.wait())
        try:
            done, _ = await asyncio.wait((changed, *others), timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if not done:
            await send({"type": "http.response.body", "body": b": alive\n\n", "more_body": True})


async def _disconnected(receive: "ASGIReceiveCallable") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
