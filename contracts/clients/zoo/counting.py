"""Clients that count wrongly."""

import json
from typing import Any

from contracts.clients.record_store import NO_DIRECTION, CellRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE

ENTER, LEAVE = 0, 1
FRUITLESS = 2


@breaks("CNT-TRUTH")
class CountsOneMore(ReferenceClient):
    """Claims one more than it has."""

    def count(self, cell: CellRow) -> int:
        return super().count(cell) + 1


@breaks("CNT-RECORD-ID")
class CountsDeliveries(ReferenceClient):
    """Stores a row for every delivery."""

    _rows = 0

    def take_record(self, record: Stored) -> None:
        self._rows += 1
        super().take_record(record._replace(record_id=f"{record.record_id}#{self._rows}"))


@breaks("CNT-NOT-MSG-ID")
class CountsMessageIds(ReferenceClient):
    """Tells records apart by the message id."""

    _message_id = ""

    def take(self, frame: dict[str, Any]) -> bool:
        self._message_id = frame["messageId"]
        return super().take(frame)

    def take_record(self, record: Stored) -> None:
        super().take_record(record._replace(record_id=f"{record.record_id}#{self._message_id}"))


@breaks("CNT-NOT-COARSE")
class KeepsOneRecordForEachPlate(ReferenceClient):
    """Stores one row for each plate: a second pass takes the place of the first."""

    def take_record(self, record: Stored) -> None:
        super().take_record(record._replace(record_id=plate_of(record)))


@breaks("CNT-NOT-COARSE")
class KeepsOneRecordForEachPlateAndMinute(ReferenceClient):
    """Stores one row for each plate and minute: a vehicle that goes and comes back at once counts once."""

    def take_record(self, record: Stored) -> None:
        super().take_record(record._replace(record_id=f"{plate_of(record)} {record.event_ms // MINUTE}"))


@breaks("CNT-DIRECTION")
class CountsBothDirections(ReferenceClient):
    """Counts entering and leaving passes together."""

    def count(self, cell: CellRow) -> int:
        others = (ENTER, LEAVE) if cell.direction != NO_DIRECTION else (NO_DIRECTION,)
        return sum(map(super().count, (cell._replace(direction=each) for each in others)))


@breaks("CNT-DIRECTION")
class SwapsDirections(ReferenceClient):
    """Takes 0 for leave and 1 for enter."""

    def count(self, cell: CellRow) -> int:
        other = {ENTER: LEAVE, LEAVE: ENTER}.get(cell.direction, NO_DIRECTION)
        return super().count(cell._replace(direction=other))


@breaks("CNT-TYPE")
class CountsLeavingPassesAsBills(ReferenceClient):
    """Takes every vehicle that leaves for one that has paid."""

    def count(self, cell: CellRow) -> int:
        leaving = super().count(cell._replace(data_type=0, direction=LEAVE)) if cell.data_type else 0
        return super().count(cell) + leaving


@breaks("CNT-TYPE")
class CountsBillsAsLeavingPasses(ReferenceClient):
    """Takes every vehicle that has paid for one that leaves."""

    def count(self, cell: CellRow) -> int:
        bills = super().count(cell._replace(data_type=1, direction=NO_DIRECTION)) if cell.direction == LEAVE else 0
        return super().count(cell) + bills


@breaks("CNT-DEVICE")
class CountsTheWholeProject(ReferenceClient):
    """Counts the records of all lots."""

    def count(self, cell: CellRow) -> int:
        return sum(map(super().count, (cell._replace(device_id=each) for each in self._lots)))


@breaks("CNT-EVENT-TIME")
class CountsByArrival(ReferenceClient):
    """Puts a record into the window in which it was stored."""

    def take_record(self, record: Stored) -> None:
        super().take_record(record._replace(event_ms=self.now_ms()))


