"""Tests of scenarios as values."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.play.scenario import (
    BEGIN,
    Calms,
    ClockJumps,
    Crashes,
    Deletes,
    GoesOffline,
    Happens,
    Scenario,
    Step,
    Strikes,
    Syncs,
)
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR

times = st.integers(BEGIN, BEGIN + HOUR)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Happens,
        times,
        st.sampled_from(("r1", "r2")),
        st.sampled_from(("enter", "leave", "bill")),
        st.none() | times,
        copies=st.integers(0, 2),
        delay_ms=st.integers(0, HOUR),
        again=st.lists(st.integers(0, 2), max_size=3).map(tuple),
        details=st.dictionaries(st.sampled_from(("car_type",)), st.integers(0, 9)),
    ),
    st.builds(
        Strikes, times, st.just(FaultKind.ANSWER_BUSY), st.none() | st.integers(0, 9), lot=st.none() | st.just(0)
    ),
    st.builds(Calms, times),
    st.builds(Deletes, times, st.just("r1")),
    st.builds(GoesOffline, times),
    st.builds(Crashes, times, st.integers(0, HOUR)),
    st.builds(ClockJumps, times, st.integers(-HOUR, HOUR)),
    st.builds(Syncs, times),
)


@given(st.lists(steps, max_size=6), st.sampled_from(("default", "gcm")))
def test_a_scenario_survives_its_json(drawn: list[Step], profile: str) -> None:
    """What is written as JSON and read again is the same scenario."""
    scenario = Scenario(tuple(drawn), ("tuya", "jieshun"), {"base": profile}, settles=False, tz="Asia/Shanghai")
    assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "scenario: must be an object with a list of steps"),
        ({"steps": 1}, "scenario: must be an object with a list of steps"),
        (
            {"steps": [{"step": "flies", "at": 0}]},
            "scenario.steps[0]: must be an object whose `step` is one of happens,",
        ),
        ({"steps": [5]}, "steps[0]: must be an object whose `step` is one of happens,"),
        ({"steps": [{"step": "syncs"}]}, "scenario.steps[0]: lacks at"),
        ({"steps": [{"step": "syncs", "at": "8"}]}, "scenario.steps[0].at: must be an int, not a string"),
        (
            {"steps": [{"step": "syncs", "at": 8, "by": 9}]},
            "steps[0]: has what this version does not know: by",
        ),
        ({"steps": [], "begin": None}, "scenario.begin: must be an int, not null"),
        ({"steps": [], "lots": "tuya"}, "scenario.lots: must be a list, not a string"),
    ],
)
def test_what_is_no_scenario_is_refused_with_words(data: Any, words: str) -> None:
    """The words say where it is wrong, and what it must be."""
    with pytest.raises(ValueError, match=re.escape(words)):
        Scenario.from_json(data)


def test_steps_are_played_in_the_order_of_their_times() -> None:
    """Steps of one time keep the order in which they are written."""
    late, first, second = Syncs(BEGIN + HOUR), Happens(BEGIN, "r1"), Happens(BEGIN, "r2")
    assert Scenario((late, first, second)).ordered() == [first, second, late]


def test_the_size_counts_records_then_faults_then_lots() -> None:
    """Every loss, copy, delay and lost repeat is a fault, and so is every step that is no record."""
    record = Happens(BEGIN, "r1", copies=0, again=(0, 1, 2))
    assert Scenario((record, Happens(BEGIN, "r2", delay_ms=1), Crashes(BEGIN))).size == (2, 5, 1)
    assert Scenario().size < Scenario((Happens(BEGIN, "r1"),)).size < Scenario((record,)).size
