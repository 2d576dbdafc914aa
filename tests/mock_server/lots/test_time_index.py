from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.lots import time_index
from mock_server.lots.time_index import TimeIndex
from mock_server.model import INT64_MAX
from tests.support import examples

TIMES = st.one_of(st.integers(min_value=0, max_value=9), st.sampled_from((0, 2**31, INT64_MAX - 1, INT64_MAX)))
STEPS = st.lists(st.tuples(st.booleans(), TIMES), max_size=80)


@pytest.fixture(params=[1, 2, 3, 2048], autouse=True, scope="module")
def block_size(request: pytest.FixtureRequest) -> Iterator[int]:
    """Every test with tiny blocks, which split and vanish all the time, and with the real ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time_index, "_BLOCK", request.param)
        yield request.param


def filled(steps: list[tuple[bool, int]]) -> tuple[TimeIndex, list[tuple[int, int]]]:
    """An index and a list after the same additions (True) and removals of the oldest entry of that time."""
    index = TimeIndex()
    entries: list[tuple[int, int]] = []
    for number, (adds, time) in enumerate(steps):
        slot = (number * 37) % 101  # not in the order of arrival, as that of a corrected record
        known = next((entry for entry in entries if entry[0] == time), None)
        if adds or known is None:
            index.add(time, slot)
            entries.append((time, slot))
        else:
            index.remove(*known)
            entries.remove(known)
    return index, entries


@settings(max_examples=examples(100))
@given(STEPS, TIMES, TIMES)
def test_counts_and_slots_are_those_of_a_plain_list(steps: list[tuple[bool, int]], start: int, end: int) -> None:
    """Any window has the entries of a list that is searched from end to end, equal times by their slots."""
    index, entries = filled(steps)
    inside = sorted(entry for entry in entries if start <= entry[0] < end)
    assert index.count(start, end) == len(inside)
    assert list(index.slots(start, end)) == [slot for _, slot in inside]
    assert len(index) == len(entries)


@given(STEPS)
def test_the_last_millisecond_can_be_counted(steps: list[tuple[bool, int]]) -> None:
    """A window may end behind the largest time that fits, as `[s,e]` makes it."""
    index, entries = filled(steps)
    assert index.count(0, INT64_MAX + 1) == len(entries)


@given(STEPS)
def test_what_is_not_there_cannot_be_removed(steps: list[tuple[bool, int]]) -> None:
    """KeyError, whether the time is unknown or only the slot, and nothing changes."""
    index, entries = filled(steps)
    for time in (*{time for time, _ in entries}, 10):
        with pytest.raises(KeyError):
            index.remove(time, 10_000)
    assert len(index) == len(entries)


@given(STEPS)
def test_it_can_be_emptied_and_filled_again(steps: list[tuple[bool, int]]) -> None:
    """Removing everything, newest first, leaves an index as good as new."""
    index, entries = filled(steps)
    for entry in reversed(entries):
        index.remove(*entry)
    assert len(index) == 0
    index.add(5, 1)
    assert list(index.slots(0, 10)) == [1]


def test_times_outside_int64_are_refused() -> None:
    """A time that does not fit is an error, not a wrong count."""
    with pytest.raises(OverflowError):
        TimeIndex().add(INT64_MAX + 1, 0)


@given(st.lists(TIMES, max_size=80), TIMES, TIMES)
def test_an_index_that_is_made_at_once(times: list[int], start: int, end: int) -> None:
    """It is one to which each entry was added, and goes on as such."""
    entries = [(time, slot) for slot, time in enumerate(times)]
    index, other = TimeIndex.of(entries), TimeIndex()
    for entry in entries:
        other.add(*entry)
    for each in (index, other):
        each.add(start, 10_000)
        if entries:
            each.remove(*entries[len(entries) // 2])
    assert list(index.slots(0, INT64_MAX + 1)) == list(other.slots(0, INT64_MAX + 1))
    assert (len(index), index.count(start, end)) == (len(other), other.count(start, end))
