"""What is most likely wrong behind a failure, and what to do about it, for those who act on a report.

A history often breaks several rules, and one of them names the cause (`check/causes.py`). If a wrong counter explains
the claims, it is the cause and its remedy is known; for any other rule the remedy is what the rule asks for.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from contracts.check.causes import SYMPTOMS
from contracts.check.results import Check, Failure
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.report.story import by_history
from contracts.rules import RULES


class Advice(NamedTuple):
    """The rule that most likely names the cause, the cause in words, and what to do."""

    rule_id: str
    cause: str
    remedy: str


def advice_in(found: Check) -> Callable[[Failure, Sequence[str]], Advice]:
    """The advice on a failure of a check, given the names of the wrong counters that are left for it."""
    everything = (failure for rule in found.rules for failure in found.failures(rule))
    first = {(each.rule_id, each.case): failures[0] for failures in by_history(everything, found) for each in failures}
    return lambda failure, left: _advice(first[failure.rule_id, failure.case], left)


def _advice(named: Failure, left: Sequence[str]) -> Advice:
    """The advice that the failure gives which names the cause."""
    rule = RULES[named.rule_id]
    counters = _counters(named, left)
    if not counters:
        return Advice(rule.id, f"the client does not keep {rule.id}: {rule.why}", rule.statement)
    names = " or ".join(each.name for each in counters)
    return Advice(rule.id, f"the client {names}", "; or ".join(dict.fromkeys(each.remedy for each in counters)))


def _counters(named: Failure, left: Sequence[str]) -> list[WrongCounter]:
    """The wrong counter that a breach names; for a symptom those that are left; none for a rule of anything else."""
    message = named.breaches[0].message
    told = [each for each in CANDIDATES if message.endswith(f": the client {each.name}")]
    if told or named.rule_id not in SYMPTOMS:
        return told
    return [each for each in CANDIDATES if each.name in left]
