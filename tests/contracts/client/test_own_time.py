"""Tests of a client's own time: waiting counts and work counts, being kept waiting for a processor does not."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from contracts.client.own_time import SLICE_S, Activity, OwnTime, activity


def slices(looks: Iterator[Activity | None], most: int = 100) -> int:
    """How many slices a budget of four of them lasts."""
    left = OwnTime(4 * SLICE_S, lambda: next(looks))
    spent = 0
    while left.next_s and spent < most:
        left.spend()
        spent += 1
    return spent


def test_what_cannot_be_seen_or_waits_spends_real_time() -> None:
    """A client that sleeps, and one elsewhere, has as long as it says."""
    assert slices(iter(lambda: None, 0)) == pytest.approx(4, abs=1)
    assert slices(iter(lambda: Activity(is_busy=False, used_s=1.0), None)) == pytest.approx(4, abs=1)


def test_who_is_kept_waiting_for_a_processor_spends_nothing() -> None:
    """Any number of others may run meanwhile."""
    assert slices(iter(lambda: Activity(is_busy=True, used_s=1.0), None)) == 100


def test_an_endless_loop_ends_the_budget() -> None:
    """Processor time counts, however little of it there is in a slice; more threads spend no more than real time."""
    half = (Activity(is_busy=True, used_s=place * SLICE_S / 2) for place in range(100))
    assert slices(half) == pytest.approx(9, abs=1)
    double = (Activity(is_busy=True, used_s=place * SLICE_S * 2) for place in range(100))
    assert slices(double) == pytest.approx(5, abs=1)


def test_the_activity_of_a_process_and_its_children() -> None:
    """This one is at work now, and has used some time; a process that is gone cannot be seen."""
    seen = activity(os.getpid())
    assert seen is not None
    assert seen.is_busy
    assert seen.used_s > 0
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    assert activity(gone.pid) is None
