"""Clients that take different records for one, by what they take for the identity of a record."""

from collections.abc import Hashable

from contracts.clients.record_store import Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import plate_of
from contracts.clients.zoo.registry import breaks
from mock_server.model import SECOND, JsonObject

ID_LENGTH = 20
"""How many signs of an id a client compares."""

DOUBLE_MS = 3 * SECOND


class _KnownByAKey(ReferenceClient):
    """Ignores a record if one with the same key and another id is known."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._first: dict[Hashable, tuple[str, ...]] = {}

    def key_of(self, record: Stored) -> Hashable:
        """What this client takes for the identity of a record."""
        raise NotImplementedError

    def take_record(self, record: Stored) -> None:
        own = (record.device_id, str(record.data_type), record.record_id)
        if self._first.setdefault(self.key_of(record), own) == own:
            super().take_record(record)


@breaks("CNT-NOT-COARSE")
class IgnoresTheCaseOfIds(_KnownByAKey):
    """Keeps ids in a column that compares without upper and lower case."""

    def key_of(self, record: Stored) -> Hashable:
        return (*record[:2], record.record_id.casefold())


@breaks("CNT-NOT-COARSE")
class CutsIdsShort(_KnownByAKey):
    """Compares the first twenty signs of ids."""

    def key_of(self, record: Stored) -> Hashable:
        return (*record[:2], record.record_id[:ID_LENGTH])


@breaks("CNT-NOT-COARSE")
class TrimsIds(_KnownByAKey):
    """Takes the blanks around an id for a mistake of the lot."""

    def key_of(self, record: Stored) -> Hashable:
        return (*record[:2], record.record_id.strip())


@breaks("CNT-NOT-COARSE")
class ReadsIdsAsNumbers(_KnownByAKey):
    """Compares ids that are digits as numbers, without their leading zeros."""

    def key_of(self, record: Stored) -> Hashable:
        return (*record[:2], int(record.record_id) if record.record_id.isdigit() else record.record_id)


@breaks("CNT-DEVICE")
class KeysByIdOverLots(_KnownByAKey):
    """Takes an id for unique over all lots: a record of another lot with a known id is known."""

    def key_of(self, record: Stored) -> Hashable:
        return record[1:3]


@breaks("CNT-TYPE")
class KeysByIdOverTypes(_KnownByAKey):
    """Takes an id for unique over passes and bills: the second one of an id is known."""

    def key_of(self, record: Stored) -> Hashable:
        return (record.device_id, record.record_id)


@breaks("CNT-NOT-COARSE")
class KeysByPlateAndTime(_KnownByAKey):
    """Takes records of one plate at one time for one: nobody passes twice in a millisecond."""

    def key_of(self, record: Stored) -> Hashable:
        return (record.device_id, record.data_type, plate_of(record), record.event_ms)


@breaks("CNT-NOT-COARSE")
class DropsDoubleReadings(ReferenceClient):
    """Takes two passes of a plate within three seconds for one, whatever is between the signs of the plate."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._seen: list[tuple[Hashable, int, str]] = []

    def take_record(self, record: Stored) -> None:
        plate = "".join(filter(str.isalnum, plate_of(record))).upper()
        line = (*record[:2], record.direction, plate)
        self._seen.append((line, record.event_ms, record.record_id))
        near = [each for each in self._seen if each[0] == line and abs(each[1] - record.event_ms) < DOUBLE_MS]
        if near[0][2] == record.record_id:
            super().take_record(record)
