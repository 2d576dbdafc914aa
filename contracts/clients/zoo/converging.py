"""Clients with a defect in converging."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.client.interface import Socket, Window
from contracts.clients.record_store import CellRow, LotRow, RecordStore, Stored
from contracts.clients.reference import AGAIN_MS, ALIKE, GIVE_UP_AFTER, ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE


class KnowsItsCells(ReferenceClient):
    """Finds the cells of a record, which several defects need."""

    def asked_cells(self, record: Stored) -> list[CellRow]:
        """The cells of a record that the lot was asked about already."""
        around = self._store.cells_between(record.device_id, record.data_type, record.event_ms, record.event_ms + 1)
        return [cell for cell in around if cell.direction == record.direction and cell.asked_ms]


@breaks("CONV-REACHES")
class DropsRereports(KnowsItsCells):
    """Acknowledges what comes for a window that was asked about, and does not store it."""

    def take_record(self, record: Stored) -> None:
        if self.asked_cells(record):
            self.heard(record)
        else:
            super().take_record(record)


@breaks("CONV-REACHES")
class TakesOneForAll(KnowsItsCells):
    """Takes the first message of a re-report for all of it: the window is settled."""

    def take_record(self, record: Stored) -> None:
        super().take_record(record)
        for cell in self.asked_cells(record):
            self._store.put_cell(cell._replace(due_ms=None))


@breaks("CONV-QUIET")
class AddsRereports(KnowsItsCells):
    """Adds every message that comes for a window to the count that it claimed."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._came: Counter[tuple[object, ...]] = Counter()

    def take_record(self, record: Stored) -> None:
        super().take_record(record)
        self._came.update(cell[:4] for cell in self.asked_cells(record))

    def count(self, cell: CellRow) -> int:
        return cell.claimed + self._came.pop(cell[:4], 0) if cell.asked_ms else super().count(cell)


@breaks("CONV-NOT-BY-SUCCESS")
class DoneBySuccess(ReferenceClient):
    """Takes a call's success for the lot's agreement."""

    def scheduled(self, cell: CellRow) -> CellRow:
        return cell._replace(due_ms=None)

    def take_result(self, value: dict[str, Any]) -> None:
        """Ignore the results of commands."""


@breaks("CONV-DRAIN")
class AsksRegardless(ReferenceClient):
    """Asks about an open window every two minutes, whatever is coming."""

    def heard(self, record: Stored) -> None:
        self._store.heard(record, self.now_ms(), due_ms=0, give_up_after=0)

    def scheduled(self, cell: CellRow) -> CellRow:
        cell = super().scheduled(cell)
        is_open = cell.due_ms == self.now_ms() + AGAIN_MS
        return cell._replace(due_ms=self.now_ms() + 2 * MINUTE) if is_open else cell


@breaks("CONV-MIN-INTERVAL")
class AsksOnHearing(ReferenceClient):
    """Asks again as soon as something comes for a window."""

    def heard(self, record: Stored) -> None:
        self._store.heard(record, self.now_ms(), self.now_ms(), GIVE_UP_AFTER)


@breaks("CONV-NO-TRIGGER")
class AsksForEachMessage(KnowsItsCells):
    """Asks in the message handler, once for each message."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._records: list[Stored] = []

    def take_record(self, record: Stored) -> None:
        super().take_record(record)
        self._records.append(record)

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        """Ask about the cells of the new records, unless their lot has been silent often enough."""
        super().take_frames(socket, frames)
        records, self._records = self._records, []
        for record in records:
            lot = next((lot for lot in self._store.lots() if lot.device_id == record.device_id and not lot.state), None)
            cells = [cell for cell in self.asked_cells(record) if cell.silent < ALIKE]
            if lot is not None and cells:
                self.try_to_ask(lot, record.data_type, cells)


@breaks("CONV-GIVE-UP")
class NeverGivesUp(ReferenceClient):
    """Asks about a window until the counts agree, however often that was useless."""

    def asked(self, cell: CellRow, count: int, sn: str) -> CellRow:
        return super().asked(cell._replace(fruitless=0), count, sn)


@breaks("CONV-OTHERS")
class OneAfterTheOther(ReferenceClient):
    """Asks about no other window of a lot while one does not agree."""

    def cells_to_ask(self, device_id: str, data_type: int, window: Window | None) -> list[CellRow]:
        """Only the due cells with a fruitless ask, if the lot has any such cell."""
        due = super().cells_to_ask(device_id, data_type, window)
        known = self._store.cells_between(device_id, data_type, 0, self.now_ms())
        return [cell for cell in due if cell.fruitless] if any(cell.fruitless for cell in known) else due

    def wakes_at(self) -> int:
        """A minute from now at the earliest: what is due may have to wait for another cell."""
        later = self._machine_ms + MINUTE
        return max(super().wakes_at() or later, later)


@breaks("CONV-MONOTONE")
class ReadsAnOldCopy(ReferenceClient):
    """Takes every other count of a window from a copy of the store that has been standing still since the start."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._asks: Counter[tuple[object, ...]] = Counter()

    def count(self, cell: CellRow) -> int:
        self._asks[cell[:4]] += 1
        return super().count(cell) if self._asks[cell[:4]] % 2 else 0


class PlanInMemory(RecordStore):
    """Starts without a plan: deletes cells and lots, keeps the records."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._db.executescript("DELETE FROM cells; DELETE FROM lots")


@breaks("CONV-RESUME")
class ForgetsItsPlan(ReferenceClient):
    """Keeps in memory which windows are still open: a restart begins with the present."""

    store_kind = PlanInMemory


@breaks("CONV-JITTER")
class AllAtOnce(ReferenceClient):
    """Asks all lots at the same moment."""

    def turn_ms(self, device_id: str) -> int:
        return 0


@breaks("CONV-BUDGET")
class OneCallForEachCell(ReferenceClient):
    """Makes a call for each window, and for each direction in it."""

    def try_to_ask(self, lot: LotRow, data_type: int, cells: Sequence[CellRow]) -> bool:
        return all(super(OneCallForEachCell, self).try_to_ask(lot, data_type, [cell]) for cell in cells)
