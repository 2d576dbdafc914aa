"""Cases of planning windows."""

from contracts.case import Case

CASES: tuple[Case, ...] = ()
