"""Time zones: their UTC offset, and when their clocks change."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.run.run import Run
from mock_server.model import HOUR, SECOND

UTC = "UTC"


def offset_ms(tz: str, at_ms: int) -> int:
    """The UTC offset of a time zone at a time, in milliseconds; positive east of Greenwich."""
    if tz == UTC:
        return 0
    ahead = datetime.fromtimestamp(at_ms / SECOND, ZoneInfo(tz)).utcoffset()
    return (ahead or timedelta()) // timedelta(milliseconds=1)


def changes(tz: str, start_ms: int, end_ms: int) -> Iterator[int]:
    """The times, to the hour, at which the clocks of a time zone change within a span."""
    if tz == UTC:
        return
    before = offset_ms(tz, start_ms)
    for at in range(start_ms // HOUR * HOUR + HOUR, end_ms, HOUR):
        ahead = offset_ms(tz, at)
        if ahead != before:
            yield at
        before = ahead


def local_offset_ms(run: Run) -> int:
    """The UTC offset of the client's process at the begin of a run, in milliseconds."""
    return offset_ms(run.scenario.tz, run.entries[0].time) if run.entries else 0
