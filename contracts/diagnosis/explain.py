"""Which wrong counters explain the claims of one run, and which the run would have caught."""

from collections.abc import Iterable
from typing import NamedTuple

from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.run.run import Run
from contracts.run.syncs import Claim


class Diagnosis(NamedTuple):
    """Whether a wrong counter explains every claim of a run, and the first claim that it does not explain."""

    counter: WrongCounter
    fits: bool
    against: Claim | None


def diagnose(run: Run) -> list[Diagnosis]:
    """Compare every candidate with the claims of a run."""
    return [_compare(run, counter) for counter in CANDIDATES]


def suspects(run: Run) -> list[WrongCounter]:
    """The candidates that explain every claim of a run; none if no claim is off the bracket."""
    return [counter for counter in CANDIDATES if fits(run, counter)] if run.off_bracket else []


def fits(run: Run, counter: WrongCounter) -> bool:
    """Whether a counter explains every claim of a run."""
    return _compare(run, counter).fits


def differs(run: Run, counter: WrongCounter) -> bool:
    """Whether a client with this counter would have been caught: some claim is off the bracket in either view."""
    return run.once(counter.claims).differs


def explaining(run: Run, counters: Iterable[WrongCounter]) -> WrongCounter | None:
    """The first of some counters that explains the claims of a run, some of which are off the bracket."""
    if not run.off_bracket:
        return None
    return next((counter for counter in counters if fits(run, counter) and differs(run, counter)), None)


def _compare(run: Run, counter: WrongCounter) -> Diagnosis:
    against = run.once(counter.claims).against
    return Diagnosis(counter, against is None, against)
