"""Claims and what followed them: missing records, re-reports, and further claims."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from contracts.client.interface import Capability
from contracts.play.recording import ActKind
from contracts.rules.evidence.coverage import steady_since
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import Delivery, LotRecord
from mock_server.model import HOUR, MINUTE, SECOND, Cell

NEVER = 1 << 62
"""A seq behind every entry of a history."""

FLOW_MS = MINUTE
"""Messages at most this far apart are one flow: a client must not take a shorter pause for its end."""


@dataclass(frozen=True, slots=True)
class Question:
    """A record that was missing at the first claim about it whose call the client saw succeed.

    `again` is the next claim about the record, of any window. Before that: `heard` says whether any record of the cell
    was delivered, `arrived` whether this one was, `restarted` whether the process was started again.
    """

    record: LotRecord
    claim: Claim
    again: Claim | None
    heard: bool
    arrived: bool
    restarted: bool

    @property
    def is_open(self) -> bool:
        """Whether the record is still missing and the lot did not find the count equal."""
        return not self.arrived and not self.claim.equal


class Flow(NamedTuple):
    """Re-reported messages of a cell that followed each other within `FLOW_MS`, in order."""

    cell: Cell
    deliveries: tuple[Delivery, ...]

    @property
    def lasts_ms(self) -> int:
        """The time from the first to the last delivery."""
        return self.deliveries[-1].time - self.deliveries[0].time

    @property
    def news(self) -> int:
        """How many records were delivered for the first time."""
        return sum(each.record is not None and each.record.deliveries[0] is each for each in self.deliveries)


def missing(run: Run, cell: Cell, seq: int) -> list[LotRecord]:
    """The records that the lot counts in a cell and that were not delivered before the entry `seq`."""
    return [record for record in run.in_cell(cell) if at_lot(record, seq) and not record.delivered_before(seq)]


def at_lot(record: LotRecord, seq: int) -> bool:
    """Whether the lot had a record at the entry `seq`."""
    return record.seq < seq and (record.removed_seq is None or record.removed_seq > seq)


def is_truthful(run: Run, claim: Claim) -> bool:
    """Whether a claim lies in its count bracket."""
    low, high = run.bracket(claim.cell, claim.seq)
    return low <= claim.claimed <= high


def questions(run: Run) -> Iterator[Question]:
    """The question about each record that was missing at its first claim, and was never corrected or deleted."""
    for record in run.records.values():
        if record.losses and record.removed_seq is None and record.versions == 1:
            yield from _question(run, record)


def _question(run: Run, record: LotRecord) -> Iterator[Question]:
    about = claims_about(run, record)
    place = next((place for place, claim in enumerate(about) if claim.sync.call.understood), None)
    if place is None or record.delivered_before(about[place].seq):
        return
    claim, again = about[place], next(iter(about[place + 1 :]), None)
    until = again.seq if again else NEVER
    yield Question(
        record=record,
        claim=claim,
        again=again,
        heard=any(_is_delivered(each, claim.seq, until) for each in run.in_cell(claim.cell)),
        arrived=record.delivered_before(until),
        restarted=any(claim.seq <= act.seq < until for act in run.acts_of(ActKind.START)),
    )


def claims_about(run: Run, record: LotRecord) -> list[Claim]:
    """The claims of cells with a record that were made after the lot had it, in order."""
    if not run.takes_sync(record.kept.device_id):
        return []
    cells = (claims for cell, claims in run.claims_of.items() if run.is_in(cell, record))
    return sorted((claim for claims in cells for claim in claims if claim.seq > record.seq), key=lambda each: each.seq)


def _is_delivered(record: LotRecord, after: int, until: int) -> bool:
    return any(after < each.seq < until and not each.torn for each in record.deliveries)


def spare_ms(run: Run, claim: Claim) -> int:
    """How long before the end of the run nothing kept a client from another try; 0 if that is not certain."""
    since = steady_since(run, claim.cell.device_id)
    if since is None or run.calm_at is None:
        return 0
    return run.ended_at - max(claim.time, since, run.calm_at)


def is_steady(run: Run, device_id: str, since_ms: int) -> bool:
    """Whether nothing has kept the client from asking a lot since a time."""
    since = steady_since(run, device_id)
    return since is not None and since <= since_ms


def lag_ms(run: Run, until_ms: int) -> int:
    """The client's own pace: the longest time from a window's end to its first claim, of the claims up to a time."""
    firsts = (claims[0] for claims in run.claims_of.values() if claims[0].time <= until_ms)
    return max((claim.time - claim.cell.end_time for claim in firsts), default=0)


def is_prompted(run: Run, claim: Claim) -> bool:
    """Whether the harness prompted the claim, or prompts all of them: the client did not choose the time."""
    return Capability.ADVANCE not in run.can or any(act.time == claim.time for act in run.acts_of(ActKind.SYNCS))


def was_disturbed(run: Run, after: int, until: int) -> bool:
    """Whether the process died or its clock jumped between two entries: it may have lost state, or waited wrongly."""
    kinds = (ActKind.CRASHES, ActKind.DIED, ActKind.START, ActKind.CLOCK_JUMPS)
    return any(after <= act.seq < until for act in run.acts_of(*kinds))


def repeats(run: Run, cell: Cell) -> list[Delivery]:
    """The deliveries of a cell's re-reported messages, in order."""
    inside = (each for record in run.in_cell(cell) for each in record.deliveries)
    return sorted((each for each in inside if each.origin == "rereport" and not each.torn), key=lambda each: each.seq)


