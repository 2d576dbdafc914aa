"""Values that are allowed and yet surely not meant: times in another unit, a brand's code with a slip of the pen.

They are taken as they are, with a warning: in Python a `DoubtfulValueWarning`, over the lab API the header
`Parking-Mock-Warning`, at the start of `serve` a line on its standard error.
"""

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from mock_server.lots.seed import Seed
from mock_server.model import JIESHUN, LATEST_MS

WARNING = "Parking-Mock-Warning"
"""The header of the lab API's answer to a request with doubtful values."""

SECONDS = (1_000_000_000, 9_999_999_999)
"""Numbers that are seconds of the years 2001 to 2286, and milliseconds of the first months of 1970."""

MICROSECONDS_BELOW = 10**17
"""Microseconds of this era have 16 digits, nanoseconds 19."""

_SIMILAR = 0.75
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DoubtfulValueWarning(UserWarning):
    """A value was taken that can hardly be meant."""


def doubt_of_time(name: str, at_ms: int) -> str | None:
    """What is doubtful about a time in epoch milliseconds, as a sentence; None if nothing is."""
    if SECONDS[0] <= at_ms <= SECONDS[1]:
        return f"{name} {at_ms} is {_day(at_ms)} in epoch milliseconds: as seconds it would be {_day(at_ms * 1000)}"
    if at_ms > LATEST_MS:
        unit, factor = ("microseconds", 1_000) if at_ms < MICROSECONDS_BELOW else ("nanoseconds", 1_000_000)
        meant = at_ms // factor
        as_meant = f": as {unit} it would be {_day(meant)}" if meant <= LATEST_MS else ""
        return f"{name} {at_ms} is after the year 9999 in epoch milliseconds{as_meant}"
    return None


def doubts_of_record(fields: Mapping[str, object]) -> Iterator[str]:
    """What is doubtful about a record in the form of the lab API: its times."""
    for name in ("event_time", "enter_time", "leave_time"):
        at_ms = fields.get(name)
        if isinstance(at_ms, int) and (doubt := doubt_of_time(name, at_ms)):
            yield doubt


def doubts_of_code(code: object) -> Iterator[str]:
    """What is doubtful about a supplier code: that it is close to the only one that changes what a lot does."""
    if not isinstance(code, str) or code == JIESHUN:
        return
    if get_close_matches(code.strip().lower(), (JIESHUN,), cutoff=_SIMILAR):
        yield f'supplier_code "{code}" is a brand of its own, which takes records/sync: was "{JIESHUN}" meant?'


def doubts_of_seed(seed: Seed) -> Iterator[str]:
    """What is doubtful about the devices and records of a seed."""
    for device in seed.devices:
        yield from doubts_of_code(device.supplier_code)
    for record in seed.records:
        yield from doubts_of_record({"event_time": record.event_time, **record.details})


def warn_of(doubts: Iterable[str]) -> None:
    """Warn of doubtful values, at the line outside of this package that brought them."""
    for doubt in doubts:
        warnings.warn(doubt, DoubtfulValueWarning, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """The `stacklevel`, counted from `warn_of`, of the innermost frame outside of this package."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 the documented way to the caller's frame
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
        frame, level = frame.f_back, level + 1
    return level


def _day(at_ms: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%d}"
