"""Which failures of a check are worth being made small, once all cases have been played.

A rule that is broken is usually broken in many cases. One small history of it is told; making each of the others small
takes longer than everything else, so they stay as they were found.
"""

from typing import NamedTuple

from contracts.cases import case_of
from contracts.check.known_failing import KnownFailing
from contracts.check.results import Check, Failure
from contracts.client.interface import ProcessProblem
from contracts.rules.base import LEVELS, Rule

MOST_SHRUNK = 10
"""So many failures are made small, those of must-rules first."""


class Shrink(NamedTuple):
    """A failure to be made small: of a rule, in the run of a case with that number."""

    case: str
    rule_id: str
    number: int


def worth_shrinking(found: Check, known: KnownFailing, most: int) -> list[Shrink]:
    """One failure of each broken rule. Rules that are broken in the same run are made small together."""
    chosen: dict[tuple[str, int], Shrink] = {}
    for rule in sorted(found.rules, key=lambda each: LEVELS.index(each.level)):
        failure = _best(rule, found, known)
        if failure is not None:
            place = (failure.case, failure.number)
            chosen.setdefault(place, Shrink(failure.case, rule.id, failure.number))
    return list(chosen.values())[:most]


def _best(rule: Rule, found: Check, known: KnownFailing) -> Failure | None:
    """The smallest failure of a rule that is not known; those of cases made for it have precedence.

    None also for a client that hung or never lived: that takes as long again in each run, and shows no more.
    """
    failures = found.unknown(rule, known)
    failures = [each for each in failures if rule.id in case_of(each.case).aims] or failures
    useless = (each for each in failures if each.run.findings_of(ProcessProblem.HUNG) or each.run.is_lifeless)
    return None if not failures or any(useless) else failures[0]
