"""Records exactly at the start or the end of a window, and what a client claims that reads its windows another way."""

from typing import TypeAlias

from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import LotRecord
from mock_server.model import Cell

Reading: TypeAlias = tuple[int, int]
"""How a window is read: by how many milliseconds its start and its end are moved to get start <= time < end."""

CONVENTIONS: dict[Reading, str] = {
    (0, 0): "counts a record at the start, not one at the end",
    (0, 1): "counts records at the start and at the end",
    (1, 1): "counts a record at the end, not one at the start",
    (1, 0): "counts records neither at the start nor at the end",
}


class Edges:
    """The records at the edges of the cells of a run. Records that a correction or the lot has changed are left out."""

    def __init__(self, run: Run) -> None:
        self._run = run
        start, end = run.profile.bounds(0, 0)
        self.right: Reading = (start, end)
        self.others = tuple(reading for reading in CONVENTIONS if reading != self.right)
        found = {cell: self._at(cell) for cell in run.claims_of}
        self._records = {cell: records for cell, records in found.items() if records}

    def _at(self, cell: Cell) -> list[LotRecord]:
        ends = (cell.start_time, cell.end_time)
        known = (each for each in self._run.on_line(cell.line) if each.kept.event_time in ends)
        return [record for record in known if record.versions == 1 and record.removed_seq is None]

    def of(self, cell: Cell) -> list[LotRecord]:
        """The records exactly at the start or the end of a cell."""
        return self._records.get(cell, [])

    def would_catch(self, reading: Reading) -> bool:
        """Whether some claim would have been off the bracket with that reading, whatever had been acknowledged."""
        return any(self._is_apart(claim, reading) for claim in self._claims())

    def explains(self, reading: Reading) -> bool:
        """Whether that reading explains every claim that is off, and no claim about an edge speaks against it."""
        off = [claim for claim, _, _ in self._run.off_bracket]
        brackets = ((claim.claimed, self._bracket(claim, reading)) for claim in (*off, *self._claims()))
        return all(low <= claimed <= high for claimed, (low, high) in brackets)

    def _claims(self) -> list[Claim]:
        return [claim for claim in self._run.claims if claim.cell in self._records]

    def _is_apart(self, claim: Claim, reading: Reading) -> bool:
        low, high = self._run.bracket(claim.cell, claim.seq)
        other_low, other_high = self._bracket(claim, reading)
        return other_high < low or other_low > high

    def _bracket(self, claim: Claim, reading: Reading) -> tuple[int, int]:
        """The count bracket of a claim, were its window read another way."""
        low, high = self._run.bracket(claim.cell, claim.seq)
        for record in self.of(claim.cell):
            more = _holds(claim.cell, record, reading) - self._run.is_in(claim.cell, record)
            low += more * record.acked_before(claim.seq)
            high += more * record.delivered_before(claim.seq)
        return low, high


def _holds(cell: Cell, record: LotRecord, reading: Reading) -> bool:
    return cell.start_time + reading[0] <= record.kept.event_time < cell.end_time + reading[1]
