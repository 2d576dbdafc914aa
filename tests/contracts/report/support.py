"""Checks of one scenario, for tests of what is said of a check."""

from collections.abc import Iterable

from contracts.check.engine import Plan
from contracts.check.results import CaseResult, Check
from contracts.client.interface import Client
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.model import HOUR, MINUTE

CASE = "count/copies"
PLAN = Plan(case_ids=(CASE,))
AT = BEGIN + 10 * MINUTE

LOST = Scenario(
    (Happens(AT, "r1"), Happens(AT + MINUTE, "r2", plate="京B10002", copies=0)), runs_ms=2 * HOUR, settles=False
)
"""One record comes and one is lost, which makes two questions about the first hour."""


_PLAYED: dict[tuple[type[Client], str, tuple[str, ...]], tuple[Run, dict[str, Outcome]]] = {}
"""What was played and how it was judged, by client, scenario (in words, as it has dicts) and rules."""


def checked(
    make_client: type[Client] = ReferenceClient, scenario: Scenario = LOST, rule_ids: Iterable[str] = tuple(RULES)
) -> Check:
    """What a check of one scenario finds. Playing it again would be the same, so that is done once in each process."""
    key = make_client, repr(scenario), tuple(rule_ids)
    rules = tuple(RULES[rule_id] for rule_id in key[2])
    if key not in _PLAYED:
        run = run_of(scenario, make_client)
        _PLAYED[key] = run, judge(run, rules)
    result = CaseResult(CASE)
    result.watch(scenario, *_PLAYED[key])
    return Check(rules, (result,))
