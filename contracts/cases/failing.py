"""Cases of errors."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
