"""The narration of a run: what lot, queue, client and harness did, a line each, with the number of its entry."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from contracts.play.recording import CUTS, Act, ActKind
from contracts.rules.base import Breach, Rule
from contracts.run.run import Run
from contracts.run.syncs import Claim, Sync
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, FaultInjected, RecordKept, RecordRemoved
from mock_server.history.index import Call, LotRecord
from mock_server.history.log import Entry
from mock_server.history.story import how_many
from mock_server.model import Cell
from mock_server.wire.record_time import written_time
from mock_server.words import clock_text, day_text, line_text, shortened, window_text

Actor: TypeAlias = Literal["lot", "queue", "client", "harness"]

PHASES = {ActKind.CALM: "no more faults from here on", ActKind.CONVERGED: "client and lots agree"}
"""The phases of a run in words."""

CLAIMS_TOLD = 8
"""The most claims of a sync that are told; those that differ from the lot's count have precedence."""

DEATH_TOLD, PATH_TOLD = 600, 200
"""The most characters of a client's last words, and of a path."""

QUEUE_WORDS: dict[str, str] = {
    FaultKind.SOCKET_CLOSE: "breaks the connection",
    FaultKind.SOCKET_IDLE: "closes, for its silence, the connection",
    FaultKind.CONSUMER_CLOSE: "closes the consumer, and the connection stays",
    FaultKind.SUBSCRIBE_REFUSE: "refuses a consumer",
    FaultKind.ACK_LOSE: "does not keep an acknowledgement",
    FaultKind.MESSAGE_BAD_CHECKSUM: "sends a message with a wrong checksum",
}
"""What the queue does by the faults that strike it, in words."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """What a narration must not leave out: the calls with these numbers; with `every_sync` every sync."""

    seqs: frozenset[int] = frozenset()
    every_sync: bool = False

    @classmethod
    def of(cls, *broken: tuple[Rule, Iterable[Breach]]) -> Self:
        """The focus of some rules that were broken in a run: for the planning of windows every sync matters."""
        seqs = frozenset(breach.seq for _, breaches in broken for breach in breaches)
        return cls(seqs, any(rule.group == "WIN" for rule, _ in broken))


NO_EMPHASIS = Emphasis()


@dataclass(frozen=True, slots=True)
class NarratedEvent:
    """One line of the narration. `fault` marks an injected fault."""

    seq: int
    time: int
    lane: Actor
    text: str
    fault: bool = False


def narrate(run: Run, focus: Emphasis = NO_EMPHASIS) -> list[NarratedEvent]:
    """The lines of a run, in order.

    Syncs of cells that never had a record or a wrong claim are left out, and calls other than syncs, but for those in
    the focus.
    """
    lines = [*_acts(run), *_records(run), *_connections(run), *_syncs(run, focus), *_other_calls(run, focus)]
    return sorted(lines, key=lambda line: line.seq)


def _acts(run: Run) -> Iterator[NarratedEvent]:
    for act in run.acts:
        if act.kind is ActKind.START:
            yield NarratedEvent(act.seq, act.time, "client", "starts")
        elif act.kind in PHASES:
            yield NarratedEvent(act.seq, act.time, "harness", PHASES[act.kind])
        elif act.kind is ActKind.GOES_OFFLINE:
            yield NarratedEvent(act.seq, act.time, "lot", act.kind, fault=True)
        elif act.kind in (ActKind.CRASHES, ActKind.CLOCK_JUMPS, ActKind.DIED):
            yield NarratedEvent(act.seq, act.time, "client", act_text(act), fault=True)


def act_text(act: Act) -> str:
    """What became of the client or the lot, in words."""
    details = act.text if act.off_ms is None else f"{act.off_ms} ms"
    return f"{act.kind} {shortened(details, DEATH_TOLD)}".rstrip()


def _records(run: Run) -> Iterator[NarratedEvent]:
    seen: set[str] = set()
    for entry in run.entries:
        event = entry.event
        if isinstance(event, RecordKept):
            record = run.records[event.device_id, event.data_type, event.record_id]
            yield _kept(run, entry, event, record, again=record.name in seen)
            seen.add(record.name)
        elif isinstance(event, RecordRemoved):
            yield NarratedEvent(entry.seq, entry.time, "lot", f"forgets {event.record_id}", fault=True)


def _kept(run: Run, entry: Entry, event: RecordKept, record: LotRecord, *, again: bool) -> NarratedEvent:
    what = {0: "pass {} enters", 1: "pass {} leaves", None: "bill {} is paid"}[event.pass_direction].format(record.name)
    when = "" if event.event_time == entry.time else f" (event time {day_text(event.event_time)})"
    when += _written_text(run, event, record)
    fate, is_fault = _fate(record)
    lot = f" at lot {event.device_id}" if len(run.scenario.lots) > 1 else ""
    return NarratedEvent(
        entry.seq, entry.time, "lot", f"{'corrected: ' if again else ''}{what}{when}{lot}: {fate}", is_fault
    )


def _written_text(run: Run, event: RecordKept, record: LotRecord) -> str:
    """How its messages write its time, unless that is in milliseconds."""
    form = run.profile.record_time
    if form == "ms":
        return ""
    leaps = any(FaultKind.MESSAGE_LEAP_SECOND in each.faults for each in record.deliveries)
    return f" (written as {json.dumps(written_time(event.event_time, form, leap_second=leaps))})"


def _connections(run: Run) -> Iterator[NarratedEvent]:
    """What strikes the connections to the queue, and when the client had one again that was cut."""
    cut_at: int | None = None
    for entry in run.entries:
        event = entry.event
        if isinstance(event, FaultInjected) and event.fault in QUEUE_WORDS:
            cut_at = entry.time if event.fault in CUTS else cut_at
            yield NarratedEvent(entry.seq, entry.time, "queue", QUEUE_WORDS[event.fault], fault=True)
        elif isinstance(event, ConsumerChanged) and event.change == "active" and cut_at is not None:
            text = f"is connected again after {(entry.time - cut_at) / 1000:g} s, as {event.subscription}"
            yield NarratedEvent(entry.seq, entry.time, "client", text)
            cut_at = None


def _fate(record: LotRecord) -> tuple[str, bool]:
    """What happened to the first message of a record, and whether that was a fault."""
    first = [each for each in record.deliveries if each.origin == "uplink"]
    if not first:
        return ("LOST before delivery", True) if record.losses else ("not delivered", True)
    messages = len({each.message_id for each in first})
    late_ms = first[0].published_time - record.time
    parts = [f"delivered {messages} x" if messages > 1 else "delivered"]
    parts += [f"{late_ms / 1000:g} s late"] if late_ms else []
    parts += [f"{len(first) - messages} x redelivered"] if len(first) > messages else []
    parts += ["acked" if any(each.acked_seq for each in first) else "never acked"]
    return ", ".join(parts), messages > 1 or bool(late_ms)


def _syncs(run: Run, focus: Emphasis) -> Iterator[NarratedEvent]:
    for sync, claims in syncs_that_matter(run, focus):
        yield NarratedEvent(sync.seq, sync.time, "client", sync_text(run, sync, claims), bool(sync.faults))


def _other_calls(run: Run, focus: Emphasis) -> Iterator[NarratedEvent]:
    """The calls in the focus that are no syncs. What breaks a rule about windows is none: its entry is a time only."""
    seqs = frozenset() if focus.every_sync else focus.seqs - {sync.seq for sync in run.syncs}
    for call in run.calls:
        if call.seq in seqs:
            text = f"{call.request.method} {shortened(call.request.path, PATH_TOLD)}{_outcome_text(call, ())}"
            yield NarratedEvent(call.seq, call.time, "client", text)


def syncs_that_matter(run: Run, focus: Emphasis = NO_EMPHASIS) -> Iterator[tuple[Sync, list[Claim]]]:
    """The syncs with claims about cells that ever had a record or a claim above 0, every sync that failed, the focus.

    A sync in the focus without such claims comes with all its claims.
    """
    claims: dict[int, list[Claim]] = defaultdict(list)
    for claim in run.claims:
        claims[claim.seq].append(claim)
    for sync in run.syncs:
        that_matter = [claim for claim in claims[sync.seq] if _matters(run, claim)]
        if that_matter or not sync.call.understood:
            yield sync, that_matter
        elif focus.every_sync or sync.seq in focus.seqs:
            yield sync, claims[sync.seq]


def _matters(run: Run, claim: Claim) -> bool:
    return bool(run.in_cell(claim.cell)) or claim.claimed != 0 or bool(claim.counted)


def sync_text(run: Run, sync: Sync, claims: Sequence[Claim]) -> str:
    """A sync in words: its claims, the counts of the lot, and the outcome of the call."""
    told = sorted(sorted(range(len(claims)), key=lambda place: claims[place].equal)[:CLAIMS_TOLD])
    parts = [_claim_text(run, claims[place]) for place in told]
    parts += [f"and {how_many(len(claims) - len(told), 'other cell')}"] if len(claims) > len(told) else []
    text = "; ".join(parts) or how_many(len(sync.entries), "cell")
    if claims and not any(_matters(run, claim) for claim in claims):
        text = _empty_text(claims)
    return f"sync {text}{_outcome_text(sync.call, sync.faults)}"


def _empty_text(claims: Sequence[Claim]) -> str:
    """Claims of 0 about windows without records: the windows of each lot."""
    windows = list(dict.fromkeys((claim.cell.start_time, claim.cell.end_time) for claim in claims))
    told = [window_text(start, end) for start, end in windows[:CLAIMS_TOLD]]
    more = [f"and {how_many(len(windows) - len(told), 'other window')}"] if len(windows) > len(told) else []
    return f"{'; '.join([*told, *more])}: claims 0 for {how_many(len(claims), 'cell')} without records"


def _claim_text(run: Run, claim: Claim) -> str:
    window = f"{clock_text(claim.cell.start_time)}-{clock_text(claim.cell.end_time)}"
    text = f"{line_text(claim.cell)} {window}: claims {claim.claimed}"
    if claim.counted is None:
        return text
    if claim.equal:
        return f"{text}, lot has {claim.counted} too"
    again = next((event for entry, event in run.rereports if _is_of(entry, event.cell, claim)), None)
    return f"{text}, lot has {claim.counted}" + ("" if again is None else f" -> re-reports {again.records}")


def _is_of(entry: Entry, cell: Cell, claim: Claim) -> bool:
    return claim.cell == cell and claim.seq < entry.seq < (claim.sync.call.answer_seq or entry.seq + 1)


def _outcome_text(call: Call, faults: Sequence[str]) -> str:
    struck = f" [{', '.join(faults)}]" if faults else ""
    if call.answer is None:
        return f" -> no answer{struck}"
    if call.code is not None:
        return f" -> refused, {call.code} {call.answer.msg}{struck}"
    return struck if call.understood else f" -> answer {call.answer.sent}{struck}"
