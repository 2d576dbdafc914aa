"""The form of record times in messages, a choice of the profile: the vendor does not document it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TypeAlias

from mock_server.model import HOUR, LATEST_MS, MINUTE, SECOND

RecordTime: TypeAlias = Literal["ms", "s", "text", "iso"]
"""The forms: epoch milliseconds; epoch seconds; `2026-03-02 16:10:00`; `2026-03-02T16:10:00.000+08:00`."""

LOT_OFFSET_MS = 8 * HOUR
"""The offset of the text forms: Beijing time, which has no summer time (our choice: the vendor's lots are in China)."""


def iso_time(at_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 text in UTC; `N ms` after the year 9999."""
    if at_ms > LATEST_MS:
        return f"{at_ms} ms"
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(64)
def _to_the_second(seconds: int) -> str:
    # Kept for the next time: what is sent now was mostly published in the same second.
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def written_time(at_ms: int, form: RecordTime, *, leap_second: bool = False) -> int | str:
    """Epoch milliseconds in one of the forms. `s` and `text` cut off the milliseconds.

    With `leap_second` a text within the first second of a minute is written as second 60 of the minute before, which
    is the same time.
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
