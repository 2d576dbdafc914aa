"""Tests of the judge with correct clients of other designs: each is judged and not accused, and its wrong twin is."""

from collections.abc import Iterator

import pytest

from contracts.cases import CASES
from contracts.cases.windows import AFTER_A_WINDOW, UNTIL_JUDGED
from contracts.check.engine import Plan, check
from contracts.clients.correct import BeginsWithItsHour, RenewsAtNextPass, RenewsWhenRefused
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.errors import LooksAtStatus, TakesGarbageForSuccess, TakesTimeoutForSuccess
from contracts.play.scenario import BEGIN, Crashes, Happens, Scenario
from contracts.rules import RULES
from contracts.rules.verdict import Verdict, judge
from contracts.run.run import run_of
from mock_server.model import HOUR, MINUTE

FAILING = tuple(case_id for case_id in CASES if case_id.startswith("failing/"))

PLAIN = Scenario((Happens(BEGIN + 10 * MINUTE, "r1"),), runs_ms=UNTIL_JUDGED + 3 * HOUR, settles=False)
ONE_WAY = Scenario((*PLAIN.steps, Happens(BEGIN + 20 * MINUTE, "r2", "leave", copies=0)), runs_ms=UNTIL_JUDGED)
OUTAGE = Scenario((Crashes(AFTER_A_WINDOW, 26 * HOUR),), runs_ms=26 * HOUR + UNTIL_JUDGED + HOUR, settles=False)


class SkipsEveryThirdHour(ReferenceClient):
    """Asks about no hour of which the number is divisible by three."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """All but every third."""
        return (each for each in super().windows(from_ms, until_ms) if each[1] // HOUR % 3)


class BeginsLateAndRenewsWhenRefused(RenewsWhenRefused, BeginsWithItsHour):
    """The least that a client can do."""


DESIGNS = (RenewsWhenRefused, RenewsAtNextPass, BeginsWithItsHour, BeginsLateAndRenewsWhenRefused)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    ("scenario", "rule_ids"),
    [(PLAIN, ["WIN-NO-GAP"]), (ONE_WAY, ["WIN-ZERO", "WIN-NO-GAP"]), (OUTAGE, ["WIN-CATCHUP"])],
    ids=["plain", "one way", "outage"],
)
def test_a_correct_client_of_any_design_is_judged_for_gaps(
    design: type[ReferenceClient], scenario: Scenario, rule_ids: list[str]
) -> None:
    """A token that was refused and renewed keeps no client from asking, so it excuses no gap."""
    outcomes = judge(run_of(scenario, design), RULES.values())
    assert {rule_id: found.breaches for rule_id, found in outcomes.items() if found.breaches} == {}
    assert all(outcomes[rule_id].exercised for rule_id in rule_ids)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_client_that_leaves_out_hours_is_caught_whatever_its_design(design: type[ReferenceClient]) -> None:
    """It looks like the correct one in all but its windows."""
    wrong = type("Wrong", (SkipsEveryThirdHour, design), {})
    assert judge(run_of(PLAIN, wrong), [RULES["WIN-NO-GAP"]])["WIN-NO-GAP"].breaches
    assert judge(run_of(OUTAGE, wrong), [RULES["WIN-CATCHUP"]])["WIN-CATCHUP"].breaches


@pytest.mark.slow
def test_a_correct_client_of_any_design_is_judged_for_errors() -> None:
    """Few scenarios exercise every must-rule of errors, whichever window is the client's first."""
    rules = [rule.id for rule in RULES.values() if rule.group == "ERR" and rule.level == "must"]
    plan = Plan(rule_ids=tuple(rules), case_ids=FAILING, examples=2, shrink=False)
    found = check(BeginsLateAndRenewsWhenRefused, plan)
    assert {rule.id: found.verdict(rule) for rule in found.rules if found.verdict(rule) is not Verdict.PASS} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "case_id", "rule_id"),
    [
        (LooksAtStatus, "failing/long-refusal", "ERR-BODY"),
        (TakesTimeoutForSuccess, "failing/long-silence", "ERR-TIMEOUT"),
        (TakesGarbageForSuccess, "failing/unreadable", "ERR-MALFORMED"),
    ],
)
@pytest.mark.parametrize("design", [BeginsLateAndRenewsWhenRefused])
def test_a_client_that_takes_failures_for_success_is_caught_whatever_its_design(
    wrong: type[ReferenceClient], case_id: str, rule_id: str, design: type[ReferenceClient]
) -> None:
    """Also where its first window is the hour of its start, or a token dies within the outage."""
    twin = type("Twin", (wrong, design), {})
    found = check(twin, Plan(rule_ids=(rule_id,), case_ids=(case_id,), examples=2, shrink=False))
    assert found.verdict(RULES[rule_id]) is Verdict.FAIL