@breaks("CNT-REREPORT-TIME")
class TakesTheMessagesTimeForRereports(ReferenceClient):
    """Puts a record of a window that has been closed already into the window of its message."""

    _message_ms = 0

    def take_status(self, device_id: str, status: dict[str, Any]) -> None:
        self._message_ms = status["t"]
        super().take_status(device_id, status)

    def take_record(self, record: Stored) -> None:
        is_old = record.event_ms < self.closed_until()
        super().take_record(record._replace(event_ms=self._message_ms) if is_old else record)


@breaks("CNT-NO-FILTER")
class LeavesOutRecordsWithoutPlate(ReferenceClient):
    """Stores no record without a plate."""

    def take_record(self, record: Stored) -> None:
        if plate_of(record):
            super().take_record(record)


@breaks("CNT-NO-FILTER")
class LeavesOutBillsOfNothing(ReferenceClient):
    """Stores no bill on which nothing was paid."""

    def take_record(self, record: Stored) -> None:
        if json.loads(record.content).get("paidAmount") != 0:
            super().take_record(record)


@breaks("CNT-NO-FILTER")
class LeavesOutWhiteLists(ReferenceClient):
    """Stores no pass of a vehicle on a white list: it will not pay."""

    def take_record(self, record: Stored) -> None:
        if json.loads(record.content).get("carType") != 0:
            super().take_record(record)


@breaks("CNT-FRESH")
class KeepsTheFirstCount(ReferenceClient):
    """Counts a cell once, when its window has closed, and claims the same ever after."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._counts: dict[tuple[object, ...], int] = {}

    def count(self, cell: CellRow) -> int:
        return self._counts.setdefault(cell[:5], super().count(cell))


@breaks("CNT-CORRECTION")
class CountsCorrectionsAgain(ReferenceClient):
    """Stores each version of a record in a row of its own."""

    def take_record(self, record: Stored) -> None:
        super().take_record(record._replace(record_id=f"{record.record_id} {plate_of(record)}"))


@breaks("CNT-SNAPSHOT")
class CountsInALaggingCopy(ReferenceClient):
    """Counts in a copy that lacks what was stored in the last ten minutes."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._stored: dict[str, tuple[int, Stored]] = {}

    def take_record(self, record: Stored) -> None:
        super().take_record(record)
        self._stored.setdefault(record.record_id, (self.now_ms(), record))

    def count(self, cell: CellRow) -> int:
        recent = (stored for at_ms, stored in self._stored.values() if self.now_ms() - at_ms < 10 * MINUTE)
        return super().count(cell) - sum(is_in(cell, stored) for stored in recent)


@breaks("CNT-PAGING")
class CountsOnePage(ReferenceClient):
    """Counts the first thousand records."""

    def count(self, cell: CellRow) -> int:
        return min(1000, super().count(cell))


@breaks("CNT-QUARANTINE")
class RefusesUnreadableMessagesForEver(ReferenceClient):
    """Asks again and again for a message that it cannot read."""

    def asks_again(self, message_id: str) -> bool:
        return True


@breaks("CNT-NO-LIE")
class ClaimsWhatTheLotWants(ReferenceClient):
    """Claims, once a lot has contradicted three times, as many records as it reports."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._came: dict[tuple[int, str], Stored] = {}

    def take_record(self, record: Stored) -> None:
        super().take_record(record)
        self._came[self.now_ms(), record.record_id] = record

    def count(self, cell: CellRow) -> int:
        if cell.fruitless < FRUITLESS:
            return super().count(cell)
        return sum(at_ms >= cell.asked_ms and is_in(cell, record) for (at_ms, _), record in self._came.items())


def plate_of(record: Stored) -> str:
    """The plate of a stored record."""
    return str(json.loads(record.content)["plateNo"])


def is_in(cell: CellRow, record: Stored) -> bool:
    """Whether a record is of a cell's lot, data type and direction, and inside its window."""
    is_line = (record.device_id, record.data_type, record.direction) == cell[:3]
    return is_line and cell.start_ms <= record.event_ms < cell.end_ms
