"""Histories that are written entry by entry, for what a rule says at its very bounds: nothing is played for them."""

from collections.abc import Sequence
from typing import Any, Self

from contracts.client.interface import Capability, DumpedRecord
from contracts.play.recording import Act, ActKind, Dump
from contracts.play.scenario import BEGIN, LOT_IDS, MIDNIGHT, Scenario
from contracts.run.run import Run
from mock_server.history.events import (
    CommandMoved,
    CountCompared,
    DeviceChanged,
    Event,
    FaultInjected,
    MessageAcknowledged,
    MessageDelivered,
    MessagePublished,
    RecordKept,
    RecordLost,
    RecordRemoved,
    RequestAnswered,
    RequestReceived,
    Rereported,
    Sent,
    SyncAsked,
)
from mock_server.history.log import Entry
from mock_server.model import HOUR, AskedEntry, Cell, DataType, Origin, PassDirection
from mock_server.profile import Profile
from mock_server.wire.paths import SYNC_PREFIX, SYNC_SUFFIX, TOKEN_PATH
from tests.contracts import support

START = MIDNIGHT + BEGIN
"""When the client of a written history is started, unless it begins later."""

LOT = LOT_IDS[0]
ENTER, LEAVE = PassDirection.ENTER, PassDirection.LEAVE
IN_PROCESS = frozenset(Capability) - {Capability.OWN_PROCESS}
SUBSCRIPTION = "s"


def window(start_ms: int = 0, length_ms: int = HOUR, lot: str = LOT, direction: PassDirection | None = ENTER) -> Cell:
    """A cell whose window starts so long after the start of the client; of bills, if it has no direction."""
    data_type = DataType.BILL if direction is None else DataType.PASS
    return Cell(lot, data_type, direction, START + start_ms, START + start_ms + length_ms)


def says(rule_id: str, run: Run) -> str:
    """What a rule says of a run: "broken", "kept", or "nothing" if it was not exercised."""
    found = support.outcome(rule_id, run)
    return "broken" if found.breaches else "kept" if found.exercised else "nothing"


