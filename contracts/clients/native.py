"""The reference client over the native port of the message queue."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from contracts.client.interface import Socket, Start
from contracts.client.over_native import PulsarLink, PulsarSocket
from contracts.clients.reference import ReferenceClient
from mock_server.model import JsonObject


class NativeClient(ReferenceClient):
    """The reference client as it is, with a native consumer: each message is acknowledged for itself."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._native: PulsarLink | None = None

    def start(self, start: Start) -> None:
        """Take native consumers for WebSockets."""
        self._native = PulsarLink(start.link, str(start.exports["pulsar"]), lambda: self._machine_ms)
        super().start(replace(start, link=self._native))

    def wakes_at(self) -> int | None:
        """Also when messages are to be asked for again."""
        own = super().wakes_at()
        return own if self._native is None else self._native.wakes_at(own)

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        """Take messages as they come from a native consumer."""
        if not isinstance(socket, PulsarSocket):
            raise TypeError("this is no native consumer")
        self.take_messages(socket, frames)
        self._reconnects = 0

    def take_messages(self, socket: PulsarSocket, frames: Sequence[dict[str, Any]]) -> None:
        """Store durably first, acknowledge then."""
        super().take_frames(socket, frames)


class NativeReferenceClient(NativeClient):
    """It acknowledges cumulatively after each transaction, but never over a message that it has not stored."""

    def take_messages(self, socket: PulsarSocket, frames: Sequence[dict[str, Any]]) -> None:
        """Acknowledge all up to the first message that could not be read at once, and the others singly.

        A refused message comes again later, and is older than what follows it: until it has come, an acknowledgement
        up to a later one would cover it.
        """
        with self._store.transaction():
            readable = [self.take(frame) for frame in frames]
        done = len([*takewhile(bool, readable)])
        self.acknowledge_up_to(socket, [frame["messageId"] for frame in frames[:done]])
        for frame, is_done in zip(frames[done:], readable[done:], strict=True):
            self.answer_frame(socket, frame, is_done=is_done)

    def acknowledge_up_to(self, socket: PulsarSocket, message_ids: Sequence[str]) -> None:
        """Acknowledge messages that are stored: of each partition all at once, where nothing older is missing."""
        last = {socket.partition_of(each): each for each in message_ids}
        for message_id in message_ids:
            if not socket.may_acknowledge_up_to(message_id):
                socket.acknowledge(message_id)
            elif message_id in last.values():
                socket.acknowledge_up_to(message_id)
