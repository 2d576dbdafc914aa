"""Rules of converging."""

from contracts.rule import RuleBook

RULES = RuleBook("Converging")
