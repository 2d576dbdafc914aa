"""Clients that are wrong on some days, or in a part of the day or of the hour."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.clients.messages import BEIJING
from contracts.clients.record_store import CellRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import HOUR, MINUTE, SECOND

OPENS, CLOSES = 6, 22
"""The hours of the day, in Beijing time, between which a lot is taken to be open."""

FRIDAY = 4


def in_beijing(at_ms: int) -> datetime:
    """Epoch milliseconds as Beijing time."""
    return datetime.fromtimestamp(at_ms / SECOND, BEIJING)


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * SECOND)


@breaks("WIN-NO-GAP")
class SleepsAtNight(ReferenceClient):
    """Asks about no hour of the night: nobody parks then."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        for start, end in super().windows(from_ms, until_ms):
            if OPENS <= in_beijing(start + MINUTE).hour < CLOSES:
                yield start, end


@breaks("WIN-NO-GAP")
class RestsAtWeekends(ReferenceClient):
    """Asks about working days only."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        for start, end in super().windows(from_ms, until_ms):
            if in_beijing(start + MINUTE).weekday() <= FRIDAY:
                yield start, end


@breaks("WIN-NO-GAP")
class KnowsWindowsByDayAndHour(ReferenceClient):
    """Plans a window if its day of the month and its hour are later than those of the last one."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        before = in_beijing(from_ms - HOUR + MINUTE)
        for start, end in super().windows(from_ms, until_ms):
            at = in_beijing(start + MINUTE)
            if (at.day, at.hour) > (before.day, before.hour):
                yield start, end
                before = at


@breaks("CNT-EVENT-TIME")
class CountsInTheDayOfTheStart(ReferenceClient):
    """Keeps a table for each day in Beijing, and counts a window in the table of the day in which it starts."""

    def count(self, cell: CellRow) -> int:
        midnight = in_beijing(cell.start_ms).replace(hour=0, minute=0, second=0, microsecond=0)
        next_ms = _epoch_ms(midnight + timedelta(days=1))
        return super().count(cell._replace(end_ms=min(cell.end_ms, next_ms)))


@breaks("CNT-EVENT-TIME")
class CountsInTheMonthOfTheStart(ReferenceClient):
    """Keeps a table for each month in Beijing, and counts a window in the table of the month in which it starts."""

    def count(self, cell: CellRow) -> int:
        start, end = in_beijing(cell.start_ms), in_beijing(cell.end_ms)
        if start.month != end.month:
            cell = cell._replace(end_ms=_epoch_ms(end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)))
        return super().count(cell)


@breaks("CNT-EVENT-TIME")
class CountsToMinute59(ReferenceClient):
    """Counts a window up to the beginning of its last minute."""

    def count(self, cell: CellRow) -> int:
        return super().count(cell._replace(end_ms=cell.end_ms - MINUTE))
