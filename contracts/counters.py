"""Known wrong counters: what a client with one defect in its counting would claim.

Each is a function of what was delivered before a line of the history. A count outside the bracket that a wrong
counter explains, at every sync of a run, names the defect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from contracts.reading import Delivery, LotRecord
from contracts.run import Claim, Run
from mock_server.model import Cell

Count: TypeAlias = Callable[[Run, Claim], int]
"""What the counter claims in place of a claim."""


@dataclass(frozen=True, slots=True)
class Counter:
    """`name` says what it does, `remedy` what to do about it."""

    name: str
    remedy: str
    count: Count


def delivered(run: Run, claim: Claim) -> list[LotRecord]:
    """The records of a claim's cell that were delivered before it: what a right counter counts."""
    return [record for record in run.in_cell(claim.cell) if record.delivered_before(claim.seq)]


def deliveries_in(run: Run, cell: Cell, seq: int) -> Iterator[Delivery]:
    """Every delivery of a record of a cell before a line."""
    return (each for record in run.in_cell(cell) for each in record.deliveries if each.seq < seq)


def count_if(keep: Callable[[LotRecord], bool], run: Run, claim: Claim) -> int:
    """Only some records count."""
    return sum(keep(record) for record in delivered(run, claim))


def count_cells(others: Callable[[Cell], list[Cell]], run: Run, claim: Claim) -> int:
    """Other cells are counted in place of the one that was meant."""
    return sum(len(delivered(run, claim_of(claim, cell))) for cell in others(claim.cell))


def claim_of(claim: Claim, cell: Cell) -> Claim:
    """The same claim about another cell."""
    return Claim(claim.sync, cell, claim.claimed, claim.counted)


def _deliveries(run: Run, claim: Claim) -> int:
    return sum(1 for _ in deliveries_in(run, claim.cell, claim.seq))


def _messages(run: Run, claim: Claim) -> int:
    return len({each.message_id for each in deliveries_in(run, claim.cell, claim.seq)})


DELIVERIES = Counter(
    "counts every delivery", "count distinct record ids: a message may be delivered more than once", _deliveries
)
MESSAGE_IDS = Counter(
    "identifies records by message id",
    "use the record id: a re-report is a new message about the same record",
    _messages,
)
NO_PLATE = Counter(
    "leaves out records without a plate",
    "count every record: the lot does",
    partial(count_if, lambda record: bool(record.kept.plate_no)),
)


def fits(run: Run, counter: Counter) -> bool:
    """Whether a counter explains every claim of a run."""
    return all(counter.count(run, claim) == claim.claimed for claim in run.claims)


def differs(run: Run, counter: Counter) -> bool:
    """Whether the counter would have been caught in this run: some claim of its would have been off the bracket."""
    return any(not _within(run, claim, counter.count(run, claim)) for claim in run.claims)


def _within(run: Run, claim: Claim, count: int) -> bool:
    low, high = run.bracket(claim.cell, claim.seq)
    return low <= count <= high
