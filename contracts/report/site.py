"""A page of many reports: client by version by rule, what has changed from one to the next, and the failures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from contracts.check.failure_file import ReplayError, read_failure
from contracts.report.changes import CHANGES, Change, changes
from contracts.report.page import SIGNS, environment, sign_of, style_of
from contracts.report.stored_report import REPORT, StoredFailure, StoredReport, StoredRule, read_report
from contracts.report.story import story
from contracts.report.summary import KNOWN
from contracts.report.text import plain
from contracts.rules import BOOKS, RULES
from contracts.rules.verdict import BROKEN
from mock_server.version import __version__
from mock_server.words import shortened

MESSAGE_SHOWN = 1_000

_GRAVITY = tuple(verdict.value for verdict in BROKEN.values())
"""The verdicts on a broken rule, the gravest first."""


@dataclass(frozen=True, slots=True)
class RuleCell:
    """The verdict on one rule in one report."""

    rule: StoredRule
    change: Change | None
    anchor: str

    @property
    def is_broken(self) -> bool:
        """Whether the client breaks the rule."""
        return self.rule.verdict in _GRAVITY

    @property
    def counted_as(self) -> str:
        """Its verdict, or that it is known to fail if none of its failures decides."""
        failures = self.rule.failures
        is_known = bool(failures) and not any(each.decides for each in failures)
        return KNOWN if is_known else self.rule.verdict

    @property
    def sign(self) -> str:
        """What it is counted as, as a sign."""
        return sign_of(self.counted_as)

    @property
    def style(self) -> str:
        """The class of its style."""
        return style_of(self.counted_as)

    @property
    def told(self) -> StoredFailure | None:
        """The failure that is told: the smallest that decides, else the smallest."""
        failures = self.rule.failures
        return next((each for each in failures if each.decides), failures[0] if failures else None)


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One report: its folder, and its cells by rule id. `before` is the report of the same client that it is after."""

    folder: Path
    report: StoredReport
    before: StoredReport | None
    cells: Mapping[str, RuleCell]

    @property
    def changed(self) -> list[tuple[Change, list[str]]]:
        """What has changed since the report before: the ids of the rules of each change."""
        return [
            (change, [rule_id for rule_id in self.cells if self.cells[rule_id].change == change]) for change in CHANGES
        ]

    @property
    def broken(self) -> list[tuple[str, RuleCell]]:
        """The rules that the client breaks, the gravest first."""
        broken = [(rule_id, cell) for rule_id, cell in self.cells.items() if cell.is_broken]
        return sorted(broken, key=lambda each: _GRAVITY.index(each[1].rule.verdict))

    def story(self, failure: StoredFailure) -> list[str]:
        """The story of a failure from its file, which lies in the folder; empty without one."""
        path = self.folder / (failure.history or "")
        if not failure.history or not path.resolve().is_relative_to(self.folder.resolve()):
            return []
        try:
            found = read_failure(path).failure()
        except (OSError, ReplayError):
            return []
        return story([found], f"parking-mock replay {path}")


def client_of(report: StoredReport) -> str:
    """The client's name without its version, as `hello` tells both: `python-client` of `python-client 0.1.0`."""
    name, _, version = report.agent.rpartition(" ")
    return name if name and version[:1].isdigit() else report.agent


def columns(folders: Iterable[Path]) -> list[ReportColumn]:
    """The reports in these folders, those of one client side by side, the clients in the order of their coming.

    OSError or ReportError if a folder has none.
    """
    read = [(folder, read_report(folder / REPORT)) for folder in folders]
    order = list(dict.fromkeys(client_of(report) for _, report in read))
    made: list[ReportColumn] = []
    for number, (folder, report) in enumerate(sorted(read, key=lambda each: order.index(client_of(each[1])))):
        is_after = bool(made) and client_of(made[-1].report) == client_of(report)
        made.append(_column(number, folder, report, made[-1].report if is_after else None))
    return made


def _column(number: int, folder: Path, report: StoredReport, before: StoredReport | None) -> ReportColumn:
    changed = changes(before.verdicts, report.verdicts) if before else {}
    change_of = {rule_id: change for change, rule_ids in changed.items() for rule_id in rule_ids}
    cells = {
        rule_id: RuleCell(rule, change_of.get(rule_id), f"failure-{number}-{rule_id}")
        for rule_id, rule in report.rules.items()
    }
    return ReportColumn(folder, report, before, cells)


def site_html(found: Sequence[ReportColumn]) -> str:
    """The page as HTML."""
    template = environment().get_template("site.html")
    return plain(
        template.render(
            version=__version__,
            clients=[(name, list(group)) for name, group in groupby(found, key=lambda each: client_of(each.report))],
            columns=found,
            groups=_groups({rule_id for each in found for rule_id in each.cells}),
            rules=RULES,
            signs=SIGNS,
            shortened=lambda text: shortened(text, MESSAGE_SHOWN),
        )
    )


def _groups(rule_ids: set[str]) -> list[tuple[str, list[str]]]:
    """The rules of the reports by the titles of their groups; those of other versions come last."""
    groups = [(book.title, [rule.id for rule in book if rule.id in rule_ids]) for book in BOOKS]
    groups.append(("Rules of other versions", sorted(rule_ids - RULES.keys())))
    return [(title, ids) for title, ids in groups if ids]
