"""What a client lacks although it acknowledged it, as its store and its claims show, and whether one cause explains it.

A shortage is a look into the store, or a claim of a client that lets nobody look, that has less than had been
acknowledged until then. A claim tells how many records are missing and not which, so a cause is judged by what it
explains: it is held against a client only if it may be behind every shortage of the run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple, TypeAlias

from contracts.client.interface import Capability
from contracts.play.recording import Dump
from contracts.run.run import Run
from mock_server.history.index import LotRecord
from mock_server.model import MINUTE, RecordKey

OLD_MS = 10 * MINUTE
"""A record that comes so long after it happened is an old one."""

FEW = 3
"""So many records are named."""

NEVER = inf
"""The seq of what does not happen: behind every entry of the history."""

SeqSpan: TypeAlias = tuple[float, float]
"""Entries of the history: those behind the first seq and before the second."""


class Shortage(NamedTuple):
    """`number` of the records in `among` are missing; `shown` says what shows it, at the entry `seq`."""

    seq: int
    number: int
    among: tuple[LotRecord, ...]
    shown: str


Cause: TypeAlias = Callable[[LotRecord, int], bool]
"""Whether this may be why a record is missing at a seq."""


def names(records: Sequence[LotRecord]) -> str:
    """Records by their ids, a few of them."""
    told = ", ".join(record.name for record in records[:FEW]) + (
        f" and {len(records) - FEW} more" if records[FEW:] else ""
    )
    return f"record {told}" if len(records) == 1 else f"records {told}"


def stored(dump: Dump) -> set[RecordKey]:
    """The keys of the records in a store."""
    return {(each.device_id, each.data_type, each.record_id) for each in dump.records}


def shortages(run: Run) -> list[Shortage]:
    """Every shortage. What is missing in a claim may be stored and only miscounted, so looks are better evidence."""
    return [*(_of_store(run) if _is_open(run) else _of_claims(run))]


def _is_open(run: Run) -> bool:
    return Capability.DUMP in run.can


def _of_store(run: Run) -> Iterator[Shortage]:
    for dump in run.dumps:
        keys = stored(dump)
        missing = [
            record
            for record in run.records.values()
            if record.key not in keys and run.takes_sync(record.kept.device_id) and record.acked_before(dump.seq + 1)
        ]
        if missing:
            yield Shortage(dump.seq, len(missing), tuple(missing), "acknowledged, but not in the store")


def _of_claims(run: Run) -> Iterator[Shortage]:
    for claim, low, _ in run.off_bracket:
        if claim.claimed < low:
            acked = tuple(record for record in run.in_cell(claim.cell) if record.acked_before(claim.seq))
            shown = f"acknowledged, but the client claimed {claim.claimed}"
            yield Shortage(claim.seq, low - claim.claimed, acked, shown)


def explained(run: Run, cause: Cause) -> list[Shortage]:
    """The shortages, each with the records that this may be the cause of; none if it is not behind all of them."""
    found = [each._replace(among=tuple(r for r in each.among if cause(r, each.seq))) for each in shortages(run)]
    return found if all(len(each.among) >= each.number for each in found) else []


def is_looked_at(run: Run, record: LotRecord, after: float, before: float = NEVER) -> bool:
    """Whether a look into the store, else a claim of its cell, between two seqs would show that a record is missing."""
    if _is_open(run):
        return any(after <= dump.seq < before for dump in run.dumps)
    return any(after < claim.seq < before and run.is_in(claim.cell, record) for claim in run.claims)


def first_readable(record: LotRecord, after: float = 0) -> float:
    """The seq at which a record came, undamaged, for the first time behind a seq."""
    return next((each.seq for each in record.deliveries if each.readable and each.seq > after), NEVER)


def seq_of_first_ack(record: LotRecord) -> float:
    """The seq at which a record was acknowledged for the first time."""
    return min((each.acked_seq for each in record.deliveries if each.acked_seq is not None), default=NEVER)


def age_ms(record: LotRecord, before: float = NEVER) -> int | None:
    """How long after it happened a record came at the earliest; None if it had not come before that seq."""
    ages = [
        each.time - each.content.event_time
        for each in record.deliveries
        if each.readable and each.content is not None and each.seq < before
    ]
    return min(ages, default=None)


def is_old(record: LotRecord, seq: float) -> bool:
    """Whether a record had only come long after it happened."""
    age = age_ms(record, seq + 1)
    return age is not None and age >= OLD_MS


def left_out(run: Run) -> dict[RecordKey, list[SeqSpan]]:
    """When re-reports have brought others of a cell and not, or not yet, a record that was acknowledged before."""
    spans: dict[RecordKey, list[SeqSpan]] = defaultdict(list)
    for entry, event in run.rereports:
        came = [(record, first_readable(record, entry.seq)) for record in run.in_cell(event.cell)]
        first = min((seq for _, seq in came), default=NEVER)
        for record, seq in came:
            if first < seq and record.acked_before(entry.seq):
                spans[record.key].append((first, seq))
    return spans


def out_of_order(run: Run) -> set[RecordKey]:
    """The records that came before an earlier one of their lot, or after a later one."""
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
    """Each exit that came before an entry of the same plate, with the seq at which that one came, if it did."""
    for records in _by_lot(run).values():
        entered: dict[str, float] = {}
        for record in records:
            plate, came = record.kept.plate_no, first_readable(record)
            if record.kept.pass_direction == 0:
                entered[plate] = max(came, entered.get(plate, 0))
            elif record.kept.pass_direction == 1 and came < entered.get(plate, 0):
                yield record, entered[plate]


def _by_lot(run: Run) -> dict[str, list[LotRecord]]:
    """The records of each lot in the order in which they happened; those of one time in that in which they came."""
    lots: dict[str, list[LotRecord]] = defaultdict(list)
    for record in sorted(run.records.values(), key=lambda each: (each.kept.event_time, first_readable(each))):
        lots[record.kept.device_id].append(record)
    return lots
