"""The cases, in groups. Each module has the cases of one group as `CASES`."""

from contracts.case import Case
from contracts.cases import converging, counting, failing, form, process, receiving, security, times, windows

GROUPS = (form, windows, counting, receiving, converging, failing, security, times, process)

CASES: dict[str, Case] = {case.id: case for group in GROUPS for case in group.CASES}
"""Every case by its id."""
