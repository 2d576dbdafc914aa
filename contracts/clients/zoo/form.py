"""Clients with a defect in the form of a request."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from contracts.client.interface import Window
from contracts.clients.record_store import NO_DIRECTION, CellRow, LotRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import CallError, VendorApi
from contracts.clients.zoo.registry import breaks

BILLS = 1


@breaks("FORM-PATH")
class AsksTheLane(ReferenceClient):
    """Asks the lane device that its last record named."""

    _lane = ""

    def take_record(self, record: Stored) -> None:
        self._lane = json.loads(record.content).get("laneDeviceId", self._lane)
        super().take_record(record)

    def path(self, device_id: str) -> str:
        return super().path(self._lane or device_id)


@breaks("FORM-PATH")
class AsksAnotherPath(ReferenceClient):
    """Writes the path of the command in the singular."""

    def path(self, device_id: str) -> str:
        return super().path(device_id).replace("records", "record")


@breaks("FORM-CASE")
class MixesSpellings(ReferenceClient):
    """Takes one key from the table of the vendor's page and the others from its example."""

    def key(self, name: str) -> str:
        self._camel = name != "data_type"
        return super().key(name)


@breaks("FORM-CASE-ADAPTS")
class KeepsItsSpelling(ReferenceClient):
    """Goes on in snake case with the next window where this cloud has refused it."""

    def key(self, name: str) -> str:
        return name

    def leave_alone(self, lot: LotRow, *_: object) -> None:
        """Ask no more about the windows so far, in place of leaving this lot."""
        self._store.stop_asking(lot.device_id, self.now_ms())


@breaks("FORM-TYPES")
class SendsNumbersAsText(ReferenceClient):
    """Writes every number of an entry as text."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        return {name: str(value) for name, value in super().info(cell, count).items()}


@breaks("FORM-TYPES")
class SendsFractions(ReferenceClient):
    """Computes with fractions and sends times such as 1652777782808.0."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        times = {self.key("start_time"): float(cell.start_ms), self.key("end_time"): float(cell.end_ms)}
        return super().info(cell, count) | times


@breaks("FORM-DATATYPE")
class SendsTypeInEachEntry(ReferenceClient):
    """Puts the data type into each entry and not beside the list."""

    def body(self, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> dict[str, Any]:
        body = super().body(data_type, cells, counts)
        name, infos = self.key("data_type"), self.key("record_sync_infos")
        return {infos: [{name: body[name], **info} for info in body[infos]]}


@breaks("FORM-DATATYPE")
class SendsTypesFromOne(ReferenceClient):
    """Counts the data types from 1 and calls bills 2."""

    def body(self, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> dict[str, Any]:
        return super().body(2 if data_type == BILLS else data_type, cells, counts)


@breaks("FORM-DIRECTION")
class OmitsDirection(ReferenceClient):
    """Sends passes without their direction."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        return super().info(cell._replace(direction=NO_DIRECTION), count)


@breaks("FORM-NO-DIRECTION")
class AlwaysSendsDirection(ReferenceClient):
    """Sends a direction for bills too."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        return super().info(cell._replace(direction=max(0, cell.direction)), count)


@breaks("FORM-LIST")
class SendsABareEntry(ReferenceClient):
    """Sends a single entry without a list around it."""

    def body(self, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> dict[str, Any]:
        body = super().body(data_type, cells[:1], counts[:1])
        infos = self.key("record_sync_infos")
        return body | {infos: body[infos][0]}


@breaks("FORM-LIST")
class SendsHeartbeats(ReferenceClient):
    """Sends each lot an empty list after each pass, to see whether it is there."""

    def reconcile(self, window: Window | None = None) -> None:
        super().reconcile(window)
        for device_id in self._lots:
            with suppress(CallError):
                self.ask(device_id, 0, [], [])


@breaks("FORM-COUNT")
class LeavesOutZero(ReferenceClient):
    """Leaves out a count of 0, as serialisers that omit empty fields do."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        name = self.key("total_count")
        return {key: value for key, value in super().info(cell, count).items() if value or key != name}


@breaks("FORM-COUNT")
class SendsMinusOne(ReferenceClient):
    """Says -1 where it has received nothing."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        return super().info(cell, count or -1)


@breaks("FORM-UNIQUE")
class ListsEachLane(ReferenceClient):
    """Builds its list for each of two lanes, and so names every cell twice."""

    def body(self, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> dict[str, Any]:
        return super().body(data_type, [*cells, *cells], [*counts, *counts])


@breaks("FORM-BATCH")
class AsksAllAtOnce(ReferenceClient):
    """Puts whatever is due into one request, however long that gets."""

    def cells_to_ask(self, device_id: str, data_type: int, window: Window | None) -> list[CellRow]:
        if window is not None:
            return super().cells_to_ask(device_id, data_type, window)
        return self._store.due_cells(device_id, data_type, self.now_ms(), 10_000)


class _SignsAnotherBody(VendorApi):
    def headers(self, method: str, target: str, body: bytes, token: str) -> dict[str, str]:
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode() if body else body
        return super().headers(method, target, compact, token)


@breaks("FORM-JSON")
class SignsAnotherBody(ReferenceClient):
    """Signs a compact serialisation of the body and sends one with spaces."""

    def make_api(self) -> VendorApi:
        return _SignsAnotherBody(self._exports, self._link, lambda: self._machine_ms)


class _SendsAForm(VendorApi):
    def headers(self, method: str, target: str, body: bytes, token: str) -> dict[str, str]:
        content_type = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        return super().headers(method, target, body, token) | content_type


@breaks("FORM-JSON")
class AnnouncesAForm(ReferenceClient):
    """Leaves the content type to an HTTP library that takes every body for a form."""

    def make_api(self) -> VendorApi:
        return _SendsAForm(self._exports, self._link, lambda: self._machine_ms)


class _SendsReprs(VendorApi):
    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.business("POST", path, repr(body).encode())


@breaks("FORM-JSON")
class SendsReprs(ReferenceClient):
    """Sends the text that its language prints for the body, which is not JSON."""

    def make_api(self) -> VendorApi:
        return _SendsReprs(self._exports, self._link, lambda: self._machine_ms)
