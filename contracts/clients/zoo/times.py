"""Clients with a defect in time."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contracts.client.interface import Start
from contracts.clients.record_store import CellRow, Stored
from contracts.clients.reference import BOUNDARY_MS, ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import HOUR, SECOND


class _InAZone(ReferenceClient):
    """Knows the time zone of its process, which the reference client does not need."""

    def start(self, start: Start) -> None:
        self._zone = ZoneInfo(start.tz)
        super().start(start)

    def ahead_ms(self, at_ms: int) -> int:
        """Milliseconds by which the zone is ahead of UTC at a time."""
        ahead = datetime.fromtimestamp(at_ms / SECOND, self._zone).utcoffset()
        return (ahead or timedelta()) // timedelta(milliseconds=1)

    def midnight(self, at_ms: int) -> datetime:
        """The start of the local day of a time."""
        return datetime.combine(datetime.fromtimestamp(at_ms / SECOND, self._zone), time(), self._zone)


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * SECOND)


@breaks("TIME-MS")
class SendsSeconds(ReferenceClient):
    """Sends the bounds of its windows in seconds."""

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        start_ms, end_ms = cell.start_ms // SECOND, cell.end_ms // SECOND
        return super().info(cell._replace(start_ms=start_ms, end_ms=end_ms), count)


@breaks("TIME-WHOLE-MS")
class StoresWholeSeconds(ReferenceClient):
    """Stores the times of records in a column that knows whole seconds only."""

    def time_of(self, value: object) -> int:
        return super().time_of(value) // SECOND * SECOND


@breaks("TIME-ZONE")
class PlansInLocalTime(_InAZone):
    """Plans its windows by the local time and takes that for UTC."""

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms(super().now_ms())


@breaks("TIME-ZONE")
class StoresLocalTimes(_InAZone):
    """Stores the times of records as local times without a zone, and reads them as UTC."""

    def time_of(self, value: object) -> int:
        at_ms = super().time_of(value)
        return at_ms + self.ahead_ms(at_ms)


@breaks("TIME-DST")
class PlansLocalDays(_InAZone):
    """Asks about whole days, from one local midnight to the next."""

    def window_start(self, at_ms: int) -> int:
        return _epoch_ms(self.midnight(at_ms))

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        while from_ms < until_ms:
            end_ms = _epoch_ms(self.midnight(from_ms) + timedelta(days=1))
            yield from_ms, end_ms
            from_ms = end_ms

    def next_close(self) -> int:
        return _epoch_ms(self.midnight(self.now_ms() - self.grace_ms) + timedelta(days=1)) + self.grace_ms


class _HoursOfTheWall(_InAZone):
    """Lists the hours of the day as a clock on the wall shows them."""

    def hours(self, from_ms: int, until_ms: int) -> Iterator[tuple[datetime, datetime]]:
        """The (start, end) of the wall clock's hours that start between two times."""
        hour = self.midnight(from_ms - BOUNDARY_MS) + timedelta(milliseconds=BOUNDARY_MS)
        while _epoch_ms(hour) < until_ms:
            if _epoch_ms(hour) >= from_ms:
                yield hour, hour + timedelta(hours=1)
            hour += timedelta(hours=1)


@breaks("TIME-DST")
class SkipsTheRepeatedHour(_HoursOfTheWall):
    """Lists the 24 hours of a local day, each one hour long: the one that comes twice is asked about once."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((_epoch_ms(start), _epoch_ms(start) + HOUR) for start, _ in self.hours(from_ms, until_ms))


@breaks("TIME-DST")
class AsksAboutTheMissingHour(_HoursOfTheWall):
    """Ends each hour where the clock on the wall is an hour further, which is at once where it is put forward."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((_epoch_ms(start), _epoch_ms(end)) for start, end in self.hours(from_ms, until_ms))


class _TrustsItsClock(ReferenceClient):
    def now_ms(self) -> int:
        return self._machine_ms


@breaks("TIME-SKEW-CLIENT")
class AsksAtTheClose(_TrustsItsClock):
    """Takes its own clock for right, and asks about a window as soon as that says that it has closed."""

    grace_ms = 0


@breaks("TIME-SKEW-LOT")
class MovesTheFutureToNow(ReferenceClient):
    """Stores a record whose time is ahead of now with the time of now."""

    def time_of(self, value: object) -> int:
        return min(super().time_of(value), self.now_ms())


@breaks("TIME-SKEW-LOT")
class DropsTheFuture(ReferenceClient):
    """Takes a record whose time is ahead of now for an error, and leaves it out."""

    def take_record(self, record: Stored) -> None:
        if record.event_ms <= self.now_ms():
            super().take_record(record)


@breaks("TIME-RECORD-FORM")
class ReadsTextAsLocalTime(_InAZone):
    """Reads a time that is a text as a time of the zone in which it runs."""

    def time_of(self, value: object) -> int:
        if not isinstance(value, str):
            return super().time_of(value)
        return _epoch_ms(datetime.fromisoformat(value).replace(tzinfo=self._zone))


@breaks("TIME-RECORD-FORM")
class TakesSecondsForMilliseconds(ReferenceClient):
    """Takes every time that is a number for milliseconds."""

    def time_of(self, value: object) -> int:
        return value if isinstance(value, int) else super().time_of(value)


@breaks("TIME-LEAP")
class DiesOfALeapSecond(ReferenceClient):
    """Reads times with a parser that raises at a second 60, and catches nothing."""

    def time_of(self, value: object) -> int:
        if ":60" in str(value):
            raise AssertionError(value)
        return super().time_of(value)


@breaks("TIME-STEP")
class GoesOnFromNow(_TrustsItsClock):
    """Begins its next window at the end of the last one and ends it now, whichever of the two comes first."""

    def plan(self) -> None:
        until = self.closed_until()
        for lot in self._store.lots():
            if lot.planned_ms != until and not lot.state:
                with self._store.transaction():
                    self._store.plan(self.cells_of(lot.device_id, lot.planned_ms, until), lot.device_id, until)

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return iter([(from_ms, until_ms)])
