"""Cases of time."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
