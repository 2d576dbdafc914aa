"""The cases, in groups. Each module defines the cases of one group as `CASES`."""

from contracts.cases import converging, counting, form, process, receiving, security, times, windows
from contracts.cases import errors as failing
from contracts.cases.base import Case

GROUPS = (form, windows, counting, receiving, converging, failing, security, times, process)

CASES: dict[str, Case] = {case.id: case.in_dimensions() for group in GROUPS for case in group.CASES}
"""Every case by its id."""

VARIANTS: dict[str, Case] = {variant.id: variant for case in CASES.values() for variant in case.each_variant()}
"""Every variant of a case by its id."""


def case_of(case_id: str) -> Case:
    """The case or variant with an id. KeyError if there is none."""
    return CASES.get(case_id) or VARIANTS[case_id]
