"""The way of a record from the lot to the queue, and the one place where publications are made."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Literal, TypeAlias

from mock_server.clock import Clock
from mock_server.history import History, MessagePublished, RecordLost
from mock_server.model import CommandResult, Message, Origin, Record
from mock_server.queue import Queue, pulsar_message_id

Fate: TypeAlias = Literal["deliver", "lose", "duplicate"] | int
"""What happens to a record's message on its way; a number delays it by that many milliseconds."""

STEP = 500
"""How many messages of a long re-report are published before others get their turn."""


class Uplink:
    """Publishes records and command results. Message ids are ledger and entry; a reset opens a new ledger."""

    def __init__(self, clock: Clock, queue: Queue, history: History, random: Random, ledger: int = 1) -> None:
        self._clock = clock
        self._queue = queue
        self._history = history
        self._random = random
        self._ledger = ledger
        self._entry = 0

    def send(self, record: Record, fate: Fate) -> None:
        """Send a record that has just happened."""
        if fate == "lose":
            self._history.add(RecordLost(record.device_id, record.record_id, record.data_type, "uplink"))
        elif isinstance(fate, int):
            self._clock.call_at(self._clock.now_ms() + fate, partial(self._publish, record, "uplink"))
        else:
            for _ in range(2 if fate == "duplicate" else 1):
                self._publish(record, "uplink")

    def report(self, result: CommandResult) -> None:
        """Send a command's result."""
        self._publish(result, "command")

    def resend(self, records: Sequence[Record], spread_ms: int) -> tuple[str, ...]:
        """Publish records again, at once or evenly over `spread_ms`; return the message ids that they will have."""
        message_ids = tuple(self._next_message_id() for _ in records)
        if spread_ms:
            self._resend_spread(records, message_ids, spread_ms)
        else:
            self._resend_from(records, message_ids, 0)
        return message_ids

    def _resend_spread(self, records: Sequence[Record], message_ids: Sequence[str], spread_ms: int) -> None:
        now = self._clock.now_ms()
        for place, (record, message_id) in enumerate(zip(records, message_ids, strict=True)):
            at_ms = now + place * spread_ms // len(records)
            self._clock.call_at(at_ms, partial(self._publish, record, "rereport", message_id))

    def _resend_from(self, records: Sequence[Record], message_ids: Sequence[str], start: int) -> None:
        """Publish one step; the next follows at the same time, after others have had their turn."""
        end = start + STEP
        for record, message_id in zip(records[start:end], message_ids[start:end], strict=True):
            self._publish(record, "rereport", message_id)
        if end < len(records):
            self._clock.call_at(self._clock.now_ms(), partial(self._resend_from, records, message_ids, end))

    def _publish(self, subject: Record | CommandResult, origin: Origin, message_id: str | None = None) -> None:
        message = Message(
            message_id=message_id or self._next_message_id(),
            data_id=f"assist_{self._random.getrandbits(64):016x}",
            publish_time=self._clock.now_ms(),
            subject=subject,
            origin=origin,
        )
        record_id, sn = (subject.record_id, None) if isinstance(subject, Record) else (None, subject.sn)
        self._history.add(MessagePublished(message.message_id, subject.device_id, origin, record_id, sn))
        self._queue.publish(message)

    def _next_message_id(self) -> str:
        self._entry += 1
        return pulsar_message_id(self._ledger, self._entry)
