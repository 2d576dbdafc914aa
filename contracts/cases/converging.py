"""Cases of converging."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
