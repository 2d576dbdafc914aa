"""Clients that count wrongly."""

from contracts.clients.record_store import CellRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.animal import breaks


@breaks("CNT-TRUTH")
class CountsOneMore(ReferenceClient):
    """Claims one more than it has."""

    def count(self, cell: CellRow) -> int:
        """One too many."""
        return super().count(cell) + 1


@breaks("CNT-RECORD-ID")
class CountsDeliveries(ReferenceClient):
    """Stores a row for every delivery."""

    _rows = 0

    def take_record(self, record: Stored) -> None:
        """A row of its own each time."""
        self._rows += 1
        super().take_record(record._replace(record_id=f"{record.record_id}#{self._rows}"))
