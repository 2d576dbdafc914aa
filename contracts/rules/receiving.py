"""Rules of receiving."""

from contracts.rule import RuleBook

RULES = RuleBook("Receiving")
