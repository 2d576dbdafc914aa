"""One lot as a Python object: vehicles enter and leave, bills are paid, each record with a fate on the uplink."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mock_server.doubts import doubt_of_time, warn_of
from mock_server.model import Cell, DataType, Fate, JsonObject, JsonScalar, PassDirection, Record
from mock_server.testing.times import epoch_ms

if TYPE_CHECKING:
    from mock_server.testing.parking import Parking


class Lot:
    """One lot of a parking cloud."""

    def __init__(self, parking: "Parking", device_id: str) -> None:
        self._parking = parking
        self.device_id = device_id

    def __repr__(self) -> str:
        return f"<Lot {self.device_id}>"

    def enter(
        self,
        plate_no: str = "",
        *,
        at: int | datetime | None = None,
        uplink: Fate | Mapping[str, int] = None,
        record_id: str | None = None,
        **details: JsonScalar,
    ) -> Record:
        """A vehicle enters. `at` is epoch milliseconds or an aware datetime, now by default.

        ValueError says what is wrong; `DoubtfulValueWarning` that a time is surely in another unit, such as seconds.
        `uplink` is "deliver", "lose", "duplicate", a delay in ms or `{"delay_ms": n}`; None leaves it to the faults.
        """
        return self._keep(DataType.PASS, PassDirection.ENTER, plate_no, at, uplink, record_id, details)

    def leave(
        self,
        plate_no: str = "",
        *,
        at: int | datetime | None = None,
        uplink: Fate | Mapping[str, int] = None,
        record_id: str | None = None,
        **details: JsonScalar,
    ) -> Record:
        """A vehicle leaves; the arguments are those of `enter`."""
        return self._keep(DataType.PASS, PassDirection.LEAVE, plate_no, at, uplink, record_id, details)

    def bill(
        self,
        plate_no: str = "",
        *,
        at: int | datetime | None = None,
        uplink: Fate | Mapping[str, int] = None,
        record_id: str | None = None,
        **details: JsonScalar,
    ) -> Record:
        """A parking bill is paid at `at`; further fields are those of a bill, such as `paid_amount` in fen."""
        return self._keep(DataType.BILL, None, plate_no, at, uplink, record_id, details)

    def records(self, data_type: DataType | int | None = None) -> list[Record]:
        """The lot's records."""
        kept = self._parking.records
        return [each for each in kept if each.device_id == self.device_id and data_type in (None, each.data_type)]

    def count(self, start: int | datetime, end: int | datetime, pass_direction: int | None = 0) -> int:
        """The lot's own count of a window; of bills when `pass_direction` is None. Times are those of `enter`."""
        first, last = epoch_ms(start), epoch_ms(end)
        warn_of(doubt for doubt in (doubt_of_time("start", first), doubt_of_time("end", last)) if doubt)
        kind = DataType.BILL if pass_direction is None else DataType.PASS
        direction = None if pass_direction is None else PassDirection(pass_direction)
        cell = Cell(self.device_id, kind, direction, first, last)
        return self._parking.run(lambda: self._parking.project.lots.count(cell))

    def delete(self, record: Record) -> None:
        """Delete a record at the lot: it no longer counts it, and sends no message about it."""
        self._parking.run(lambda: self._parking.project.lots.remove(record.key))

    def go_offline(self) -> None:
        """Be off line until `go_online`."""
        self._parking.change_device(self.device_id, online=False)

    def go_online(self) -> None:
        """Be on line."""
        self._parking.change_device(self.device_id, online=True)

    def _keep(
        self,
        data_type: DataType,
        direction: PassDirection | None,
        plate_no: str,
        at: int | datetime | None,
        uplink: Fate | Mapping[str, int],
        record_id: str | None,
        details: Mapping[str, JsonScalar],
    ) -> Record:
        given = {"data_type", "pass_direction", "event_time"} & set(details)
        if given:
            raise ValueError(f"{', '.join(sorted(given))}: enter, leave or bill says what it is, and at says when")
        record: JsonObject = {"data_type": int(data_type), "plate_no": plate_no, **details}
        record["event_time"] = self._parking.clock.now_ms if at is None else epoch_ms(at)
        record |= {} if direction is None else {"pass_direction": int(direction)}
        record |= {} if record_id is None else {"record_id": record_id}
        if uplink is not None:
            is_delay = isinstance(uplink, int) and not isinstance(uplink, bool)
            record["uplink"] = {"delay_ms": uplink} if is_delay else uplink
        return self._parking.keep(self.device_id, record)
