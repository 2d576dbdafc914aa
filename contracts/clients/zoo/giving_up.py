"""Clients that give something up after a failure, or leave it out where it seems useless."""

from typing import Any

from contracts.client.interface import Window
from contracts.clients.record_store import CellRow, LotRow
from contracts.clients.reference import BATCH, HORIZON_MS, ReferenceClient
from contracts.clients.vendor_api import CallError
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE

TRIES, CONNECTIONS = 3, 5


@breaks("REC-RECONNECT")
class StopsReconnecting(ReferenceClient):
    """Opens a lost connection five times in a row, then no more."""

    def reconnect_later(self) -> None:
        super().reconnect_later()
        if self._reconnects > CONNECTIONS:
            self._reconnect_at = self.now_ms() + HORIZON_MS


@breaks("ERR-KEEP")
class ForgetsAfterThreeFailures(ReferenceClient):
    """Tries a call three times, then drops the hours that it was about."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        super().failed(lot, error)
        if lot.tries + 1 >= TRIES:
            for data_type in (0, 1):
                for cell in self._store.due_cells(lot.device_id, data_type, self.now_ms(), BATCH):
                    self._store.put_cell(cell._replace(due_ms=None))


@breaks("WIN-NO-GAP")
class AbortsThePass(ReferenceClient):
    """Ends a pass over the lots at the first one that fails, and begins the next pass with the same lot."""

    def reconcile(self, window: Window | None = None) -> None:
        for lot in self._store.lots():
            for data_type in (0, 1):
                if self._stopped or self.now_ms() < self._not_before or self.now_ms() < lot.retry_ms:
                    return
                cells = self.cells_to_ask(lot.device_id, data_type, window)
                if lot.state or (cells and not self.try_to_ask(lot, data_type, cells)):
                    return

    def wakes_at(self) -> int:
        """A minute from now at the earliest: what is due may have to wait for another lot."""
        later = self._machine_ms + MINUTE
        return max(super().wakes_at() or later, later)


@breaks("CONV-RESULT")
class IgnoresCommandResults(ReferenceClient):
    """Takes no notice of the results of commands: a command that came to nothing was an ask like any other."""

    def take_result(self, value: dict[str, Any]) -> None:
        """Ignore it."""

    def scheduled(self, cell: CellRow) -> CellRow:
        return super().scheduled(cell._replace(visited=1))


@breaks("WIN-REVISIT")
class RevisitsFullWindowsOnly(ReferenceClient):
    """Compares a window again a day later if it has records of it."""

    def scheduled(self, cell: CellRow) -> CellRow:
        return super().scheduled(cell if self.count(cell) else cell._replace(visited=1))


@breaks("WIN-REVISIT")
class RevisitsTheFirstLotOnly(ReferenceClient):
    """Compares the windows of its first lot again a day later, and those of no other."""

    def scheduled(self, cell: CellRow) -> CellRow:
        is_first = cell.device_id == self._lots[0]
        return super().scheduled(cell if is_first else cell._replace(visited=1))
