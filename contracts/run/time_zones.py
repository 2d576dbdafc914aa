"""Time zones: how far one is ahead of UTC, and when its clocks change."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.run.run import Run
from mock_server.model import HOUR, SECOND

UTC = "UTC"


def offset_ms(tz: str, at_ms: int) -> int:
    """How far a time zone is ahead of UTC at a time."""
    if tz == UTC:
        return 0
    ahead = datetime.fromtimestamp(at_ms / SECOND, ZoneInfo(tz)).utcoffset()
    return (ahead or timedelta()) // timedelta(milliseconds=1)


def changes(tz: str, start_ms: int, end_ms: int) -> Iterator[int]:
    """When the clocks of a time zone change within a span, to the hour."""
    if tz == UTC:
        return
    before = offset_ms(tz, start_ms)
    for at in range(start_ms // HOUR * HOUR + HOUR, end_ms, HOUR):
        ahead = offset_ms(tz, at)
        if ahead != before:
            yield at
        before = ahead


def local_offset_ms(run: Run) -> int:
    """How far the zone of the client's process is ahead of UTC when a run begins."""
    return offset_ms(run.scenario.tz, run.entries[0].time) if run.entries else 0
