"""Whether the client of a check was alive, and whether anything was judged at all. A dead client is never well.

A client that dies in few of many runs is told by the rules that it breaks there, and by the deaths in the report.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.check.results import Check
from mock_server.history.story import how_many


class Ailment(StrEnum):
    """Why the verdicts of a check say little about its client."""

    DEAD = "dead"
    """It died of itself in more than half of the runs."""
    SILENT = "silent"
    """It never called and never connected."""
    NOT_JUDGED = "not judged"
    """No rule was exercised: the choice of rules and cases, or what the client implements, leaves nothing to judge."""


NEVER_ASKED = (
    "no window was asked about in any session, so no count was judged: sessions last some windows of"
    " PARKING_MOCK_WINDOW_MS, and a product whose windows are fixed, to an hour for example, cannot be judged by"
    " observing it; let it read that variable, or drive it by an adapter (--exec), which is told the time"
)
"""What is said of an observed client that never called records/sync."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What ails a check, and in a sentence how it shows."""

    ailment: Ailment
    text: str


def vitals_of(found: Check) -> Vitals | None:
    """What ails a check, the gravest first; None if nothing does. A check without runs says nothing of its client."""
    if not found.runs:
        return None
    if 2 * found.died > found.runs:
        return Vitals(Ailment.DEAD, _death_text(found))
    if found.silent == found.runs:
        return Vitals(Ailment.SILENT, f"the client never called and never connected in {how_many(found.runs, 'run')}")
    if all(case.never_asked for case in found.cases):
        return Vitals(Ailment.NOT_JUDGED, NEVER_ASKED)
    if not any(found.result(rule).exercised for rule in found.rules):
        return Vitals(Ailment.NOT_JUDGED, _nothing_text(found))
    return None


def _death_text(found: Check) -> str:
    case = next(case for case in found.cases if case.deaths)
    return (
        f"the client died of itself in {found.died} of {how_many(found.runs, 'run')},"
        f" first in case {case.case}: {case.deaths[0]}"
    )


def _nothing_text(found: Check) -> str:
    runs = how_many(found.runs, "run")
    if found.unimplemented == found.runs:
        return f"nothing was judged in {runs}: the client answers that it implements none of what drives it"
    return f"nothing was judged in {runs}: the situations of the chosen rules never arose"
