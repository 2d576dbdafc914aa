"""Rules of the form of a request."""

from contracts.rule import RuleBook

RULES = RuleBook("The form of a request")
