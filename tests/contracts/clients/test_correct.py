"""Tests that the judge accuses no correct client, whatever its design."""

import pytest

from contracts.check.engine import Plan, check
from contracts.clients.correct import CORRECT
from contracts.proof.matrix import OTHERS
from contracts.rules.verdict import Verdict
from tests.support import sampled

CASES = (*OTHERS, "receive/damage", "receive/cuts")
"""Short cases that together exercise most rules."""


@pytest.mark.parametrize("name", sampled(CORRECT, every=3))
def test_a_correct_client_breaks_no_must_rule(name: str) -> None:
    """It is played a scenario of each of some short cases."""
    result = check(CORRECT[name], Plan(case_ids=CASES, examples=1, shrink=False))
    broken = {rule.id for rule in result.rules if result.verdict(rule) is Verdict.FAIL}
    assert broken == set()


def test_every_design_differs_from_the_reference_client() -> None:
    """Each is a class of its own, and says in its docstring what it does otherwise."""
    assert len(set(CORRECT.values())) == len(CORRECT)
    assert all(client.__doc__ for client in CORRECT.values())
