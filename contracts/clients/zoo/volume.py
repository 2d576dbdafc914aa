"""Clients that are right as long as there is little to do."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from contracts.client.interface import Socket, Window
from contracts.clients.record_store import CellRow, RecordStore, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.receiving import KeylessStore
from contracts.clients.zoo.registry import breaks

CACHED, KEPT, AT_ONCE = 100, 500, 200


@breaks("REC-UPSERT")
class RemembersAHundredIds(ReferenceClient):
    """Knows a record by a cache of the last hundred ids, and keeps rows in a table without a unique key."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._ids: OrderedDict[tuple[object, ...], None] = OrderedDict()

    store_kind = KeylessStore

    def keep(self, record: Stored) -> bool:
        is_known = record[:3] in self._ids
        self._ids[record[:3]] = None
        self._ids.move_to_end(record[:3])
        if len(self._ids) > CACHED:
            self._ids.popitem(last=False)
        return not is_known and super().keep(record)


class ShortStore(RecordStore):
    """Keeps the newest records only."""

    def keep(self, record: Stored) -> bool:
        is_new = super().keep(record)
        self._db.execute(
            f"""DELETE FROM records WHERE record_id IN (SELECT record_id FROM records
                ORDER BY event_ms DESC, record_id LIMIT -1 OFFSET {KEPT})"""  # noqa: S608 a constant
        )
        return is_new


@breaks("CNT-PAGING")
class KeepsTheNewestRecords(ReferenceClient):
    """Keeps five hundred records: older ones make room for newer ones."""

    store_kind = ShortStore


@breaks("CNT-TRUTH")
class DropsAboveTheHighWater(ReferenceClient):
    """Puts two hundred messages into its queue at a time, and acknowledges the others without a look at them."""

    def receive(self) -> None:
        self._taken = 0
        super().receive()

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        room = max(0, AT_ONCE - self._taken)
        self._taken += len(frames)
        super().take_frames(socket, frames[:room])
        for frame in frames[room:]:
            self.answer_frame(socket, frame, is_done=True)


@breaks("WIN-CATCHUP")
class AsksForOneBatch(ReferenceClient):
    """Asks about the first batch of what is due, and takes the rest for asked about too."""

    def cells_to_ask(self, device_id: str, data_type: int, window: Window | None) -> list[CellRow]:
        batch = super().cells_to_ask(device_id, data_type, window)
        for cell in self._store.due_cells(device_id, data_type, self.now_ms(), 10_000):
            if cell not in batch:
                self._store.put_cell(cell._replace(due_ms=None))
        return batch
