"""Cases of the form of a request."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
