"""The last lines of a check on the console: the number of rules of each verdict, and the ids of all but `pass`."""

import textwrap
from collections.abc import Iterator

from contracts.check.results import Check
from contracts.check.vitals import Ailment, vitals_of
from contracts.rules.verdict import Verdict
from mock_server.history.story import how_many

_INDENT = 20
_WIDTH = 110


def summary(found: Check) -> Iterator[str]:
    """The lines: each verdict with its number of rules, and their ids except of `pass`."""
    by_verdict: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for rule in found.rules:
        by_verdict[found.verdict(rule)].append(rule.id)
    counts = ", ".join(f"{len(ids)} {verdict}" for verdict, ids in by_verdict.items() if ids)
    yield f"{how_many(len(found.rules), 'rule')} in {how_many(found.runs, 'run')}: {counts}"
    for verdict, ids in by_verdict.items():
        if ids and verdict is not Verdict.PASS:
            yield _block(verdict.value, ids)
    vitals = vitals_of(found)
    deaths = [f"in {case.case}: {death}" for case in found.cases for death in case.deaths[:1]]
    if deaths and (vitals is None or vitals.ailment is not Ailment.DEAD):
        yield f"  the client died of itself in {how_many(len(deaths), 'case')}, first {deaths[0]}"


def _block(title: str, ids: list[str]) -> str:
    return textwrap.fill(
        ", ".join(ids),
        _WIDTH,
        initial_indent=f"  {title:<{_INDENT - 2}}",
        subsequent_indent=" " * _INDENT,
        break_on_hyphens=False,
    )
