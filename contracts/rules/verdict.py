"""Judging runs, and the verdict on a rule over the outcomes of all runs."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from contracts.rules import RULES
from contracts.rules.base import NOT_EXERCISED, Outcome, Rule
from contracts.rules.evidence.encryption import is_about_records, unread
from contracts.run.run import Run


class Verdict(StrEnum):
    """The verdict on a rule. Only FAIL fails a check by default. A rule that was never exercised does not pass."""

    PASS = "pass"  # noqa: S105 a verdict
    FAIL = "fail"
    NON_STRICT = "non-strict"
    INFO = "info"
    NOT_EXERCISED = "not-exercised"
    UNIMPLEMENTED = "unimplemented"


BROKEN: Mapping[str, Verdict] = {"must": Verdict.FAIL, "should": Verdict.NON_STRICT, "info": Verdict.INFO}
"""The verdict of a broken rule, by its level."""


EFFECTS: Mapping[str, frozenset[str]] = {"WIN-BOUNDARY": frozenset({"CNT-TRUTH", "CONV-QUIET", "TIME-WHOLE-MS"})}
"""For causes that are no must, the rules that they break by themselves: in such a run the cause alone is told."""


def judge(run: Run, rules: Iterable[Rule]) -> dict[str, Outcome]:
    """The outcome of every rule that this client lets us see, by rule id; none of a run that cannot be judged.

    Of several instances side by side only the rules are judged that are about them: the others are about one client.
    """
    if run.unimplemented or run.unknown_faults:
        return {}
    outcomes = ((rule.id, rule.outcome(run)) for rule in rules if not run.has_replicas or "instances" in rule.needs)
    return _without_effects(run, {rule_id: outcome for rule_id, outcome in outcomes if outcome is not None})


def _without_effects(run: Run, outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """The outcomes without the breaches that a cause explains which is no must: that alone is told.

    Of a client that has read nothing, because of the encryption, nothing is known that is about records.
    """
    if run.scenario.is_own_cloud:
        return outcomes
    if run.once(unread):
        outcomes |= {rule_id: NOT_EXERCISED for rule_id in outcomes if is_about_records(rule_id)}
    broken = {rule_id for rule_id, outcome in outcomes.items() if outcome.breaches}
    for cause, effects in EFFECTS.items():
        if effects & broken and RULES[cause].check(run).breaches:
            outcomes |= {rule_id: Outcome(exercised=True) for rule_id in effects & broken}
    return outcomes


def verdict_of(rule: Rule, outcomes: Iterable[Outcome]) -> Verdict:
    """The verdict on a rule over the outcomes of all runs. Without outcomes the client lacks a capability for it."""
    seen = list(outcomes)
    if not seen:
        return Verdict.UNIMPLEMENTED
    if any(outcome.breaches for outcome in seen):
        return BROKEN[rule.level]
    return Verdict.PASS if any(outcome.exercised for outcome in seen) else Verdict.NOT_EXERCISED
