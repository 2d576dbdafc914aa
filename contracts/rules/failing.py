"""Rules of errors."""

from contracts.rule import RuleBook

RULES = RuleBook("Errors")
