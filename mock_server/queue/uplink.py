"""The uplink: carries records from the lots to the queue, and makes every message of a project."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import ClassVar

from mock_server.clock import Clock
from mock_server.faults.catalogue import REPEAT, REREPORT, UPLINK, FaultKind
from mock_server.faults.faults import Faults, Occasion, Publication, Strike, publication
from mock_server.history.events import MessagePublished, RecordLost
from mock_server.history.log import History
from mock_server.model import Cell, CommandResult, Fate, Message, Origin, Record, RecordKey, UnknownEvent
from mock_server.queue.queue import Queue
from mock_server.state.later import Later
from mock_server.state.rows import Table
from mock_server.wire.message_id import message_id_text

STEP = 500
"""The most messages of re-reports that are published without a break.

One command may ask for all records of many windows, and publishing is done on the event loop, which answers nothing
else meanwhile. Publishing and delivering a message takes some 0.2 ms (measured, with encryption), so a step is a pause
of some 0.1 s (our choice).
"""

SWAP_WAIT_MS = 1_000
"""Milliseconds after which a message that is to change places with the next one is published anyway (our choice)."""


@dataclass(frozen=True, slots=True)
class PublicationDue:
    """A delayed message of a record is published. Without an id it is given one then."""

    what: ClassVar[str] = "delayed message"
    record: Record
    origin: Origin
    message_id: str | None


@dataclass(frozen=True, slots=True)
class ReleaseDue:
    """A held message, which has waited for the next one to change places with, is published anyway."""

    what: ClassVar[str] = "delayed message"


@dataclass(frozen=True, slots=True)
class RepeatDue:
    """A record of a re-report is published: at its time if that is spread, or with the next step."""

    what: ClassVar[str] = "re-reported record"
    record: Record
    message_id: str


@dataclass(frozen=True, slots=True)
class RepeatStepDue:
    """The next step of re-reports is published."""

    what: ClassVar[str] = "re-report"


class Uplink:
    """Publishes records and command results, with the faults that strike on the way.

    A ledger is part of every message id and data id. A reset opens a new one, so that no id is used twice.
    """

    def __init__(
        self,
        clock: Clock,
        queue: Queue,
        history: History,
        random: Random,
        faults: Faults,
        later: Later,
    ) -> None:
        self._clock = clock
        self._queue = queue
        self._history = history
        self._random = random
        self._faults = faults
        self._later = later
        journal = later.journal
        self._ledger, self._entry = journal.number("ledger"), journal.number("entry")
        self._repeated, self._is_repeating = journal.number("repeated"), journal.number("is repeating")
        self._held: Table[int, Record] = journal.table("held", sorted_by_key=True)
        self._repeats: Table[int, RepeatDue] = journal.table("repeats", sorted_by_key=True)
        later.on(PublicationDue, lambda due: self._publish(due.record, due.origin, due.message_id))
        later.on(ReleaseDue, lambda _: self._release())
        later.on(RepeatDue, self._resend_one)
        later.on(RepeatStepDue, lambda _: self._repeat_step())

    def open_ledger(self) -> None:
        """Begin with the next ledger."""
        self._ledger.value += 1
        self._entry.value = 0

    def send(self, record: Record, fate: Fate = None) -> None:
        """Send a new record up. With a fate it is fixed what happens to its message, and no fault strikes."""
        if fate is not None:
            self._carry(record, _publication_of(fate), "uplink", cause="uplink")
            return
        strikes = self._faults.strike(record_occasion(UPLINK, record))
        if any(strike.kind == FaultKind.MESSAGE_UNKNOWN_EVENT for strike in strikes):
            self._publish(UnknownEvent(record.device_id), "uplink")
        self._carry(record, publication(strikes), "uplink", cause=_kinds(strikes))

    def report(self, result: CommandResult) -> None:
        """Publish a command's result."""
        self._publish(result, "command")

    def resend(self, cell: Cell, records: list[Record], spread_ms: int) -> tuple[list[Record], tuple[str, ...]]:
        """Plan a re-report: evenly over `spread_ms` milliseconds, or with the next `repeat` if that is 0.

        Faults may shuffle or spread it. Returns the records and their message ids in the order of publication.
        """
        operation = f"rereport {cell.device_id} {cell.start_time} {cell.end_time}"
        for strike in self._faults.strike(Occasion(REREPORT, operation, cell.device_id, cell.data_type)):
            if strike.kind == FaultKind.REREPORT_SHUFFLE:
                self._random.shuffle(records)
            elif strike.kind == FaultKind.REREPORT_SPREAD:
                spread_ms = max(spread_ms, strike.value)
        message_ids = tuple(self._next_message_id() for _ in records)
        if spread_ms:
            self._resend_spread(records, message_ids, spread_ms)
        else:
            for record, message_id in zip(records, message_ids, strict=True):
                self._repeated.value += 1
                self._repeats.put(self._repeated.value, RepeatDue(record, message_id))
        return records, message_ids

    def repeat(self) -> None:
        """Publish the re-reports that `resend` has planned: the first `STEP` messages now, the others by timers.

        One call for all re-reports of a command, so that `STEP` bounds them together. The first step is part of the
        call: a re-report of usual size is on the queue when the command is answered, without waiting for a timer.
        """
        # While steps of an earlier call are due, the new messages are behind theirs: one more chain of timers would
        # publish two steps a turn.
        if not self._is_repeating.value:
            self._repeat_step()

    def _resend_spread(self, records: Sequence[Record], message_ids: Sequence[str], spread_ms: int) -> None:
        now = self._clock.now_ms()
        for place, (record, message_id) in enumerate(zip(records, message_ids, strict=True)):
            at_ms = now + place * spread_ms // len(records)
            self._later.at(at_ms, RepeatDue(record, message_id))

    def _repeat_step(self) -> None:
        """Publish one step. A timer at the same clock time runs the next, after what else is due or requested."""
        for number in list(islice(self._repeats, STEP)):
            self._resend_one(self._repeats.drop(number))
        self._is_repeating.value = int(bool(self._repeats))
        if self._repeats:
            self._later.at(self._clock.now_ms(), RepeatStepDue())

    def _resend_one(self, due: RepeatDue) -> None:
        record, message_id = due.record, due.message_id
        strikes = self._faults.strike(record_occasion(REPEAT, record, message_id))
        self._carry(record, publication(strikes), "rereport", cause=_kinds(strikes), message_id=message_id)

    def _carry(
        self, record: Record, plan: Publication, origin: Origin, *, cause: str, message_id: str | None = None
    ) -> None:
        """Publish, copy, delay, hold or lose one message as planned. The first copy has `message_id`, if given."""
        if not plan.copies:
            self._history.add(RecordLost(record.device_id, record.record_id, record.data_type, cause))
        for copy in range(plan.copies):
            own_id = None if copy else message_id
            if plan.delay_ms:
                self._delay(record, origin, plan.delay_ms, own_id)
            elif plan.swap:
                self._hold(record)
            else:
                self._publish(record, origin, own_id)

    def remaining_ms(self) -> dict[RecordKey, int]:
        """The milliseconds until the delayed or held message of a record is published, by the key of the record."""
        now_ms = self._clock.now_ms()
        waiting: dict[RecordKey, int] = {}
        for number, due in self._later.rows().items():
            record = due.happening.record if isinstance(due.happening, PublicationDue) else self._held.get(number)
            if record is not None:
                waiting[record.key] = max(0, due.at_ms - now_ms)
        return waiting

    def _delay(self, record: Record, origin: Origin, delay_ms: int, message_id: str | None) -> None:
        self._later.at(self._clock.now_ms() + delay_ms, PublicationDue(record, origin, message_id))

    def _hold(self, record: Record) -> None:
        """Hold a message until the next record of the uplink is published, `SWAP_WAIT_MS` at most."""
        number = self._later.at(self._clock.now_ms() + SWAP_WAIT_MS, ReleaseDue())
        self._held.put(number, record)

    def _release(self) -> None:
        for number, record in [(number, self._held.drop(number)) for number in list(self._held)]:
            self._later.cancel(number)
            self._publish(record, "uplink")

    def _publish(
        self, subject: Record | CommandResult | UnknownEvent, origin: Origin, message_id: str | None = None
    ) -> None:
        message = Message(
            message_id=message_id or self._next_message_id(),
            data_id=f"assist_{self._ledger.value + 1:04x}{self._random.getrandbits(48):012x}",
            publish_time=self._clock.now_ms(),
            subject=subject,
            origin=origin,
        )
        record_id, data_type = (
            (subject.record_id, int(subject.data_type)) if isinstance(subject, Record) else (None, None)
        )
        sn = subject.sn if isinstance(subject, CommandResult) else None
        partition = self._queue.partition_of(subject.device_id)
        event = MessagePublished(message.message_id, subject.device_id, origin, record_id, sn, data_type, partition)
        self._history.add(event)
        self._queue.publish(message)
        if self._held and isinstance(subject, Record) and origin == "uplink":
            self._release()

    def _next_message_id(self) -> str:
        self._entry.value += 1
        return message_id_text(self._ledger.value + 1, self._entry.value)


def record_occasion(site: str, record: Record, message_id: str | None = None, consumer: str | None = None) -> Occasion:
    """The occasion for faults at one site of a record's way. Its logical operation: get this record to its client."""
    return Occasion(
        site,
        operation=f"record {record.device_id} {int(record.data_type)} {record.record_id}",
        device_id=record.device_id,
        data_type=record.data_type,
        record_id=record.record_id,
        message_id=message_id,
        consumer=consumer,
    )


def _publication_of(fate: Fate) -> Publication:
    if isinstance(fate, int):
        return Publication(delay_ms=fate)
    return Publication(copies={"lose": 0, "duplicate": 2}.get(fate or "", 1))


def _kinds(strikes: Sequence[Strike]) -> str:
    return ", ".join(strike.kind for strike in strikes)
