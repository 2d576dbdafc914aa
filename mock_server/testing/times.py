"""Times as tests write them."""

from datetime import datetime


def epoch_ms(at: int | datetime) -> int:
    """Epoch milliseconds of a time. ValueError for a datetime without a time zone."""
    if not isinstance(at, datetime):
        return at
    if at.tzinfo is None:
        raise ValueError("a datetime must have a time zone")
    return round(at.timestamp() * 1000)
