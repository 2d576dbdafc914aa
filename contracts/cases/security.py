"""Cases of security."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
