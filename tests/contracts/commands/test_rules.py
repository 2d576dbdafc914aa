"""`parking-mock rules RULE-ID`: examples that are true, and the whole text."""

import pytest
from syrupy.assertion import SnapshotAssertion

from contracts.proof.examples import example_of
from contracts.report.rule_page import rule_text
from contracts.rules import RULES
from tests.command_line import run_here
from tests.support import sampled

MEANINGFUL = 10
"""The least length of an answer."""


@pytest.mark.parametrize("rule_id", sampled(RULES, every=5))
def test_the_example_of_a_rule_shows_it(rule_id: str) -> None:
    """Played now, the known-bad client breaks the rule, and the reference client keeps it where it could be broken.

    If not, `make fixtures ARGS=RULE-ID` finds a new one.
    """
    example = example_of(rule_id)
    assert example is not None, f"{rule_id} has no example: `make fixtures ARGS={rule_id}` looks for one"
    assert example.rule.id == rule_id
    assert example.shows()


@pytest.mark.parametrize("rule_ids", [("CNT-RECORD-ID",), ("form-types", "WIN-ZERO"), ("CNT-PAGNG",), ("nothing",)])
def test_a_rule_is_explained(rule_ids: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """Statement, reason, source, needs, cases, and two examples; close matches of a rule that there is not."""
    assert run_here("rules", *rule_ids).shown == snapshot


def test_named_rules_are_told_to_machines() -> None:
    """One JSON object a line, of these rules only."""
    done = run_here("rules", "--json", "CNT-TRUTH")
    assert done.stdout.count("\n") == 1
    assert '"rule": "CNT-TRUTH"' in done.stdout


def test_every_must_rule_answers_which_correct_designs_it_spares() -> None:
    """The answer is part of the rule, and its page tells it."""
    silent = [rule.id for rule in RULES.values() if rule.level == "must" and len(rule.spares) < MEANINGFUL]
    assert silent == []
    assert any(line.startswith("  Spares: ") for line in rule_text(RULES["REC-NACK"]))
