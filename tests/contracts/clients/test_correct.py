"""Tests that the judge accuses no correct client, whatever its design."""

from functools import partial
from typing import Any

import pytest

from contracts.check.engine import Plan, check
from contracts.clients.correct import CORRECT
from contracts.proof.matrix import OTHERS
from contracts.rules import RULES
from contracts.rules.verdict import Verdict
from tests.make_correct import measure, read_results
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


def test_the_measurements_are_of_every_design_and_accuse_none() -> None:
    """`docs/matrix.md` tells of each at how many seeds it was played; no must-rule was broken."""
    results = read_results()
    assert list(results) == list(CORRECT), "run `make correct`"
    broken = {rule_id for each in results.values() for rule_id in each["broken"]}
    assert not [rule_id for rule_id in broken if RULES[rule_id].level == "must"]


def test_a_measurement_plays_what_each_seed_has_for_itself() -> None:
    """One scenario that was drawn at each seed; the only scenario of a case once."""
    played = partial(measure, "ReferenceClient")
    assert [played(seeds, ["form/spelling"])["runs"] for seeds in ([0], [1], [0, 1])] == [1, 1, 2]
    assert [played(seeds, ["security/redirect"])["runs"] for seeds in ([0], [1])] == [1, 0]


@pytest.mark.parametrize("seed", [5, 11])
def test_what_only_another_worker_could_read_need_not_be_counted(seed: int) -> None:
    """A message came damaged to the worker whom it concerns, and whole to the one who passes it over."""
    broken: Any = measure("HasAWorkerForBills", [seed], ["receive/damage"])["broken"]
    assert not [rule_id for rule_id in broken if RULES[rule_id].level == "must"]
