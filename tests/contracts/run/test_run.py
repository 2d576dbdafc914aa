"""Tests of a run as it goes from one process to another."""

import pickle
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from contracts.check.engine import Plan, check, check_in_parallel
from contracts.clients.zoo.counting import CountsOneMore
from contracts.diagnosis.explain import suspects
from contracts.play.scenario import Scenario
from contracts.proof.examples import example_of
from contracts.run.run import Run, run_of
from mock_server.history.index import HistoryIndex
from mock_server.model import HOUR, Cell, DataType, PassDirection, Record, SyncInfo
from mock_server.profile import Profile
from tests.contracts.report.support import CASE, LOST
from tests.mock_server.history.support import picture
from tests.support import LOT, NOON, make_project

CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON, NOON + HOUR)
MOMENTS = st.sampled_from([NOON - 1, NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR, NOON + HOUR + 1])


def test_a_run_that_was_judged_can_be_sent_to_another_process() -> None:
    """It arrives without what was made of it, and the same is made of it again."""
    run = run_of(LOST, CountsOneMore)
    found = suspects(run)
    sent = pickle.loads(pickle.dumps(run))  # noqa: S301 our own
    assert sent == run
    assert suspects(sent) == found != []


@pytest.mark.slow
def test_the_verdicts_do_not_depend_on_the_number_of_processes() -> None:
    """Two processes find the failures that one finds."""
    plan = Plan(("CNT-TRUTH", "CNT-RECORD-ID"), (CASE, "count/plates"), examples=2, shrink=False)
    alone = check(CountsOneMore, plan)
    together = check_in_parallel(f"{CountsOneMore.__module__}:{CountsOneMore.__name__}", plan, 2)
    for rule in plan.rules:
        assert together.verdict(rule) is alone.verdict(rule)
        assert [each.run for each in together.failures(rule)] == [each.run for each in alone.failures(rule)]
    assert together.narrowing(CASE) == alone.narrowing(CASE)


@pytest.mark.parametrize("bounds", ["[s,e)", "[s,e]", "(s,e]"])
@pytest.mark.parametrize("time", ["event", "created"])
@given(
    times=st.lists(st.tuples(MOMENTS, MOMENTS), max_size=8), claims=st.lists(st.integers(0, 8), min_size=1, max_size=3)
)
def test_the_judge_counts_what_the_lot_counts(
    bounds: Any, time: Any, times: list[tuple[int, int]], claims: list[int]
) -> None:
    """Under each answer to A2 and A3 a run has the records in a cell that its lot has counted there."""
    project = make_project(Profile(window_bounds=bounds, window_time=time))
    for place, (event, created) in enumerate(times):
        enter = PassDirection.ENTER
        project.lots.keep(Record(f"r{place}", LOT, DataType.PASS, enter, event, created_time=created))
    project.sync(LOT, [SyncInfo(CELL, claimed) for claimed in claims])
    run = Run(Scenario(()), tuple(project.history.after()), project.profile, can=frozenset())
    assert {each.name for each in run.in_cell(CELL)} == {each.record_id for each in project.lots.records_in(CELL)}


@pytest.mark.parametrize("rule_id", ["CNT-QUARANTINE", "REC-NACK", "REC-RECONNECT", "REC-TOLERANT", "SEC-TAMPER"])
def test_the_fold_of_a_played_history_at_each_entry(rule_id: str) -> None:
    """An index that follows a session, entry by entry, has after each what one of the history so far has."""
    example = example_of(rule_id)
    assert example is not None
    entries = example.bad().entries
    growing = HistoryIndex()
    for place, entry in enumerate(entries, start=1):
        growing.take((entry,))
        assert picture(growing) == picture(HistoryIndex(entries[:place]))
    assert growing.faults
