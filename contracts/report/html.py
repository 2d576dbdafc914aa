"""`index.html`: a page about one run that opens from disk, without network access or scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from contracts.check.causes import is_bystander
from contracts.check.engine import Plan
from contracts.check.results import Check, Failure
from contracts.diagnosis.narrowing import Narrowing
from contracts.play.recording import LogLine
from contracts.report.changes import CHANGES, Change, Comparison
from contracts.report.curl import curl, request_at
from contracts.report.diagnosis_table import Explanation, explanation
from contracts.report.narration import NarratedEvent, narrate
from contracts.report.page import SIGNS, environment, sign_of, style_of
from contracts.report.record_table import FATES, RecordRow, rows, summed
from contracts.report.settings import settings_text, title_of
from contracts.report.story import by_history, focus_of, sum_lines
from contracts.report.summary import counted_as, ids_by_count
from contracts.report.text import plain
from contracts.report.timeline import HEIGHT, LANES, LEFT, STEP, Timeline, timeline
from contracts.rules import BOOKS
from contracts.rules.base import Rule
from contracts.rules.verdict import BROKEN, Verdict
from mock_server.history.story import how_many
from mock_server.version import __version__
from mock_server.words import shortened

ROWS_SHOWN = 40
"""The most records in the table of a run; those with another fate than `ok` have precedence."""

LINES_BEFORE, LINES_AFTER = 60, 15
"""How many lines of a history are shown before a breach, and how many after it."""

TEXT_SHOWN = 1_000

_BROKEN = frozenset(BROKEN.values())


@dataclass(frozen=True, slots=True)
class Page:
    """The input of the page. By rule and case, `commands` has how each failure is repeated, `files` its file if any."""

    agent: str
    plan: Plan
    found: Check
    files: Mapping[tuple[str, str], str]
    commands: Mapping[tuple[str, str], str]
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with its verdict, its change since the last run, the anchor of its failure, and why it may fail.

    `reason` says why nothing is known of it; empty if something is.
    """

    rule: Rule
    verdict: Verdict
    reason: str
    exercised: int
    change: Change | None
    anchor: str
    others: tuple["Other", ...]
    known: tuple[str, ...]
    counted_as: str

    @property
    def sign(self) -> str:
        """What it is counted as, as a sign."""
        return sign_of(self.counted_as)

    @property
    def style(self) -> str:
        """The class of its style."""
        return style_of(self.counted_as)

    @property
    def is_broken(self) -> bool:
        """Whether the client breaks the rule."""
        return self.verdict in _BROKEN


@dataclass(frozen=True, slots=True)
class Other:
    """A failure of the same rule in another case: listed only."""

    case: str
    message: str
    command: str


@dataclass(frozen=True, slots=True)
class FailureView:
    """A history that breaks some rules, with all that the page shows of it.

    `here` is the number of the line of the breach; `before` and `after` are the numbers of lines that are not shown.
    """

    anchor: str
    case: str
    title: str
    settings: str
    is_bystander: bool
    verdicts: tuple[tuple[RuleView, str], ...]
    size: str
    sums: tuple[str, ...]
    explanation: Explanation | None
    narrowing: Narrowing
    timeline: Timeline | None
    lines: tuple[tuple[int, NarratedEvent], ...]
    here: int
    before: int
    after: int
    rows: tuple[RecordRow, ...]
    row_sums: tuple[tuple[str, int], ...]
    row_number: int
    request: str | None
    request_is_the_breach: bool
    command: str
    file: str
    log: tuple[LogLine, ...]


def index_html(page: Page) -> str:
    """The page as HTML."""
    views = _rule_views(page)
    failures = _failure_views(page, views)
    template = environment().get_template("index.html")
    return plain(
        template.render(
            agent=page.agent,
            version=__version__,
            seed=page.plan.seed,
            examples=page.plan.examples,
            runs=page.found.runs,
            interrupted=page.found.interrupted,
            harness_failure=page.found.harness_failure,
            counts=[
                (title, style_of(title), sign_of(title), len(ids))
                for title, ids in ids_by_count(page.found, page.plan.known).items()
            ],
            groups=_groups(list(views.values())),
            failures=failures,
            comparison=page.comparison,
            changes=CHANGES,
            deaths=[(case.case, shortened(case.deaths[0], TEXT_SHOWN)) for case in page.found.cases if case.deaths],
            signs=SIGNS,
            drawing={"lanes": LANES, "left": LEFT, "step": STEP, "height": HEIGHT},
        )
    )


