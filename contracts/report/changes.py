"""The changes since the last run: the rules that are newly broken, fixed, still broken, or no longer seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from contracts.check.results import Check
from contracts.rules.verdict import BROKEN, Verdict
from mock_server.model import JsonObject
from mock_server.problems import parse_json

REPORT = "report.json"
LAST = "report.last.json"
"""The name under which the last run's report is kept when a new one is written."""

Change: TypeAlias = Literal["new", "fixed", "still", "unseen"]
CHANGES: tuple[Change, ...] = ("new", "fixed", "still", "unseen")

_BROKEN = {verdict.value for verdict in BROKEN.values()}


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last report in a folder: its client and its verdicts by rule id. `problem` says why it cannot be read."""

    agent: str = ""
    version: str = ""
    verdicts: Mapping[str, str] | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rule ids of each change. `unseen` were broken in the last run and not exercised in this one."""

    last: LastRun
    changes: Mapping[Change, tuple[str, ...]]

    def of(self, rule_id: str) -> Change | None:
        """The change of a rule; None if it was and is not broken."""
        return next((change for change, rule_ids in self.changes.items() if rule_id in rule_ids), None)

    def to_json(self) -> JsonObject:
        """The comparison as the report has it."""
        changes: JsonObject = {change: list(self.changes.get(change, ())) for change in CHANGES}
        last: JsonObject = {"agent": self.last.agent, "version": self.last.version, "problem": self.last.problem}
        return {"last": last} | changes


def read_last(folder: Path) -> LastRun | None:
    """The report in a folder, None if there is none. OSError if it cannot be opened."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        return _last_run(parse_json(path.read_bytes()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return LastRun(problem=f"the last {REPORT} is no report: {error!r}")


def _last_run(data: Any) -> LastRun:
    verdicts = {str(each["rule"]): str(each["verdict"]) for each in data["rules"]}
    return LastRun(str(data["agent"]), str(data["version"]), verdicts)


def keep_last(folder: Path) -> None:
    """Rename the report, so that writing a new one does not replace it."""
    path = folder / REPORT
    if path.exists():
        path.replace(folder / LAST)


def compare(last: LastRun | None, found: Check) -> Comparison | None:
    """Compare this run with the last one; None if there was none."""
    if last is None:
        return None
    if last.verdicts is None:
        return Comparison(last, {})
    now = {rule.id: found.verdict(rule).value for rule in found.rules}
    changes: dict[Change, list[str]] = {change: [] for change in CHANGES}
    for rule_id in dict.fromkeys([*now, *last.verdicts]):
        change = _change(last.verdicts.get(rule_id), now.get(rule_id))
        if change is not None:
            changes[change].append(rule_id)
    return Comparison(last, {change: tuple(rule_ids) for change, rule_ids in changes.items()})


def _change(was: str | None, now: str | None) -> Change | None:
    if now in _BROKEN:
        return "still" if was in _BROKEN else "new"
    if was not in _BROKEN:
        return None
    return "fixed" if now == Verdict.PASS else "unseen"
