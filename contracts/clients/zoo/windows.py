"""Clients with a defect in planning windows."""

from collections.abc import Iterator, Sequence
from typing import Any

from contracts.client.interface import Start
from contracts.clients.record_store import CellRow, LotRow
from contracts.clients.reference import BATCH, ReferenceClient
from contracts.clients.vendor_api import CallError
from contracts.clients.zoo.registry import breaks
from mock_server.model import HOUR, MINUTE


@breaks("WIN-MAX24")
class MakesOneWindowOfADowntime(ReferenceClient):
    """Asks about everything since the last window in one window, however long that is."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        yield from_ms, until_ms


@breaks("WIN-POSITIVE")
class SwapsEnds(ReferenceClient):
    """Writes the end of a window as its start, and its start as its end."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        return super().info(cell._replace(start_ms=cell.end_ms, end_ms=cell.start_ms), count)


@breaks("WIN-NO-GAP")
class BeginsNow(ReferenceClient):
    """Begins each window when it is planned, some minutes after the last one ended."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((start + self.grace_ms, end) for start, end in super().windows(from_ms, until_ms))


@breaks("WIN-ZERO")
class GroupsByHour(ReferenceClient):
    """Plans windows from its own rows, one a group: where there is no row, there is no group."""

    def cells_of(self, device_id: str, start: int, until: int) -> Iterator[tuple[str, int, int, int, int, int]]:
        return (cell for cell in super().cells_of(device_id, start, until) if self._store.count(*cell[:5]))


@breaks("WIN-CATCHUP")
class SkipsDowntimes(ReferenceClient):
    """Goes on with the current hour after a restart, as if it had never been down."""

    def start(self, start: Start) -> None:
        super().start(start)
        for lot in self._store.lots():
            self._store.put_lot(lot._replace(planned_ms=max(lot.planned_ms, self.window_start(self.now_ms()))))


@breaks("WIN-CATCHUP")
class CatchesUpInAFlood(ReferenceClient):
    """Makes a call for every cell, all that are due in one moment."""

    def try_to_ask(self, lot: LotRow, data_type: int, cells: Sequence[CellRow]) -> bool:
        return all(super(CatchesUpInAFlood, self).try_to_ask(lot, data_type, [cell]) for cell in cells)


@breaks("WIN-STABLE")
class MovesWindowsOnRetry(ReferenceClient):
    """Reckons the windows of a failed call anew when it repeats it."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        super().failed(lot, error)
        for data_type in (0, 1):
            for cell in self._store.due_cells(lot.device_id, data_type, self.now_ms(), BATCH):
                self._store.put_cell(cell._replace(due_ms=None))
                moved = cell._replace(start_ms=cell.start_ms + MINUTE, end_ms=cell.end_ms + MINUTE)
                self._store.put_cell(moved)


@breaks("WIN-BOUNDARY")
class CountsBetween(ReferenceClient):
    """Counts with BETWEEN start AND end, whatever the lot does with a record at a boundary."""

    def count(self, cell: CellRow) -> int:
        return self._store.count(*cell[:4], cell.end_ms + 1)


@breaks("WIN-BOUNDARY-SAFE")
class CutsAtFullHours(ReferenceClient):
    """Begins its windows at the full hour, where records lie."""

    def window_start(self, at_ms: int) -> int:
        return at_ms // HOUR * HOUR


@breaks("WIN-OVERLAP")
class SlidesItsWindows(ReferenceClient):
    """Asks about an hour every ten minutes."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((end - HOUR, end) for end in range(from_ms + 10 * MINUTE, until_ms + 1, 10 * MINUTE))


@breaks("WIN-GRACE")
class AsksAtOnce(ReferenceClient):
    """Asks about a window in the moment in which it ends."""

    grace_ms = 0


@breaks("WIN-REVISIT")
class NeverComesBack(ReferenceClient):
    """Is done with a window once the lot has been silent about it."""

    def scheduled(self, cell: CellRow) -> CellRow:
        return super().scheduled(cell._replace(visited=1))


@breaks("WIN-HORIZON")
class GoesBackForEver(ReferenceClient):
    """Asks about every hour since it was installed, however long ago."""

    horizon_ms = 10**12
