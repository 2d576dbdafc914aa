"""Rules of planning windows."""

from contracts.rule import RuleBook

RULES = RuleBook("Planning windows")
