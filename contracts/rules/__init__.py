"""The rules, in groups. Each module has the rules of one group in a `RULES` book."""

from contracts.rules import (
    converging_cost,
    counting,
    errors_lasting,
    form,
    process,
    receiving,
    security,
    times,
    windows_revisits,
)
from contracts.rules.base import Rule, RuleBook

BOOKS: tuple[RuleBook, ...] = (
    form.RULES,
    windows_revisits.RULES,
    counting.RULES,
    receiving.RULES,
    converging_cost.RULES,
    errors_lasting.RULES,
    security.RULES,
    times.RULES,
    process.RULES,
)
"""The groups, in the order of reports: the form of a request, its window, its count, and what follows from it."""

RULES: dict[str, Rule] = {rule.id: rule for book in BOOKS for rule in book}
"""Every rule by its id."""
