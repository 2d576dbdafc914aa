"""Checks of one scenario, for tests of what is said of a check."""

from collections.abc import Iterable

from contracts.check.engine import Plan
from contracts.check.results import CaseResult, Check
from contracts.client.interface import Client
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import run_of
from mock_server.model import HOUR, MINUTE

CASE = "count/copies"
PLAN = Plan(case_ids=(CASE,))
AT = BEGIN + 10 * MINUTE

LOST = Scenario(
    (Happens(AT, "r1"), Happens(AT + MINUTE, "r2", plate="京B10002", copies=0)), runs_ms=2 * HOUR, settles=False
)
"""One record comes and one is lost, which makes two questions about the first hour."""


def checked(
    make_client: type[Client] = ReferenceClient, scenario: Scenario = LOST, rule_ids: Iterable[str] = tuple(RULES)
) -> Check:
    """What a check of one scenario finds."""
    rules = tuple(RULES[rule_id] for rule_id in rule_ids)
    result = CaseResult(CASE)
    run = run_of(scenario, make_client)
    result.watch(scenario, run, judge(run, rules))
    return Check(rules, (result,))
