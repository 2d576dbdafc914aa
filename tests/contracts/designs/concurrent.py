"""What clients have in common that receive beside their questions: a lock around the store, calls without it."""

import threading
import time
from collections.abc import Sequence

from contracts.client.interface import ClockKind, DumpedRecord, Effect, Start, Window
from contracts.clients.record_store import CellRow, LotRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import AnswerKind, CallError
from mock_server.model import JsonObject

CONNECT_S = 20
RETRIES_S = (0.02, 0.05)
"""The pauses before a call that failed in passing is repeated, in real time."""


class ConcurrentClient(ReferenceClient):
    """Subclasses receive by themselves, from `listen` on, and take messages under `lock`."""

    clock: ClockKind = "real"

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self.lock = threading.RLock()
        self.connected = threading.Event()
        self.ended = threading.Event()

    def start(self, start: Start) -> None:
        """Start; it has answered only once it is connected."""
        super().start(start)
        self.connected.wait(CONNECT_S)

    def connect(self) -> None:
        """Begin to receive, in whatever runs beside."""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Receive until the end, over one connection after the other."""
        raise NotImplementedError

    def pauses(self, lost: int) -> float:
        """The seconds before a lost connection is opened again, after so many losses in a row."""
        return min(5.0, 0.1 * (1 << lost))

    def receive(self) -> None:
        """What has come was taken beside."""

    def wakes_at(self) -> int | None:
        """As the plan has it: a lost connection is no matter of the plan."""
        with self.lock:
            due = None if self._stopped else self._store.next_due_ms()
        moments = [self.next_close(), *([] if due is None else [max(due, self._not_before)])]
        return max(self._machine_ms + 1, min(moments) - (self.now_ms() - self._machine_ms))

    def plan(self) -> None:
        """Plan under the lock."""
        with self.lock:
            super().plan()

    def reconcile(self, window: Window | None = None) -> None:
        """Ask each lot; the lock is not held while a call is on its way."""
        with self.lock:
            lots = self._store.lots()
        for lot in lots:
            for data_type in (0, 1):
                if self._stopped or self.now_ms() < self._not_before or lot.state or self.now_ms() < lot.retry_ms:
                    break
                with self.lock:
                    cells = self.cells_to_ask(lot.device_id, data_type, window)
                if cells and not self.try_to_ask(lot, data_type, cells):
                    break

    def try_to_ask(self, lot: LotRow, data_type: int, cells: Sequence[CellRow]) -> bool:
        """Count, ask without the lock, and take what the cells are by then."""
        with self.lock:
            counts = [self.count(cell) for cell in cells]
        try:
            sn = self.ask_with_patience(lot.device_id, data_type, cells, counts)
        except CallError as error:
            with self.lock:
                self.failed(lot, error)
            return False
        self._failures = 0
        with self.lock, self._store.transaction():
            self._store.put_lot(self.lot_now(lot)._replace(tries=0, retry_ms=0))
            for cell, count in zip(cells, counts, strict=True):
                self._store.put_cell(self.asked(self.cell_now(cell), count, sn))
        return True

    def ask_with_patience(self, device_id: str, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> str:
        """Repeat what failed in passing after a pause in real time, as retry libraries do."""
        for pause_s in RETRIES_S:
            try:
                return self.ask(device_id, data_type, cells, counts)
            except CallError as error:
                if error.kind not in (AnswerKind.LATER, AnswerKind.BUSY):
                    raise
            time.sleep(pause_s)
        return self.ask(device_id, data_type, cells, counts)

    def lot_now(self, lot: LotRow) -> LotRow:
        """A lot as it is stored now."""
        return next(each for each in self._store.lots() if each.device_id == lot.device_id)

    def cell_now(self, cell: CellRow) -> CellRow:
        """A cell as it is stored now: a message of it may have come meanwhile."""
        near = self._store.cells_between(cell.device_id, cell.data_type, cell.start_ms, cell.end_ms)
        return next(each for each in near if each.start_ms == cell.start_ms and each.direction == cell.direction)

    def dump(self) -> list[DumpedRecord]:
        """Every record that is stored."""
        with self.lock:
            return super().dump()

    def effects(self) -> list[Effect]:
        """The effects."""
        with self.lock:
            return super().effects()

    def stop(self) -> None:
        """End."""
        self.ended.set()
        with self.lock:
            self._store.close()
