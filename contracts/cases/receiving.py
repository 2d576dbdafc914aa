"""Cases of receiving."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
