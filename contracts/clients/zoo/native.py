"""Clients with a defect that official loops over the native port have, or that libraries of it invite to.

Those that acknowledge cumulatively run over that port only.
"""

from collections.abc import Sequence
from typing import Any

from contracts.client.over_native import PulsarSocket
from contracts.clients.messages import UnreadableError
from contracts.clients.native import NativeClient
from contracts.clients.reference import HORIZON_MS, ReferenceClient
from contracts.clients.zoo.receiving import KeylessStore
from contracts.clients.zoo.registry import breaks
from mock_server.model import JsonObject


@breaks("REC-ASK-AGAIN")
class LogsAndGoesOn(NativeClient):
    """Logs what it cannot read and goes on, and its next cumulative acknowledgement covers that too."""

    def take_messages(self, socket: PulsarSocket, frames: Sequence[dict[str, Any]]) -> None:
        with self._store.transaction():
            done = [frame["messageId"] for frame in frames if self.take(frame)]
        if done:
            socket.acknowledge_up_to(done[-1])


@breaks("REC-PERSIST-ACK")
class AcksUpToTheFirstDone(NativeClient):
    """Has two workers, and acknowledges up to the newest message when that is stored and older ones are not yet."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._in_work: list[dict[str, Any]] = []

    def take_messages(self, socket: PulsarSocket, frames: Sequence[dict[str, Any]]) -> None:
        with self._store.transaction():
            is_done = self.take(frames[-1])
        self._in_work += frames[:-1]
        if is_done:
            socket.acknowledge_up_to(frames[-1]["messageId"])

    def plan(self) -> None:
        with self._store.transaction():
            for frame in self._in_work:
                self.take(frame)
        self._in_work.clear()
        super().plan()


@breaks("REC-UPSERT")
class DedupesByRedeliveryCount(ReferenceClient):
    """Takes a message for a new one unless the queue says that it has been delivered before."""

    store_kind = KeylessStore

    def take(self, frame: dict[str, Any]) -> bool:
        return bool(frame["redeliveryCount"]) or super().take(frame)


@breaks("REC-RECONNECT")
class GivesUpWhenRefused(ReferenceClient):
    """Opens a lost connection again, but not once it has been refused."""

    def connect(self) -> None:
        super().connect()
        if self._socket is None:
            self._reconnect_at = self.now_ms() + HORIZON_MS


@breaks("REC-NACK")
class EndsAtAnyError(ReferenceClient):
    """Handles no error in its loop: the first message that cannot be read ends the process."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().read(frame)
        except UnreadableError as error:
            raise RuntimeError(str(error)) from None
