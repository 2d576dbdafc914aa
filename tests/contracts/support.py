"""What tests of the judge share."""

from contracts.clients.reference import ReferenceClient
from contracts.rule import Outcome
from contracts.rules import RULES
from contracts.run import Run
from contracts.scenario import Scenario
from contracts.session import MakeClient, play


def outcome(rule_id: str, run: Run) -> Outcome:
    """What one rule says of a run."""
    return RULES[rule_id].check(run)


def broken(rule_id: str, scenario: Scenario, make_client: MakeClient = ReferenceClient) -> bool:
    """Whether a client breaks a rule in a scenario."""
    return bool(outcome(rule_id, play(scenario, make_client)).breaches)


def kept(rule_id: str, scenario: Scenario, make_client: MakeClient = ReferenceClient) -> bool:
    """Whether a rule is exercised in a scenario, and the client keeps it."""
    found = outcome(rule_id, play(scenario, make_client))
    return found.exercised and not found.breaches
