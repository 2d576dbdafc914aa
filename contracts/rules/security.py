"""Rules of security."""

from contracts.rule import RuleBook

RULES = RuleBook("Security")