def flows(run: Run) -> Iterator[Flow]:
    """Every flow of every re-reported cell."""
    for cell in {event.cell: None for _, event in run.rereports}:
        flow: list[Delivery] = []
        for delivery in repeats(run, cell):
            if flow and delivery.time - flow[-1].time > FLOW_MS:
                yield Flow(cell, tuple(flow))
                flow = []
            flow.append(delivery)
        if flow:
            yield Flow(cell, tuple(flow))


def amid(run: Run, flow: Flow) -> Iterator[Claim]:
    """The unprompted claims of a flow's cell that were made within it, while messages of a re-report were due."""
    steps = list(pairwise(flow.deliveries))
    for claim in run.claims_of.get(flow.cell, []):
        between = any(one.seq < claim.seq and claim.time < other.time for one, other in steps)
        if between and _is_awaited(run, claim) and not is_prompted(run, claim):
            yield claim


def _is_awaited(run: Run, claim: Claim) -> bool:
    """Whether messages of the cell's last re-report were still to be delivered to the process that made a claim."""
    last = next(
        (each for each in reversed(run.rereports) if each[1].cell == claim.cell and each[0].seq < claim.seq), None
    )
    if last is None or was_disturbed(run, last[0].seq, claim.seq):
        return False
    entry, event = last
    came = {each.message_id for each in repeats(run, claim.cell) if entry.seq < each.seq < claim.seq}
    lost = sum(entry.seq < seq < claim.seq for record in run.in_cell(claim.cell) for seq in record.losses)
    return len(came) + lost < event.records


def triggered(run: Run, flow: Flow) -> list[Claim]:
    """The unprompted claims of a flow's cell that were made within a second after one of its messages."""
    times = [each.time for each in flow.deliveries]
    first, last = flow.deliveries[0], flow.deliveries[-1]
    return [
        claim
        for claim in run.claims_of.get(flow.cell, [])
        if claim.seq > first.seq and claim.time <= last.time + SECOND and not is_prompted(run, claim)
        if any(0 <= claim.time - time <= SECOND for time in times)
    ]


def is_answered_at_once(run: Run, claim: Claim, within_ms: int) -> bool:
    """Whether a message of the cell's re-report was delivered within `within_ms` after a claim."""
    return any(claim.seq < each.seq and each.time < claim.time + within_ms for each in repeats(run, claim.cell))


def span_text(span_ms: int) -> str:
    """A span of time in words, in the largest unit of which it has at least two."""
    for unit_ms, name in ((HOUR, "hours"), (MINUTE, "minutes"), (SECOND, "seconds")):
        if span_ms >= 2 * unit_ms:
            return f"{span_ms // unit_ms} {name}"
    return f"{span_ms} ms"
