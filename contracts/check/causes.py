"""Which broken rule is told first: the one that most likely names the cause; what follows from it is a bystander.

One defect breaks several rules: a client that counts each delivery also claims a wrong number, is never at rest and
never agrees with its lots. The order is our choice; `docs/matrix.md` tells for how many known-bad clients the rule
that names the defect comes first.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from contracts.check.results import Check, Failure
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.rules import RULES
from contracts.rules.base import LEVELS

SYMPTOMS = ("CONV-MONOTONE", "CNT-TRUTH", "CONV-REACHES", "CONV-QUIET")
"""What nearly every defect breaks, the most telling first."""

FOLLOWS = (
    "CNT-FRESH",
    "CNT-RECORD-ID",
    "CNT-NOT-MSG-ID",
    "REC-NACK",
    "CNT-QUARANTINE",
    "REC-OLD",
    "REC-ORDER",
    "REC-PERSIST-ACK",
    "CNT-NOT-COARSE",
    "ERR-KEEP",
)
"""What more special defects break too."""

CAUSES = ("TIME", "SEC", "PROC")
"""Groups whose defects break rules of other groups, as seldom the reverse."""

CAUSE_RULES = ("REC-FOREIGN", "REC-NO-REPLACE", "CNT-CORRECTION", "CONV-RESUME", "ERR-PARTIAL")
"""Rules whose defects do so."""

_ORDER = (*FOLLOWS, *(rule_id for rule_id in RULES if rule_id not in FOLLOWS))

Rank: TypeAlias = tuple[int, ...]


def rank_in(found: Check) -> Callable[[Failure], Rank]:
    """The rank of a failure among those of a check; the lowest is told first.

    That is by level, by how special the rule is, by whether all runs leave its wrong counter as the explanation, by
    in how many cases the rule is broken (a cause is met more often than a coincidence), and by size.
    """
    cases = {rule.id: len(found.failures(rule)) for rule in found.rules}

    def rank(failure: Failure) -> Rank:
        rule_id = failure.rule_id
        often = cases.get(rule_id, 0)
        special, refuted = specialty(rule_id), _is_refuted(failure, found)
        return (LEVELS.index(failure.level), special, refuted, -often, *failure.scenario.size, _ORDER.index(rule_id))

    return rank


def specialty(rule_id: str) -> int:
    """How special the defects are that break a rule: 0 for those that break other rules too."""
    if rule_id in SYMPTOMS:
        return 3 + SYMPTOMS.index(rule_id)
    if rule_id in FOLLOWS:
        return 2
    return 0 if rule_id in CAUSE_RULES or rule_id.partition("-")[0] in CAUSES else 1


def _is_refuted(failure: Failure, found: Check) -> bool:
    """Whether a failure says that the client counts in some way, and other runs of the check are against it."""
    left = found.narrowing(failure.case).left
    named = [each.name for each in CANDIDATES if failure.breaches[0].message.endswith(f": the client {each.name}")]
    return bool(left) and any(name not in left for name in named)


def first_told(found: Check) -> Failure | None:
    """The failure of a check that is told first; None if there is none."""
    smallest = [failures[0] for rule in found.rules if (failures := found.failures(rule))]
    return min(smallest, key=rank_in(found), default=None)


def is_bystander(failures: Iterable[Failure]) -> bool:
    """Whether all rules that a history breaks are broken by nearly every defect: they tell little beside another."""
    return all(failure.rule_id in SYMPTOMS for failure in failures)
