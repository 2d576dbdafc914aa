"""A run as rules read it: an index of its history, and what the client showed of itself.

Rules read a `Run` and nothing else. `seq` is always the number of an entry of the history, so that every breach can be
found there.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, NamedTuple, Self, TypeVar

from contracts.client.interface import Capability, MakeClient
from contracts.play.recording import Act, ActKind, DecoyFinding, Finding, FindingKind, Recording
from contracts.play.scenario import LOT_IDS, Scenario
from contracts.play.session import play
from contracts.play.supervision import MOST_RESTARTS
from contracts.run.known_faults import KNOWN_FAULTS
from contracts.run.syncs import Claim, Sync, sync_of
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, DeviceChanged, FaultInjected, RecordKept, Rereported
from mock_server.history.index import Call, Delivery, HistoryIndex, LotRecord, line_of
from mock_server.history.log import Entry
from mock_server.model import JIESHUN, MINUTE, SECOND, Cell, DeviceKind, Line, RecordKey
from mock_server.wire.paths import TOKEN_PATH

T = TypeVar("T")


class _OnceKept(NamedTuple):
    """A record that was never corrected: by which times it may count, and when the client was told and handed it."""

    times: set[int]
    told_seq: float
    handed_seq: float


@dataclass(frozen=True)
class Run(Recording):
    """A recording with an index of its history. A run that is `unimplemented` shows nothing."""

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """The run of a recording."""
        return cls(**recording.__getstate__())

    @cached_property
    def _index(self) -> HistoryIndex:
        return HistoryIndex(self.entries)

    @cached_property
    def _done(self) -> dict[Any, Any]:
        return {}

    def once(self, work: Callable[[Self], T]) -> T:
        """The result of `work` on this run, computed once and cached by the function."""
        if work not in self._done:
            self._done[work] = work(self)
        result: T = self._done[work]
        return result

    @property
    def records(self) -> dict[RecordKey, LotRecord]:
        """Every record that a lot has had, by key."""
        return self._index.records

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery of every message."""
        return self._index.deliveries

    @cached_property
    def calls(self) -> list[Call]:
        """Every request."""
        return [*self._index.calls.values()]

    @cached_property
    def syncs(self) -> list[Sync]:
        """Every call of records/sync."""
        asked = self._index.asked
        return [sync_of(call, asked[call.seq], self.faults_of(call)) for call in self.calls if call.seq in asked]

    def faults_of(self, call: Call) -> tuple[str, ...]:
        """The faults that struck a call."""
        return self._index.faults_by_call.get(call.seq, ())

    @cached_property
    def token_calls(self) -> list[Call]:
        """Every call for a token."""
        return [call for call in self.calls if call.request.path.startswith(TOKEN_PATH)]

    @cached_property
    def claims(self) -> list[Claim]:
        """Every claimed count that is a whole number of a proper cell, in order."""
        return [claim for sync in self.syncs for claim in self._claims_of(sync)]

    def _claims_of(self, sync: Sync) -> Iterator[Claim]:
        compared = self._index.compared.get(sync.call.answer.sn or "", []) if sync.call.answer else []
        for place, entry in enumerate(sync.entries):
            if entry.cell is not None and type(entry.claimed) is int:
                counted = compared[place][1].counted if place < len(compared) else None
                yield Claim(sync, entry.cell, entry.claimed, counted)

    @cached_property
    def claims_of(self) -> dict[Cell, list[Claim]]:
        """The claims of each cell, in order."""
        found: dict[Cell, list[Claim]] = defaultdict(list)
        for claim in self.claims:
            found[claim.cell].append(claim)
        return dict(found)

    @property
    def devices(self) -> dict[str, DeviceChanged]:
        """The last state of every device, by id."""
        return self._index.devices

    @property
    def rereports(self) -> list[tuple[Entry, Rereported]]:
        """Every decision to report a cell again."""
        return self._index.rereports

    @property
    def faults(self) -> list[tuple[Entry, FaultInjected]]:
        """Every fault that struck."""
        return self._index.faults

    @cached_property
    def unknown_faults(self) -> set[str]:
        """The kinds of faults that struck and that rules do not allow for: with any the run cannot be judged."""
        return {event.fault for _, event in self.faults} - KNOWN_FAULTS

    @property
    def consumers(self) -> list[tuple[Entry, ConsumerChanged]]:
        """Every change of a consumer: connected, active or disconnected."""
        return self._index.consumers

    @property
    def ended_at(self) -> int:
        """The time of the last entry or act."""
        return max([0, *(each[-1].time for each in (self.entries, self.acts) if each)])

    @property
    def calm_at(self) -> int | None:
        """When the scenario was over and the client got time to converge; None if it never did."""
        return next((act.time for act in self.acts if act.kind is ActKind.CALM), None)

    @property
    def deaths(self) -> list[Act]:
        """The failures of the client by itself, but for those at its `stop`: then it has done all it was asked for."""
        return [act for act in self.acts_of(ActKind.DIED) if not act.text.startswith(f"in {Capability.STOP}:")]

    @property
    def is_lifeless(self) -> bool:
        """Whether there was nothing to judge: the client failed at every start, or before it had called at all.

        Or it implements nothing that could drive it. One that calls and dies then is judged by its calls.
        """
        has_started = not all(act.text.startswith(f"in {Capability.START}:") for act in self.deaths)
        is_given_up = len(self.deaths) > MOST_RESTARTS and (self.is_silent or not has_started)
        return self.unimplemented or is_given_up

    @property
    def is_silent(self) -> bool:
        """Whether the client never called and never connected, to the cloud or to a decoy before it."""
        is_seen = self.calls or self.consumers or self.findings_of(*DecoyFinding)
        return not is_seen and not self.unimplemented

    @property
    def shows_pauses(self) -> bool:
        """Whether the client's pauses go by the clock of its world, so that rules can judge how long they are."""
        return Capability.PAUSES in self.can

    @property
    def has_replicas(self) -> bool:
        """Whether several instances of the client ran side by side: what they claim together is no claim of one."""
        return self.scenario.instances > 1 and Capability.INSTANCES in self.can

    def acts_of(self, *kinds: ActKind) -> list[Act]:
        """The acts of the harness of these kinds."""
        return [act for act in self.acts if act.kind in kinds]

    def findings_of(self, *kinds: FindingKind) -> list[Finding]:
        """The findings about the client's process of these kinds."""
        return [finding for finding in self.findings or () if finding.kind in kinds]

    @property
    def agreed(self) -> bool:
        """Whether client and lots converged in time."""
        return any(act.kind is ActKind.CONVERGED for act in self.acts)

    def takes_sync(self, device_id: str) -> bool:
        """Whether a device is a lot that supports records/sync and is listed."""
        device = self.devices.get(device_id)
        is_lot = device is not None and device.device_kind == "lot" and device.supplier_code != JIESHUN
        return is_lot and self.is_listed(device_id)

    def is_listed(self, device_id: str) -> bool:
        """Whether a device is in the exports that the client was started with."""
        return device_id not in {LOT_IDS[place] for place in self.scenario.unlisted}

    def is_in(self, cell: Cell, record: LotRecord) -> bool:
        """Whether the lot counts a record in a cell."""
        return self.profile.holds(cell, record.line, self.profile.time_of(record.kept))

    def _places(self, cell: Cell, versions: Iterable[RecordKept]) -> set[bool]:
        """Whether a record lies in a cell, as a client may see it: True, False, or both if that is not certain.

        It is not where some of its `versions` do and some do not, or the lot counts by a time that its messages do not
        have.
        """
        holds = self.profile.holds
        return {holds(cell, line_of(kept), time) for kept in versions for time in self._times(kept)}

    def _times(self, kept: RecordKept) -> set[int]:
        """The times by which a lot and its client may count a record."""
        return {kept.event_time, self.told_time(kept.event_time), self.profile.time_of(kept)}

    def told_time(self, at_ms: int) -> int:
        """A record's time as its message has it: the forms `s` and `text` have no milliseconds."""
        return at_ms if self.profile.record_time in ("ms", "iso") else at_ms // SECOND * SECOND

    def in_cell(self, cell: Cell) -> list[LotRecord]:
        """Every record that was ever in a cell."""
        if cell not in self._in_cell:
            self._in_cell[cell] = [record for record in self._lines.get(cell.line, ()) if self.is_in(cell, record)]
        return self._in_cell[cell]

    @cached_property
    def _in_cell(self) -> dict[Cell, list[LotRecord]]:
        return {}

    def on_line(self, line: Line) -> list[LotRecord]:
        """Every record that was ever on a line."""
        return self._lines.get(line, [])

    @cached_property
    def _lines(self) -> dict[Line, list[LotRecord]]:
        lines: dict[Line, list[LotRecord]] = defaultdict(list)
        for record in self.records.values():
            for line in record.lines:
                lines[line].append(record)
        return lines

    @cached_property
    def _inside(self) -> dict[Cell, tuple[list[float], list[float]]]:
        return {}

    def _inside_of(self, cell: Cell) -> tuple[list[float], list[float]]:
        """When the client was told of each record that is certainly in a cell, and was handed each that may be.

        The numbers of the entries, in order, of the records that were never corrected.
        """
        if cell not in self._inside:
            low, high = self.profile.bounds(cell.start_time, cell.end_time)
            inside = [
                (each, {low <= time < high for time in each.times}) for each in self._once_kept.get(cell.line, ())
            ]
            told = sorted(each.told_seq for each, places in inside if False not in places)
            self._inside[cell] = (told, sorted(each.handed_seq for each, places in inside if True in places))
        return self._inside[cell]

    @cached_property
    def _once_kept(self) -> dict[Line, list[_OnceKept]]:
        """The records of each line that were never corrected."""
        return {
            line: [
                _OnceKept(self._times(each.kept), self._told_seqs[each.key], each.handed_seq)
                for each in found
                if each.versions == 1
            ]
            for line, found in self._lines.items()
        }

    def bracket(self, cell: Cell, seq: int) -> tuple[int, int]:
        """The count bracket: records of the cell acknowledged, and records delivered, before the entry `seq`.

        A client that may receive while it answers a verb may have counted before it acknowledged what came meanwhile:
        only what was acknowledged before that verb must be in its count.
        """
        told, handed = self._inside_of(cell)
        place = bisect_left(self.verbs, seq)
        since = min(seq, self.verbs[place - 1] + 1) if place else seq
        low, high = bisect_left(told, since), bisect_left(handed, seq)
        for record in self._corrected.get(cell.line, ()):
            places = self._places(cell, record.versions_known(seq, since))
            low += places == {True} and self.told_before(record, since)
            high += True in places
        return low, high

    @cached_property
    def _corrected(self) -> dict[Line, list[LotRecord]]:
        """The records of each line that were corrected."""
        corrected = {line: [each for each in found if each.versions > 1] for line, found in self._lines.items()}
        return {line: found for line, found in corrected.items() if found}

    def told_before(self, record: LotRecord, seq: int) -> bool:
        """Whether the client has acknowledged a record, before an entry, in a message that every client can read."""
        return self._told_seqs[record.key] < seq

    @cached_property
    def _told_seqs(self) -> dict[RecordKey, float]:
        """The first entry with such an acknowledgement, by record; infinity if there is none."""
        return {record.key: self._told_seq(record) for record in self.records.values()}

    def _told_seq(self, record: LotRecord) -> float:
        """When it was told on every subscription over which it came: a client may have a worker for each."""
        first: dict[str, float] = {}
        for each in record.deliveries:
            is_plain = each.readable and not self.has_leap_second(each)
            told = each.acked_seq if is_plain and each.acked_seq is not None else inf
            first[each.subscription] = min(told, first.get(each.subscription, inf))
        return max(first.values(), default=inf)

    def has_leap_second(self, delivery: Delivery) -> bool:
        """Whether the time in a message has a second 60: a legal time, that many parsers refuse (TIME-LEAP)."""
        is_text = self.profile.record_time in ("text", "iso")
        return (
            is_text
            and FaultKind.MESSAGE_LEAP_SECOND in delivery.faults
            and delivery.content is not None
            and delivery.content.event_time % MINUTE < SECOND
        )

    @cached_property
    def brackets(self) -> list[tuple[int, int]]:
        """The count bracket of each claim."""
        return [self.bracket(claim.cell, claim.seq) for claim in self.claims]

    def _is_count(self, claim: Claim) -> bool:
        device = self.devices.get(claim.cell.device_id)
        return claim.claimed >= 0 and device is not None and device.device_kind == DeviceKind.LOT

    @cached_property
    def off_bracket(self) -> list[tuple[Claim, int, int]]:
        """The claims outside their count bracket, which no truthful client could have made, with the bracket.

        Negative claims and claims to a device that is no lot are left out: rules of form judge them.
        """
        judged = zip(self.claims, self.brackets, strict=True)
        return [
            (claim, low, high)
            for claim, (low, high) in judged
            if not low <= claim.claimed <= high and self._is_count(claim)
        ]


def run_of(scenario: Scenario, make_client: MakeClient) -> Run:
    """Play a scenario to a client. The run of the recording."""
    return Run.of(play(scenario, make_client))
