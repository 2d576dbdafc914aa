"""The rules, in groups. Each module has the rules of one group in a `RULES` book."""

from contracts.rules import (
    converging_cost as converging_pace,
)
from contracts.rules import (
    counting,
    form,
    process,
    receiving,
    security,
    times,
    windows,
)
from contracts.rules import (
    errors_lasting as failing,
)
from contracts.rules.base import Rule, RuleBook

BOOKS: tuple[RuleBook, ...] = (
    form.RULES,
    windows.RULES,
    counting.RULES,
    receiving.RULES,
    converging_pace.RULES,
    failing.RULES,
    security.RULES,
    times.RULES,
    process.RULES,
)
"""The groups, in the order in which a client is best read: what it sends, when, with which number, and what follows."""

RULES: dict[str, Rule] = {rule.id: rule for book in BOOKS for rule in book}
"""Every rule by its id."""