def _groups(views: Sequence[RuleView]) -> list[tuple[str, list[RuleView]]]:
    """The rules by the titles of their groups."""
    titles = {rule.id: book.title for book in BOOKS for rule in book}
    by_title = groupby(views, key=lambda view: titles[view.rule.id])
    return [(title, list(group)) for title, group in by_title]


def _stories(page: Page) -> list[list[Failure]]:
    """The smallest failure of each rule, grouped by history."""
    smallest = (failures[0] for rule in page.found.rules if (failures := page.found.failures(rule)))
    return by_history(smallest, page.found)


def _rule_views(page: Page) -> dict[str, RuleView]:
    anchors = {
        failure.rule_id: f"failure-{number}" for number, group in enumerate(_stories(page), 1) for failure in group
    }
    return {
        rule.id: RuleView(
            rule=rule,
            verdict=page.found.verdict(rule),
            reason=page.found.reason(rule),
            exercised=page.found.result(rule).exercised,
            change=page.comparison.of(rule.id) if page.comparison else None,
            anchor=anchors.get(rule.id, f"rule-{rule.id}"),
            others=tuple(_other(page, failure) for failure in page.found.failures(rule)[1:]),
            known=tuple(f"{line.where}: {line.why}" for line in page.plan.known.of(rule.id)),
            counted_as=counted_as(rule, page.found, page.plan.known),
        )
        for rule in page.found.rules
    }


def _other(page: Page, failure: Failure) -> Other:
    key = (failure.rule_id, failure.case)
    message = shortened(failure.breaches[0].message, TEXT_SHOWN)
    return Other(failure.case, message, page.commands[key])


def _failure_views(page: Page, views: Mapping[str, RuleView]) -> list[FailureView]:
    return [_failure_view(page, views, number, group) for number, group in enumerate(_stories(page), 1)]


def _failure_view(page: Page, views: Mapping[str, RuleView], number: int, group: Sequence[Failure]) -> FailureView:
    first = group[0]
    run, seq, key = first.run, first.breaches[0].seq, (first.rule_id, first.case)
    records, faults, _ = first.scenario.size
    focus = focus_of(group)
    lines = narrate(run, focus)
    here = next((place for place, line in enumerate(lines) if line.seq >= seq), len(lines) - 1)
    start, end = max(0, here - LINES_BEFORE), min(len(lines), here + LINES_AFTER + 1)
    all_rows = list(rows(run))
    call = request_at(run, seq)
    return FailureView(
        anchor=f"failure-{number}",
        case=first.case,
        title=title_of(first.case),
        settings=settings_text(first.scenario),
        is_bystander=number > 1 and is_bystander(group),
        verdicts=tuple((views[each.rule_id], shortened(each.breaches[0].message, TEXT_SHOWN)) for each in group),
        size=f"{how_many(records, 'record')}, {how_many(faults, 'fault or other event')}",
        sums=tuple(sum_lines(run, seq)),
        explanation=explanation(run),
        narrowing=page.found.narrowing(first.case),
        timeline=timeline(run, seq, focus),
        lines=tuple(enumerate(lines[start:end], start + 1)),
        here=here + 1,
        before=start,
        after=len(lines) - end,
        rows=tuple(sorted(all_rows, key=lambda row: row.fate == "ok")[:ROWS_SHOWN]),
        row_sums=tuple((fate, summed(all_rows)[fate]) for fate in FATES),
        row_number=len(all_rows),
        request=curl(call) if call else None,
        request_is_the_breach=call is not None and call.seq == seq,
        command=page.commands[key],
        file=page.files[key],
        log=run.log,
    )
