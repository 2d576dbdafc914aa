"""Which failure is told first, and which are bystanders."""

import pytest

from contracts.check.causes import CAUSE_RULES, FOLLOWS, SYMPTOMS, first_told, is_bystander, rank_in
from contracts.client.interface import Client
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.report.story import by_history, story
from contracts.rules import RULES
from tests.contracts.report.support import checked


@pytest.mark.parametrize(
    ("client", "rule_id"), [(CountsDeliveries, "CNT-RECORD-ID"), (CountsOneMore, "CNT-TRUTH"), (ReferenceClient, None)]
)
def test_the_cause_is_told_first(client: type[Client], rule_id: str | None) -> None:
    """A rule that names the defect comes before the rules that nearly every defect breaks."""
    first = first_told(checked(client))
    assert (first and first.rule_id) == rule_id


def test_bystanders_are_named_below_the_cause() -> None:
    """One story tells the cause in full and names what the same history breaks besides."""
    found = checked(CountsDeliveries)
    (together,) = by_history([found.failures(rule)[0] for rule in found.rules if found.failures(rule)], found)
    lines = "\n".join(story(together, "again"))
    assert lines.startswith("FAIL  CNT-RECORD-ID (must)")
    assert "  Broken by the same history: CNT-NOT-MSG-ID (must), CNT-TRUTH (must)" in lines
    assert lines.count(RULES["CNT-TRUTH"].statement) == 0
    assert not is_bystander(together)
    assert is_bystander(each for each in together if each.rule_id == "CNT-TRUTH")


def test_what_other_runs_refute_is_told_later() -> None:
    """Of two rules of counting, the one whose wrong counter all runs leave comes first."""
    found = checked(CountsDeliveries, rule_ids=("CNT-RECORD-ID", "CNT-NOT-MSG-ID"))
    rank = rank_in(found)
    left = found.narrowing("count/copies").left
    ranks = {failure.rule_id: rank(failure)[2] for rule in found.rules for failure in found.failures(rule)}
    assert ranks["CNT-RECORD-ID"] == 0
    assert ranks == {rule_id: int("counts every delivery" not in left) for rule_id in ranks}


def test_every_rule_of_the_order_is_there() -> None:
    """A rule that is renamed keeps its place."""
    assert {*SYMPTOMS, *FOLLOWS, *CAUSE_RULES} <= RULES.keys()
