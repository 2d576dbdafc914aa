"""What a history amounts to, for whoever looks at it: lots, cells, commands, the queue's backlog, the latest events.

A digest reads each entry once and keeps sums, so that a look costs the same after ten thousand events as after ten.
It knows nothing but the history.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from mock_server.history.digest_lot import LineKey, LotDigest, WindowSpan, line_of
from mock_server.history.events import (
    CommandMoved,
    ConsumerChanged,
    CountCompared,
    DeviceChanged,
    Event,
    FaultInjected,
    MessageAcknowledged,
    MessageDelivered,
    MessageDiscarded,
    MessageExpired,
    RecordKept,
    RecordRemoved,
    RequestAnswered,
    Rereported,
    SyncAsked,
)
from mock_server.history.index import HistoryIndex
from mock_server.history.log import Entry, History
from mock_server.model import INT64_MAX, MAX_WINDOW_MS, Cell
from mock_server.profile import Profile

FEED = 200
"""How many of the latest events of each kind are kept."""

COMMANDS = 100

GROUPS = {
    "record.kept": "records",
    "record.removed": "records",
    "record.lost": "losses",
    "message.published": "publications",
    "message.delivered": "deliveries",
    "message.acknowledged": "acknowledgements",
    "message.discarded": "losses",
    "message.refused": "acknowledgements",
    "message.expired": "losses",
    "redelivery.requested": "acknowledgements",
    "consumer": "consumers",
    "consumer.refused": "consumers",
    "request": "calls",
    "answer": "calls",
    "count.compared": "syncs",
    "rereport": "re-reports",
    "command": "commands",
    "device": "world",
    "fault": "faults",
    "faults": "faults",
    "clock": "world",
}
"""Under what each kind of event is filtered."""

HIDDEN = (SyncAsked.kind,)
"""Kinds that are in no list of events: the line of the call stands for what it asks."""


class Focus(NamedTuple):
    """What is worth a look: a line of a lot, and a time in the window that is meant."""

    device_id: str
    line: LineKey
    at: int
    span: WindowSpan | None = None


class FeedItem(NamedTuple):
    """An event, and what it is about where the event itself names a message only."""

    entry: Entry
    about: str


@dataclass(slots=True)
class CommandSeen:
    """A command: its device, how far it has come, and what its lot made of each claimed count."""

    sn: str
    device_id: str
    time: int
    status: int = 1
    compared: list[CountCompared] = field(default_factory=list)


_Take: TypeAlias = Callable[[Any, Entry], object]


class Digest:
    """The sums of one history, as far as `read` has come."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._take: dict[type[Any], _Take] = {
            DeviceChanged: self._device,
            RecordKept: self._kept,
            RecordRemoved: self._removed,
            MessageDelivered: self._delivered,
            MessageAcknowledged: self._acknowledged,
            MessageDiscarded: lambda event, _: self._leave_queue(event.message_id),
            MessageExpired: lambda event, _: self._leave_queue(event.message_id),
            ConsumerChanged: self._consumer,
            RequestAnswered: self._answer,
            CountCompared: self._compared,
            Rereported: lambda event, _: self.lot(event.cell.device_id).asked(event.cell).rereport(),
            CommandMoved: self._command,
            FaultInjected: self._fault,
        }
        self.begin(0)

    def begin(self, resets: int) -> None:
        """Know nothing."""
        self.resets, self.last, self.missed, self.now_ms = resets, 0, 0, 0
        self._index = HistoryIndex()
        self.lots: dict[str, LotDigest] = {}
        self.commands: dict[str, CommandSeen] = {}
        self.consumers: dict[str, ConsumerChanged] = {}
        self.delivered = 0
        self.struck: dict[str, int] = {}
        self.focus: Focus | None = None
        self._unsettled: Cell | None = None
        self._feed: dict[str, deque[FeedItem]] = {group: deque(maxlen=FEED) for group in GROUPS.values()}

    def read(self, history: History, most: int, until: int | None = None) -> bool:
        """Read at most so many new entries; up to the number `until`; whether there are more."""
        if history.resets != self.resets or history.last < self.last:
            self.begin(history.resets)
        if history.dropped > self.last:
            self.missed += history.dropped - self.last
            self.last = history.dropped
        end = history.last if until is None else min(until, history.last)
        for entry in list(history.after(self.last, min(most, max(0, end - self.last)))):
            self._read(entry)
        return end > self.last

    def lot(self, device_id: str) -> LotDigest:
        """A lot, made when it is first heard of."""
        return self.lots.setdefault(device_id, LotDigest(self._profile))

    def feed(self, groups: Iterable[str], most: int) -> list[FeedItem]:
        """The latest events of some groups, newest first."""
        items = [item for group in groups for item in islice(reversed(self._feed[group]), most)]
        return sorted(items, key=lambda item: -item.entry.seq)[:most]

    @property
    def devices(self) -> dict[str, DeviceChanged]:
        """Every device as it now is."""
        return self._index.devices

    @property
    def waiting(self) -> int:
        """How many messages have been handed to nobody."""
        return len(self._index.messages) - self.delivered

    def latest_commands(self, most: int) -> Iterator[CommandSeen]:
        """The newest commands, newest first."""
        return islice(reversed(self.commands.values()), most)

    def _read(self, entry: Entry) -> None:
        event = entry.event
        self.last, self.now_ms = entry.seq, max(self.now_ms, entry.time)
        self._index.take((entry,))
        take = self._take.get(type(event))
        if take is not None:
            take(event, entry)
        if event.kind not in HIDDEN:
            self._feed[GROUPS[event.kind]].append(FeedItem(entry, self._about(event)))
        self._index.forget()

    def _about(self, event: Event) -> str:
        """Whose message it is: the record's plate, or what else it has to say."""
        message = self._index.messages.get(getattr(event, "message_id", None) or "")
        if message is None:
            return ""
        record = self._index.record_of(message)
        if record is None:
            return message.event.record_id or "a command's result"
        return f"{record.name} {record.kept.plate_no or 'without a plate'}"

    def _device(self, event: DeviceChanged, _: Entry) -> None:
        self.lot(event.device_id)

    def _kept(self, event: RecordKept, _: Entry) -> None:
        record = self._index.records[event.device_id, event.data_type, event.record_id]
        self.lot(event.device_id).keep(record)
        if self._unsettled is None:
            key = (event.data_type, event.pass_direction)
            self.focus = Focus(event.device_id, key, self._profile.time_of(event))

    def _removed(self, event: RecordRemoved, _: Entry) -> None:
        record = self._index.records.get((event.device_id, event.data_type, event.record_id))
        if record is not None:
            self.lot(event.device_id).remove(record)

    def _delivered(self, event: MessageDelivered, _: Entry) -> None:
        message = self._index.messages.get(event.message_id)
        self.delivered += message is not None and message.delivered == 1

    def _acknowledged(self, event: MessageAcknowledged, _: Entry) -> None:
        message = self._index.messages.get(event.message_id)
        record = message.record if message is not None else None
        if record is not None and record.acknowledged == 1 and not record.is_removed:
            self.lot(record.kept.device_id).acknowledged += 1
        self._leave_queue(event.message_id)

    def _leave_queue(self, message_id: str) -> None:
        message = self._index.messages.get(message_id)
        self.delivered -= message is not None and message.delivered > 0

    def _consumer(self, event: ConsumerChanged, _: Entry) -> None:
        if event.change == "disconnected":
            self.consumers.pop(event.consumer, None)
        else:
            self.consumers[event.consumer] = event

    def _answer(self, event: RequestAnswered, _: Entry) -> None:
        if event.code is None:
            return
        for asked in self._index.asked.get(event.request, ()):
            for cell in (each.cell for each in asked.entries if each.cell is not None and _is_window(each.cell)):
                if cell.device_id in self.devices:  # anybody may name any device
                    self.lot(cell.device_id).asked(cell).refuse(f"{event.code} {event.msg}")

    def _compared(self, event: CountCompared, entry: Entry) -> None:
        self.lot(event.cell.device_id).asked(event.cell).compare(event, entry.time)
        self._look_at(event)
        if event.sn in self.commands:
            self.commands[event.sn].compared.append(event)

    def _look_at(self, event: CountCompared) -> None:
        """A mismatch is looked at until it is settled; agreement about nothing is never looked at."""
        if not event.equal:
            self._unsettled = event.cell
        elif self._unsettled is not None and self._unsettled != event.cell:
            return
        elif event.counted or self._unsettled is not None:
            self._unsettled = None
        else:
            return
        cell = event.cell
        self.focus = Focus(cell.device_id, line_of(cell), cell.start_time, WindowSpan(cell.start_time, cell.end_time))

    def _command(self, event: CommandMoved, entry: Entry) -> None:
        command = self.commands.setdefault(event.sn, CommandSeen(event.sn, event.device_id, entry.time))
        command.status = event.status
        if len(self.commands) > COMMANDS:
            del self.commands[next(iter(self.commands))]

    def _fault(self, event: FaultInjected, _: Entry) -> None:
        self.struck[event.fault] = self.struck.get(event.fault, 0) + 1


def _is_window(cell: Cell) -> bool:
    """Whether a cell has a window that a lot could count: a refused body may name any two integers."""
    start, end = cell.start_time, cell.end_time
    return 0 <= start < end <= min(start + MAX_WINDOW_MS, INT64_MAX)
