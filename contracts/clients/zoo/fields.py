"""Clients that go by a wrong field of a record, or by a wrong version of it."""

import json
from typing import Any

from contracts.clients.record_store import Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import JsonObject


def content_of(record: Stored) -> dict[str, Any]:
    """The inner fields of the message of a stored record."""
    content: dict[str, Any] = json.loads(record.content)
    return content


@breaks("CNT-EVENT-TIME")
class CountsBillsByEntering(ReferenceClient):
    """Puts a bill into the window in which the vehicle entered."""

    def take_record(self, record: Stored) -> None:
        entered = content_of(record).get("enterTime")
        super().take_record(record if entered is None else record._replace(event_ms=self.time_of(entered)))


@breaks("CNT-EVENT-TIME")
class CountsBillsByLeaving(ReferenceClient):
    """Puts a bill into the window in which the vehicle left."""

    def take_record(self, record: Stored) -> None:
        left = content_of(record).get("leaveTime")
        super().take_record(record if left is None else record._replace(event_ms=self.time_of(left)))


@breaks("CNT-NO-FILTER")
class LeavesOutUnpaidBills(ReferenceClient):
    """Stores no bill of which less was paid than was to pay."""

    def take_record(self, record: Stored) -> None:
        content = content_of(record)
        if content.get("paidAmount", 0) >= content.get("payableAmount", 0):
            super().take_record(record)


@breaks("CNT-CORRECTION")
class KeepsTheFirstVersion(ReferenceClient):
    """Ignores a record whose id it knows, also where it is corrected."""

    def keep(self, record: Stored) -> bool:
        return not self._store.has(record) and super().keep(record)


@breaks("CNT-CORRECTION")
class KeepsBothDirections(ReferenceClient):
    """Keeps entering and leaving passes in two tables: a corrected direction is a second record."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._first: dict[tuple[object, ...], int] = {}

    def take_record(self, record: Stored) -> None:
        is_first = self._first.setdefault(record[:3], record.direction) == record.direction
        super().take_record(record if is_first else record._replace(record_id=f"{record.record_id} turned"))
