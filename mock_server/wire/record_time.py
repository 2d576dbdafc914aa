"""How a lot writes the times of its records into messages: the vendor does not say, so a profile does."""

from datetime import UTC, datetime
from typing import Literal, TypeAlias

from mock_server.model import HOUR, LATEST_MS, MINUTE, SECOND

RecordTime: TypeAlias = Literal["ms", "s", "text", "iso"]
"""Epoch milliseconds; epoch seconds; `2026-03-02 16:10:00`; `2026-03-02T16:10:00.000+08:00`."""

LOT_OFFSET_MS = 8 * HOUR
"""Texts are in Beijing time, which has no summer time: the lots of this family stand there."""


def iso_time(at_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 text in UTC; behind the year 9999 as the number that they are."""
    if at_ms > LATEST_MS:
        return f"{at_ms} ms"
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def written_time(at_ms: int, form: RecordTime, *, leap_second: bool = False) -> int | str:
    """Epoch milliseconds as a lot writes them. Seconds and plain text have no room for milliseconds.

    With `leap_second` a text at a full minute is written as second 60 of the minute before: the same moment.
    """
    if leap_second and form in ("text", "iso") and at_ms % MINUTE < SECOND <= at_ms:
        before = str(written_time(at_ms - SECOND, form))
        return f"{before[:17]}60{before[19:]}"
    if form == "ms":
        return at_ms
    if form == "s":
        return at_ms // 1000
    if at_ms > LATEST_MS - LOT_OFFSET_MS:
        return f"{at_ms} ms"
    there = iso_time(at_ms + LOT_OFFSET_MS)
    return there[:19].replace("T", " ") if form == "text" else there.removesuffix("Z") + "+08:00"
