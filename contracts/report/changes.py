"""The changes since the last run: the rules that are newly broken, fixed, still broken, or no longer seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from contracts.check.results import Check
from contracts.report.file_shapes import ComparisonJson, LastReportJson
from contracts.report.stored_report import REPORT, ReportError, StoredReport, read_report
from contracts.rules.verdict import BROKEN, Verdict

LAST = "report.last.json"
"""The name under which the last run's report is kept when a new one is written."""

Change: TypeAlias = Literal["new", "fixed", "still", "unseen"]
CHANGES: tuple[Change, ...] = ("new", "fixed", "still", "unseen")

_BROKEN = {verdict.value for verdict in BROKEN.values()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rule ids of each change. `unseen` were broken in the last run and not exercised in this one.

    `last` is the last run's report; without one `problem` says why it cannot be read.
    """

    last: StoredReport | None
    changes: Mapping[Change, tuple[str, ...]]
    problem: str | None = None

    def of(self, rule_id: str) -> Change | None:
        """The change of a rule; None if it was and is not broken."""
        return next((change for change, rule_ids in self.changes.items() if rule_id in rule_ids), None)

    def to_json(self) -> ComparisonJson:
        """The comparison as the report has it."""
        agent, version = (self.last.agent, self.last.version) if self.last else ("", "")
        new, fixed, still, unseen = (list(self.changes.get(change, ())) for change in CHANGES)
        last: LastReportJson = {"agent": agent, "version": version, "problem": self.problem}
        return {"last": last, "new": new, "fixed": fixed, "still": still, "unseen": unseen}


def keep_last(folder: Path) -> None:
    """Rename the report, so that writing a new one does not replace it."""
    path = folder / REPORT
    if path.exists():
        path.replace(folder / LAST)


def compare(folder: Path, found: Check) -> Comparison | None:
    """Compare this run with the report in a folder; None if there was none. OSError if it cannot be opened."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        last = read_report(path)
    except ReportError as error:
        return Comparison(None, {}, f"the last report cannot be read: {error}")
    return Comparison(last, changes(last.verdicts, {rule.id: found.verdict(rule).value for rule in found.rules}))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[Change, tuple[str, ...]]:
    """The ids of the rules of each change between the verdicts of two runs."""
    changed = {rule_id: _change(before.get(rule_id), now.get(rule_id)) for rule_id in (*now, *before)}
    return {each: tuple(rule_id for rule_id, change in changed.items() if change == each) for each in CHANGES}


def _change(was: str | None, now: str | None) -> Change | None:
    if now in _BROKEN:
        return "still" if was in _BROKEN else "new"
    if was not in _BROKEN:
        return None
    return "fixed" if now == Verdict.PASS else "unseen"