class Written:
    """A history in the making. Times are ms after the start of the client; every entry is at the time of the last `at`.

    Each method tells what the emulator would have written, and returns the history itself.
    """

    def __init__(self, lots: Sequence[str] = ("tuya",), *, begin_ms: int = 0) -> None:
        self._now = START + begin_ms
        self._entries: list[Entry] = []
        self._acts: list[Act] = []
        self._dumps: list[Dump] = []
        self.message_id = ""
        for device_id, supplier in zip(LOT_IDS, lots, strict=False):
            self.add(DeviceChanged(device_id, "lot", supplier, "lot", online=True))
        self.act(ActKind.START)

    def at(self, ms: int) -> Self:
        """What follows happens so long after the start."""
        self._now = START + ms
        return self

    def add(self, event: Event) -> Self:
        """One entry."""
        self._entries.append(Entry(self.last + 1, self._now, event))
        return self

    @property
    def last(self) -> int:
        """The number of the newest entry."""
        return len(self._entries)

    def after(self, cell: Cell, ms: int) -> Self:
        """What follows happens so long after the end of a cell's window."""
        return self.at(cell.end_time - START + ms)

    def act(self, kind: ActKind, text: str = "", off_ms: int | None = None) -> Self:
        """An act of the harness."""
        self._acts.append(Act(self.last, self._now, kind, text, off_ms))
        return self

    def dump(self, *records: DumpedRecord) -> Self:
        """The client answers a dump."""
        self._dumps.append(Dump(self.last, self._now, records, self.last))
        return self

    def record(
        self,
        name: str = "r1",
        event_ms: int | None = None,
        *,
        lot: str = LOT,
        direction: PassDirection | None = ENTER,
        lost: bool = False,
    ) -> Self:
        """The lot keeps a record, whose message is lost or comes later (`message`)."""
        event_time = self._now if event_ms is None else START + event_ms
        data_type = DataType.BILL if direction is None else DataType.PASS
        kept = RecordKept(lot, name, data_type, direction, event_time, "p", "u", replaced=False, created_time=self._now)
        self.add(kept)
        return self.add(RecordLost(lot, name, data_type, "uplink")) if lost else self

    def removed(self, name: str = "r1", lot: str = LOT) -> Self:
        """The lot deletes a pass."""
        return self.add(RecordRemoved(lot, name, DataType.PASS))

    def message(
        self,
        name: str | None = "r1",
        *,
        lot: str = LOT,
        origin: Origin = "uplink",
        acked: bool = True,
        direction: PassDirection | None = ENTER,
        consumer: str = "c1",
    ) -> Self:
        """A message about a record is published and delivered, and acknowledged at once or not."""
        self.message_id = f"m{self.last}"
        data_type = DataType.BILL if direction is None else DataType.PASS
        self.add(MessagePublished(self.message_id, lot, origin, name, None, data_type))
        self.delivered(self.message_id, consumer=consumer)
        return self.acked(self.message_id) if acked else self

    def delivered(self, message_id: str, redelivery_count: int = 0, consumer: str = "c1") -> Self:
        """A message that was published is delivered, perhaps again."""
        return self.add(MessageDelivered(message_id, "t", SUBSCRIPTION, consumer, redelivery_count))

    def acked(self, message_id: str, consumer: str = "c1") -> Self:
        """It is acknowledged."""
        return self.add(MessageAcknowledged(message_id, "t", SUBSCRIPTION, consumer))

    def call(self, path: str = TOKEN_PATH, code: int | None = None, sent: Sent = "whole", **headers: str) -> Self:
        """A call of the API, and its answer at once."""
        request = self.add(RequestReceived("GET", path, "", headers, "")).last
        return self.add(RequestAnswered(request, code, None, None, sent))

    def sync(
        self,
        *cells: Cell,
        claimed: int = 0,
        counted: int | None = None,
        code: int | None = None,
        sent: Sent | None = "whole",
        faults: Sequence[str] = (),
        ends: int | None = None,
        records: int | None = None,
    ) -> Self:
        """A call of records/sync.

        Each cell is claimed to have `claimed` records. The lot counts as many, or `counted`, and reports `records`
        again where that is not None. A refusal has a `code`; without `sent` the history ends before the answer. A
        command that `ends` in a status has compared nothing.
        """
        lot = cells[0].device_id
        asked = tuple(AskedEntry(cell, claimed) for cell in cells)
        request = self.add(RequestReceived("POST", f"{SYNC_PREFIX}{lot}{SYNC_SUFFIX}", "", {}, "")).last
        self.add(SyncAsked(request, lot, {}, len(asked), asked))
        for fault in faults:
            self.add(FaultInjected(fault, 0, "call", "", request=request))
        sn = None if code else f"sn{request}"
        if sn and ends is None:
            self._compare(sn, cells, claimed, claimed if counted is None else counted, records)
        if sent is not None:
            self.add(RequestAnswered(request, code, None, sn, sent))
        return self if ends is None or sn is None else self.add(CommandMoved(sn, lot, ends))

    def _compare(self, sn: str, cells: Sequence[Cell], claimed: int, counted: int, records: int | None) -> None:
        for cell in cells:
            self.add(CountCompared(sn, cell, claimed, counted, claimed == counted))
            if records is not None:
                self.add(Rereported(sn, cell, claimed, counted, records))

    def run(
        self,
        until_ms: int | None = None,
        *,
        can: frozenset[Capability] = IN_PROCESS,
        profile: Profile | None = None,
        **settings: Any,
    ) -> Run:
        """The run that has this history and ends then, or now. `settings` are those of the scenario."""
        if until_ms is not None:
            self.at(until_ms)
        self.act(ActKind.ENDS)
        return Run(
            Scenario(**settings), tuple(self._entries), profile or Profile(), can, tuple(self._acts), tuple(self._dumps)
        )
