"""Rules of time."""

from contracts.rule import RuleBook

RULES = RuleBook("Time")
