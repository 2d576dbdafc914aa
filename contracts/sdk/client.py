"""The reference client with a loop of the vendor's in place of its own: receiving is the loop's, all else is ours."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from sqlite3 import OperationalError
from typing import Any, TypeAlias

from contracts.client.interface import ClockKind, Start
from contracts.clients.messages import UnreadableError, read_report
from contracts.clients.record_store import Stored
from contracts.clients.reference import ReferenceClient
from contracts.sdk.loop import Handed, Loop
from mock_server.model import JsonObject

READY_S = 10.0
"""How long a loop may take to connect, in seconds of its own time, before the client goes on without it."""

SILENCE_S = 0.1
"""When a loop that was delivered something has nothing more to hand on: it was idle for so long (its own time).

A client cannot know what is on its way to the loop. All loops hand a message on as soon as they have read it.
"""

StartLoop: TypeAlias = Callable[[JsonObject], Loop]
"""Starts a loop with its settings."""


class LoopClient(ReferenceClient):
    """A loop hands messages on in its own time; they are taken when the judge has told at which time they came.

    Each is stored in a transaction of its own before the handler of the loop returns. The handler fails if the message
    cannot be read, as often as the reference client would ask for it again; then it is set aside. With `is_busy` the
    store cannot be written when the first record of all comes, and the handler fails at that too.
    """

    clock: ClockKind = "real"
    instances = 1

    def __init__(self, start_loop: StartLoop, exports: JsonObject | None = None, *, is_busy: bool = False) -> None:
        super().__init__(exports)
        self._start_loop = start_loop
        self._is_busy = is_busy

    def start(self, start: Start) -> None:
        """Start as the reference client does. The file `busy` says that the store was busy once."""
        self._was_busy = start.folder / "busy"
        super().start(start)

    def connect(self) -> None:
        """Start the loop, and wait until it is connected."""
        named = ("ws", "pulsar", "access_id", "access_secret")
        self._loop = self._start_loop({name: self._exports[name] for name in named})
        self._loop.await_ready(READY_S)

    def receive(self) -> None:
        """Take what the loop has handed on by now."""
        for handed in self._loop.handed():
            self.take_handed(handed)

    def quiet(self) -> None:
        """Take messages until the loop has nothing more to hand on."""
        while found := self._loop.handed(SILENCE_S):
            for handed in found:
                self.take_handed(handed)

    def take_handed(self, handed: Handed) -> None:
        """Store what a message says, durably, and let the loop's handler return."""
        is_done = False
        with suppress(OperationalError), self._store.transaction():
            is_done = self.take({"messageId": _name(handed.message), **handed.message})
        self._loop.answer(handed, ok=is_done)

    def take_record(self, record: Stored) -> None:
        """Store a record. OperationalError, which SQLite raises for it, if the store is busy."""
        if self._is_busy and not self._was_busy.exists():
            self._was_busy.touch()
            raise OperationalError("database is locked")
        super().take_record(record)

    def read(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The report of a message, which some loops have decrypted already. UnreadableError for none."""
        if "text" not in frame:
            return read_report(frame, self._exports["access_secret"])
        try:
            report = json.loads(frame["text"])
        except ValueError as error:
            raise UnreadableError(repr(error)) from None
        if not isinstance(report, dict):
            raise UnreadableError("the report is no object")
        return report

    def has_lost_connection(self) -> bool:
        """Never: the loop reconnects by itself."""
        return False

    def stop(self) -> None:
        """End the loop and close the file."""
        self._loop.close()
        super().stop()


def _name(message: Mapping[str, Any]) -> str:
    """What tells a message from others whose id the loop does not tell."""
    return hashlib.sha256(json.dumps(message).encode()).hexdigest()
