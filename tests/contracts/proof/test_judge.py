"""The judge judged: the reference client keeps every rule, and every rule catches the client that breaks it."""

from functools import cache

import pytest

from contracts.cases import CASES
from contracts.check.engine import Plan, check, explore_case
from contracts.check.results import CaseResult, Check
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, converging, counting, errors, form, receiving, security, windows
from contracts.proof import matrix
from contracts.rules import RULES, times
from contracts.rules.verdict import Verdict
from tests.support import sampled

EXAMPLES = 4
"""How many scenarios of each case the reference client meets here; `parking-mock check` plays more."""

ENOUGH = 10
"""How many scenarios exercise every rule that a case is made for, where the first few do not."""


@pytest.fixture(scope="module", params=range(4))
def quarter(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """A quarter of the cases, so that both cores have something to do."""
    return tuple(CASES)[request.param :: 4]


@pytest.mark.slow
def test_the_reference_client_keeps_every_rule_in_every_case(quarter: tuple[str, ...]) -> None:
    """No rule of any level is broken in any scenario, and each case exercises the rules that it is made for."""
    for case_id in quarter:
        idle = idle_in(case_id, reference_in(case_id, EXAMPLES)) and idle_in(case_id, reference_in(case_id, ENOUGH))
        assert not idle, f"{case_id} does not exercise {idle}"


def reference_in(case_id: str, examples: int) -> CaseResult:
    """The reference client in some scenarios of a case; it keeps every rule."""
    result = explore_case(ReferenceClient, Plan(examples=examples, shrink=False), case_id)
    broken = {rule_id: each.failure.breaches for rule_id, each in result.by_rule.items() if each.failure}
    assert not broken, case_id
    assert not result.deaths, case_id
    return result


def idle_in(case_id: str, result: CaseResult) -> list[str]:
    """The rules that a case is made for, and that it did not exercise."""
    in_process = [rule_id for rule_id in CASES[case_id].aims if "process" not in RULES[rule_id].all_needs]
    return [rule_id for rule_id in in_process if not result.by_rule[rule_id].exercised]


SEEDED = (converging, counting, errors, form, receiving, security, windows)
"""Known-bad clients that the tests of their own rules play likewise, at several seeds. So are those about time."""

HERE = [
    name
    for name, animal in ZOO.items()
    if animal.client.__module__ not in {group.__name__ for group in SEEDED}
    and animal.rule_id not in {rule.id for rule in times.RULES}
]
"""All others."""


@pytest.mark.parametrize("name", sampled(sorted(HERE, reverse=True), every=13))
def test_a_known_bad_client_is_caught_by_the_rule_that_it_breaks(name: str) -> None:
    """In the cases made for the rule, with the default number of scenarios."""
    assert matrix.killed_after(name) is not None


@pytest.mark.parametrize("name", ["CountsDeliveries", "CountsBetween"])
def test_a_rule_catches_a_client_as_soon_alone_as_among_the_others(name: str) -> None:
    """Also a cause in whose runs its effects are not told."""
    assert matrix.killed_after(name, seed=3) == matrix.row_of(name, seed=3, samples=0).killed_after


def test_every_rule_can_be_seen_to_fail() -> None:
    """Each must-rule that can be judged in process has a client that breaks it, and each rule a case made for it."""
    assert not matrix.unproven()
    aimed = {rule_id for case in CASES.values() for rule_id in case.aims}
    assert not [rule.id for rule in RULES.values() if rule.level != "info" and rule.id not in aimed]


def test_every_animal_names_its_defect() -> None:
    """Its class says in a sentence what is wrong with it; in all else it is the reference client."""
    for animal in ZOO.values():
        assert animal.rule_id in RULES
        assert animal.defect.endswith("."), animal.name
        assert issubclass(animal.client, ReferenceClient)


def test_every_rule_says_what_it_is() -> None:
    """One sentence, and why; its id begins with its group."""
    for rule in RULES.values():
        assert rule.statement.endswith("."), rule.id
        assert rule.statement.count(". ") == 0, rule.id
        assert rule.why.endswith("."), rule.id
        assert "traffic" in rule.needs or rule.needs, rule.id


def small() -> Check:
    """A check of a known-bad client in one case."""
    return check(ZOO["CountsDeliveries"].client, Plan(("CNT-RECORD-ID",), ("count/copies",), 8, seed=3))


@cache
def first() -> Check:
    """One such check, which changes no more."""
    return small()


def test_verdicts_follow_the_level_of_what_is_broken() -> None:
    """A broken must-rule is a failure; a rule that was not exercised is not green; exit codes go by level."""
    found = check(ZOO["CountsDeliveries"].client, Plan(case_ids=("count/copies",), examples=8, seed=3, shrink=False))
    verdicts = {rule.id: found.verdict(rule) for rule in found.rules}
    assert verdicts["CNT-RECORD-ID"] is Verdict.FAIL
    assert verdicts["ERR-UNSUPPORTED"] is Verdict.NOT_EXERCISED
    assert "CNT-RECORD-ID" in {rule.id for rule in found.broken("must")}
    assert set(found.broken("must")) <= set(found.broken("should"))


@pytest.mark.slow
@pytest.mark.usefixtures("few_shrinks")
def test_a_failure_is_the_smallest_that_was_seen() -> None:
    """And it is listed once a case."""
    found = first()
    (failure,) = found.failures(RULES["CNT-RECORD-ID"])
    assert failure.case == "count/copies"
    assert failure.scenario.size[0] <= 2
    assert failure.run.entries


@pytest.mark.slow
@pytest.mark.usefixtures("few_shrinks")
def test_the_same_seed_gives_the_same_check() -> None:
    """Verdicts, counts and the failure shown."""
    second = small()
    assert first().runs == second.runs
    rule = RULES["CNT-RECORD-ID"]
    assert first().failures(rule)[0].scenario == second.failures(rule)[0].scenario
