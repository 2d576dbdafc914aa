"""Records that a client acknowledged and does not have, by its dumps and claims, and the causes that explain them.

A shortage is a dump, or a claim of a client without `dump`, with fewer records than the client had acknowledged before.
A claim says how many records are missing and not which. So a cause is held against a client only if it can explain
every shortage of the run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple, TypeAlias

from contracts.client.interface import Capability
from contracts.play.recording import Dump
from contracts.run.run import Run
from mock_server.history.index import Delivery, LotRecord
from mock_server.model import MINUTE, RecordKey

OLD_MS = 10 * MINUTE
"""The age in milliseconds, from event to first delivery, from which a record is old (our choice)."""

FEW = 3
"""The most records that a message names."""

NEVER = inf
"""The seq of what does not happen: after every entry of the history."""

SeqSpan: TypeAlias = tuple[float, float]
"""Entries of the history: those after the first seq and before the second."""


class Shortage(NamedTuple):
    """`number` of the records in `among` are missing; `shown` says what shows that, at the entry `seq`."""

    seq: int
    number: int
    among: tuple[LotRecord, ...]
    shown: str


Cause: TypeAlias = Callable[[LotRecord, int], bool]
"""Whether this can explain that a record is missing at a seq."""


def names(records: Sequence[LotRecord]) -> str:
    """The ids of the records in words; of more than `FEW`, the first and the number of the others."""
    listed = ", ".join(record.name for record in records[:FEW]) + (
        f" and {len(records) - FEW} more" if records[FEW:] else ""
    )
    return f"record {listed}" if len(records) == 1 else f"records {listed}"


def stored(dump: Dump) -> set[RecordKey]:
    """The keys of the records in a dump."""
    return {(each.device_id, each.data_type, each.record_id) for each in dump.records}


def shortages(run: Run) -> list[Shortage]:
    """Every shortage: by the dumps if the client has `dump`, since a claim may be short by a miscount alone."""
    return [*(_of_store(run) if _is_open(run) else _of_claims(run))]


def _is_open(run: Run) -> bool:
    return Capability.DUMP in run.can


def _of_store(run: Run) -> Iterator[Shortage]:
    for dump in run.dumps:
        keys = stored(dump)
        missing = [
            record
            for record in run.records.values()
            if record.key not in keys
            and run.takes_sync(record.kept.device_id)
            and run.told_before(record, dump.asked_seq + 1)
        ]
        if missing:
            yield Shortage(dump.asked_seq, len(missing), tuple(missing), "acknowledged, but not in the store")


def _of_claims(run: Run) -> Iterator[Shortage]:
    for claim, low, _ in run.off_bracket:
        if claim.claimed < low:
            acked = tuple(record for record in run.in_cell(claim.cell) if record.acked_before(claim.seq))
            shown = f"acknowledged, but the client claimed {claim.claimed}"
            yield Shortage(claim.seq, low - claim.claimed, acked, shown)


def explained(run: Run, cause: Cause) -> list[Shortage]:
    """The shortages, each with the records for which `cause` holds. Empty if it does not explain every shortage."""
    found = [each._replace(among=tuple(r for r in each.among if cause(r, each.seq))) for each in shortages(run)]
    return found if all(len(each.among) >= each.number for each in found) else []


def is_looked_at(run: Run, record: LotRecord, after: float, before: float = NEVER) -> bool:
    """Whether a dump, or else a claim of its cell, between two seqs would show that a record is missing."""
    if _is_open(run):
        return any(after <= dump.asked_seq and dump.seq < before for dump in run.dumps)
    return any(after < claim.seq < before and run.is_in(claim.cell, record) for claim in run.claims)


def is_taken(run: Run, damaged: Delivery) -> bool:
    """Whether the client has read a damaged message all the same, by a claim or dump before it came undamaged.

    SEC-TAMPER judges that.
    """
    record = damaged.record
    if record is None:
        return False
    claims = (claim for claim in run.claims if run.is_in(claim.cell, record))
    is_counted = any(
        claim.claimed > sum(each.intact_before(claim.seq) for each in run.in_cell(claim.cell)) for claim in claims
    )
    return is_counted or any(record.key in stored(dump) and not record.intact_before(dump.seq) for dump in run.dumps)


def first_readable(record: LotRecord, after: float = 0) -> float:
    """The seq of the first undamaged delivery of a record after a seq, or NEVER."""
    return next((each.seq for each in record.deliveries if each.readable and each.seq > after), NEVER)


def seq_of_first_ack(record: LotRecord) -> float:
    """The seq of the first acknowledgement of a record, or NEVER."""
    return min((each.acked_seq for each in record.deliveries if each.acked_seq is not None), default=NEVER)


def age_ms(record: LotRecord, before: float = NEVER) -> int | None:
    """Milliseconds from a record's event to its first undamaged delivery before a seq; None without one."""
    ages = [
        each.time - each.content.event_time
        for each in record.deliveries
        if each.readable and each.content is not None and each.seq < before
    ]
    return min(ages, default=None)


def is_old(record: LotRecord, seq: float) -> bool:
    """Whether the first delivery of a record, up to a seq, was `OLD_MS` or more after its event."""
    age = age_ms(record, seq + 1)
    return age is not None and age >= OLD_MS


def left_out(run: Run) -> dict[RecordKey, list[SeqSpan]]:
    """For acknowledged records, the spans in which a re-report had delivered others of the cell and not yet them."""
    spans: dict[RecordKey, list[SeqSpan]] = defaultdict(list)
    for entry, event in run.rereports:
        delivered = [(record, first_readable(record, entry.seq)) for record in run.in_cell(event.cell)]
        first = min((seq for _, seq in delivered), default=NEVER)
        for record, seq in delivered:
            if first < seq and record.acked_before(entry.seq):
                spans[record.key].append((first, seq))
    return spans


def out_of_order(run: Run) -> set[RecordKey]:
    """The records delivered before one of their lot with an earlier event time, or after one with a later one."""
    found: set[RecordKey] = set()
    for records in _by_lot(run).values():
        latest: float = 0
        for record in records:
            found |= {record.key} if first_readable(record) < latest else set()
            latest = max(latest, first_readable(record))
        earliest = NEVER
        for record in reversed(records):
            found |= {record.key} if earliest < first_readable(record) < NEVER else set()
            earliest = min(earliest, first_readable(record))
    return found


def exits_before_entries(run: Run) -> Iterator[tuple[LotRecord, float]]:
    """Each exit delivered before an earlier entry of the same plate, with the seq of that delivery, or NEVER."""
    for records in _by_lot(run).values():
        entered: dict[str, float] = {}
        for record in records:
            plate, came = record.kept.plate_no, first_readable(record)
            if record.kept.pass_direction == 0:
                entered[plate] = max(came, entered.get(plate, 0))
            elif record.kept.pass_direction == 1 and came < entered.get(plate, 0):
                yield record, entered[plate]


def _by_lot(run: Run) -> dict[str, list[LotRecord]]:
    """The records of each lot by event time; those of one time by their first delivery."""
    lots: dict[str, list[LotRecord]] = defaultdict(list)
    for record in sorted(run.records.values(), key=lambda each: (each.kept.event_time, first_readable(each))):
        lots[record.kept.device_id].append(record)
    return lots
