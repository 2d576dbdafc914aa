"""Tests of a run as it goes from one process to another."""

import pickle

from contracts.check.engine import Plan, check, check_in_parallel
from contracts.clients.zoo.counting import CountsOneMore
from contracts.diagnosis.wrong_counters import suspects
from contracts.run.run import run_of
from tests.contracts.report.support import CASE, LOST


def test_a_run_that_was_judged_can_be_sent_to_another_process() -> None:
    """It arrives without what was made of it, and the same is made of it again."""
    run = run_of(LOST, CountsOneMore)
    found = suspects(run)
    sent = pickle.loads(pickle.dumps(run))  # noqa: S301 our own
    assert sent == run
    assert suspects(sent) == found != []


def test_the_verdicts_do_not_depend_on_the_number_of_processes() -> None:
    """Two processes find the failures that one finds."""
    plan = Plan(("CNT-TRUTH", "CNT-RECORD-ID"), (CASE, "count/plates"), examples=2, shrink=False)
    alone = check(CountsOneMore, plan)
    together = check_in_parallel(f"{CountsOneMore.__module__}:{CountsOneMore.__name__}", plan, 2)
    for rule in plan.rules:
        assert together.verdict(rule) is alone.verdict(rule)
        assert [each.run for each in together.failures(rule)] == [each.run for each in alone.failures(rule)]
    assert together.suspicion(CASE) == alone.suspicion(CASE)
