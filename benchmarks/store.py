"""Counting in the memory store as the lot grows: windows of 10 records, of a tenth of them and of all.

The whole store (records, ids, index) is measured up to 10^6 records, the counting index alone up to 10^7: ten million
whole records would take some 4 GB and a minute, and a count touches nothing but the index. Floor: one flat sorted
int64 array with two binary searches, which nothing can beat at counting, and which inserts in O(n).
"""

import gc
import tracemalloc
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.figures import Row, ratio, show, spread
from mock_server.lots.memory import MemoryStore
from mock_server.lots.time_index import TimeIndex
from mock_server.model import DataType, Line, PassDirection, Record

BEGIN = 1_652_777_782_808
STEP_MS = 100
LOT = "6ce0000000000001"
LINE = Line(LOT, DataType.PASS, PassDirection.ENTER)
NARROW = 10
ROUNDS, CALLS, LATE = 9, 1_000, 200
WEIGHED = 10**5

Count = Callable[[int, int], int]


@dataclass(frozen=True)
class Subject:
    """Something that counts: how an item is made, put in and counted."""

    name: str
    make: Callable[[int, int], Any]
    put: Callable[[Any], object]
    count: Count


def run(*, quick: bool) -> None:
    """Measure and print."""
    sizes = [(store, 10**4), (store, 10**6), (index, 10**4), (index, 10**6), (index, 10**7)]
    if quick:
        sizes = [(store, 10**4), (store, 10**5), (index, 10**4), (index, 10**6)]
    counts, puts = zip(*(measure(make, size) for make, size in sizes), strict=True)
    head = ("", f"{NARROW} records, us", "x floor", "a tenth, us", "x floor", "all, us", "x floor", "all : 10")
    show(f"a count: {ROUNDS} rounds of {CALLS} in turns with a flat array", head, counts)
    columns = ("", "in order, /s", "x floor", "any time, us", "x floor", "bytes a record")
    show(f"an insert: all in order, then {LATE} at any time (floor: a flat array's)", columns, puts)


def store() -> Subject:
    """An empty store of whole records."""
    made = MemoryStore()
    return Subject("store", record, made.put, lambda start, end: made.count(LINE, start, end))


def index() -> Subject:
    """An empty counting index."""
    made = TimeIndex()
    return Subject("index", lambda slot, at: (at, slot), lambda entry: made.add(*entry), made.count)


def record(number: int, at: int) -> Record:
    """A pass as the store keeps it."""
    return Record(f"pass-{number:08d}", LOT, DataType.PASS, PassDirection.ENTER, at, f"A{number % 100_000:05d}", at)


def measure(make: Callable[[], Subject], size: int) -> tuple[Row, Row]:
    """The two rows of one subject at one size."""
    subject = make()
    name = f"{subject.name}, {size:,}"
    flat = array("q")
    took, floor_took = fill(subject, flat, size)
    counts = tuple(measure_counts(subject.count, flat, size))
    late, floor_late = measure_late(subject, flat, size)
    puts = (
        name,
        f"{size / took:,.0f}",
        f"{took / floor_took:.1f}",
        spread_of_middle(late),
        f"{median(late) / median(floor_late):.2f}",
        f"{weigh(make):.1f}",
    )
    return (name, *counts), puts


def fill(subject: Subject, flat: "array[int]", size: int) -> tuple[float, float]:
    """Put in `size` records in the order of their times; the seconds that it took, and the flat array."""
    took = floor_took = 0.0
    for first in range(0, size, 10**5):
        items = [subject.make(number, BEGIN + number * STEP_MS) for number in range(first, min(first + 10**5, size))]
        began = perf_counter()
        for item in items:
            subject.put(item)
        took += perf_counter() - began
        began = perf_counter()
        for number in range(first, min(first + 10**5, size)):
            flat.append(BEGIN + number * STEP_MS)
        floor_took += perf_counter() - began
    return took, floor_took


def measure_counts(count: Count, flat: "array[int]", size: int) -> Iterator[str]:
    """For each width the microseconds of a count and their ratio to the flat array's; then the widest to the least."""

    def count_flat(start: int, end: int) -> int:
        return bisect_left(flat, end) - bisect_left(flat, start)

    medians: list[list[float]] = []
    for width in (NARROW, size // 10, size):
        random = Random(width)
        starts = [BEGIN + random.randrange(size - width + 1) * STEP_MS for _ in range(CALLS)]
        windows = [(start, start + width * STEP_MS) for start in starts]
        if any(count(*window) != width for window in windows[:10]):
            raise ValueError(f"a window of {width} records was counted wrongly")
        ours, floor = [], []
        for _ in range(ROUNDS):
            ours.append(microseconds(count, windows))
            floor.append(microseconds(count_flat, windows))
        yield spread(ours, 2)
        yield ratio(ours, floor)
        medians.append(ours)
    yield ratio(medians[-1], medians[0])


def microseconds(count: Count, windows: list[tuple[int, int]]) -> float:
    """The mean time of one count."""
    began = perf_counter()
    for start, end in windows:
        count(start, end)
    return (perf_counter() - began) / len(windows) * 1e6


def measure_late(subject: Subject, flat: "array[int]", size: int) -> tuple[list[float], list[float]]:
    """Insert records at any time; the microseconds of each, and the flat array's."""
    random = Random(size)
    ours, floor = [], []
    for number in range(LATE):
        at = BEGIN + random.randrange(size * STEP_MS)
        item = subject.make(size + number, at)
        began = perf_counter()
        subject.put(item)
        ours.append((perf_counter() - began) * 1e6)
        began = perf_counter()
        flat.insert(bisect_right(flat, at), at)
        floor.append((perf_counter() - began) * 1e6)
    return ours, floor


def spread_of_middle(values: list[float]) -> str:
    """The median, and in brackets the 5th and the 95th of a hundred: without the interruptions."""
    ordered = sorted(values)
    return spread(ordered[len(ordered) // 20 : len(ordered) * 19 // 20], 1)


def weigh(make: Callable[[], Subject]) -> float:
    """The bytes that a subject holds for each of 10^5 records in order, records included where it keeps them."""
    gc.collect()
    tracemalloc.start()
    subject = make()
    for number in range(WEIGHED):
        subject.put(subject.make(number, BEGIN + number * STEP_MS))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / WEIGHED
