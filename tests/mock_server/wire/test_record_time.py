"""Tests of how times are written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import INT64_MAX, LATEST_MS
from mock_server.wire.record_time import LOT_OFFSET_MS, RecordTime, iso_time, written_time

TIMES = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_times_are_iso_to_the_millisecond(at_ms: int) -> None:
    """As the standard library reads them."""
    read = datetime.fromisoformat(iso_time(at_ms))
    assert round(read.timestamp() * 1000) == at_ms


@given(st.integers(min_value=LATEST_MS, max_value=INT64_MAX))
def test_a_time_that_no_calendar_has_is_told_all_the_same(at_ms: int) -> None:
    """A client may ask for a window of any 64-bit number."""
    assert (str(at_ms) in iso_time(at_ms)) == (at_ms > LATEST_MS)


@given(TIMES)
def test_each_form_tells_the_same_time(at_ms: int) -> None:
    """Seconds and plain text lose the milliseconds, ISO text keeps them; plain text is Beijing time."""
    seconds = at_ms // 1000 * 1000
    assert written_time(at_ms, "ms") == at_ms
    assert written_time(at_ms, "s") == at_ms // 1000
    there = datetime.fromisoformat(str(written_time(at_ms, "text"))).replace(tzinfo=UTC)
    assert round(there.timestamp() * 1000) - LOT_OFFSET_MS == seconds
    assert round(datetime.fromisoformat(str(written_time(at_ms, "iso"))).timestamp() * 1000) == at_ms


@pytest.mark.parametrize(
    ("form", "at_ms", "written"),
    [
        ("text", 1_652_788_800_000, "2022-05-17 19:59:60"),
        ("iso", 1_652_788_800_007, "2022-05-17T19:59:60.007+08:00"),
        ("text", 1_652_788_801_000, "2022-05-17 20:00:01"),
        ("s", 1_652_788_800_000, 1_652_788_800),
    ],
)
def test_a_leap_second_is_the_full_minute_in_a_text(form: RecordTime, at_ms: int, written: str | int) -> None:
    """Second 60 of the minute before is the same moment; only texts at a full minute have one."""
    assert written_time(at_ms, form, leap_second=True) == written


@pytest.mark.parametrize("form", ["text", "iso"])
def test_a_written_time_that_no_calendar_has_is_told_all_the_same(form: RecordTime) -> None:
    """A record may have any 64-bit number for a time, and its text must not fail for being eight hours ahead."""
    assert str(written_time(LATEST_MS - LOT_OFFSET_MS, form)).startswith("9999-12-31")
    assert written_time(LATEST_MS, form) == f"{LATEST_MS} ms"
