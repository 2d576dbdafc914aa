"""The end of a check: the report, the stories of failures, the known failures, and the exit code."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

import click

from contracts.check.engine import FOUND_SHOWN, Plan
from contracts.check.results import Check, HarnessFailure
from contracts.check.vitals import Ailment, vitals_of
from contracts.commands.options import harness
from contracts.report.markdown import annotations, markdown
from contracts.report.story import story, worth_telling
from contracts.report.summary import summary
from contracts.report.text import plain
from contracts.report.write import INDEX, Written, repeat_case, repeat_command, write_report
from contracts.rules.base import Level, Rule
from contracts.rules.verdict import Verdict
from mock_server.cli import ConfigurationError
from mock_server.history.story import how_many
from mock_server.words import folded, shortened

WIDTH = 110
"""The length of the lines of a summary."""

STORIES_SHOWN = 5
"""The most failures that are printed in full; the others are in the report."""

Style: TypeAlias = Literal["text", "markdown"]
"""How the end of a check is printed."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the file to which a step of a GitHub job appends Markdown for the job's page."""

FAILED, NOT_JUDGED, NOT_FINISHED = 1, 2, 3
"""Exit codes: the client fails; nothing was left to judge; interrupted, or the harness itself failed."""


def conclude(
    found: Check,
    client: str,
    plan: Plan,
    level: Level,
    folder: Path | None,
    agent: str | None = None,
    style: Style = "text",
) -> NoReturn:
    """Write the report, print the failures and the summary, and exit with the code for them.

    A failure of the harness is told last, on standard error.
    `client` is the client's spec as text, `agent` its own name and version.
    """
    with harness():
        code = tell(found, client, plan, level, folder, agent, style)
    sys.exit(code)


def tell(
    found: Check,
    client: str,
    plan: Plan,
    level: Level,
    folder: Path | None,
    agent: str | None,
    style: Style = "text",
) -> int:
    """Write and print everything; the exit code."""
    written = _written(folder, client, plan, found, agent) if folder else {}
    code = _exit_code(found, plan, level)
    # Stories take a while to tell, so Markdown is made only where it is wanted.
    summary_file = os.environ.get(STEP_SUMMARY)
    page = tuple(markdown(agent or client, client, plan, found, written)) if summary_file or style == "markdown" else ()
    if style == "markdown":
        lines = page
    else:
        lines = (*_stories(found, client, plan, written), *_summary(found, plan, failed=code == FAILED))
    _print(found, client, plan, "\n".join(lines), folder)
    _tell_github(found, plan, "\n".join(page), summary_file)
    return code


def _summary(found: Check, plan: Plan, *, failed: bool) -> Iterator[str]:
    yield from (*summary(found, plan.known), *_known(found, plan), *_end(found, plan, failed=failed))


def _tell_github(found: Check, plan: Plan, page: str, path: str | None) -> None:
    """In a job of GitHub's: append Markdown to the job's summary, and mark the build with what is broken."""
    if path:
        try:
            with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{page}\n")
        except OSError as error:
            click.echo(f"Warning: cannot append to {path} ({STEP_SUMMARY}): {error.strerror}", err=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(plan, found):
            click.echo(line)


def _print(found: Check, client: str, plan: Plan, text: str, folder: Path | None) -> None:
    """Print the text, where the report is, and what went wrong with the harness."""
    click.echo(text)
    if folder:
        click.echo(f"Report: {folder / INDEX}")
    if found.harness_failure:
        for line in _harness_failed(found.harness_failure, client, plan):
            click.echo(line, err=True)


def _exit_code(found: Check, plan: Plan, level: Level) -> int:
    """The first that holds: the harness failed, the client failed, interrupted, nothing judged, too little, well."""
    if found.harness_failure:
        return NOT_FINISHED
    vitals = vitals_of(found)
    never_appeared = any(case.never_appeared for case in found.cases)
    is_dead = vitals is not None and vitals.ailment is not Ailment.NOT_JUDGED
    if never_appeared or is_dead or found.broken(level, plan.known) or found.surprises(plan.known):
        return FAILED
    if found.interrupted:
        return NOT_FINISHED
    if vitals is not None:
        return NOT_JUDGED
    return FAILED if found.unseen(plan.required) else 0


def _harness_failed(failure: HarnessFailure, client: str, plan: Plan) -> Iterator[str]:
    """What to report about it: the case and the seed, the traceback, and how to repeat it."""
    yield f"Error: the harness itself failed in case {failure.case}, seed {plan.seed}: {failure.text}"
    yield "That says nothing about the client; what was played before is told and reported. To repeat it:"
    yield f"  {repeat_case(client, plan, f'--case {failure.case}')}"
    yield failure.trace.rstrip()


def prepare_folder(folder: Path) -> None:
    """Make the report's folder before anything is played; exit code 2 if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot write the report {folder}: {error.strerror}") from None


def _written(folder: Path, client: str, plan: Plan, found: Check, agent: str | None) -> Written:
    try:
        return write_report(folder, client, plan, found, agent)
    except OSError as error:
        raise ConfigurationError(f"cannot write the report {folder}: {error.strerror}") from None


def _stories(found: Check, client: str, plan: Plan, written: Written) -> Iterator[str]:
    """The smallest failure of each rule that is not known to fail."""
    groups, bystanders = worth_telling(found, plan.known)
    for failures in groups[:STORIES_SHOWN]:
        yield ""
        first = failures[0]
        repeat = repeat_command(written.get((first.rule_id, first.case)), first, client, plan)
        yield from story(failures, repeat, found.narrowing(first.case))
    yield ""
    if len(groups) > STORIES_SHOWN:
        more = how_many(len(groups) - STORIES_SHOWN, "other failure")
        yield f"{more} not shown here: {'the report has each' if written else '--report DIR writes a file of each'}"
    if bystanders:
        named = ", ".join(f"{each.rule_id} (case {each.case})" for each in bystanders)
        yield f"Broken too, as by nearly every defect: {named}"


def _known(found: Check, plan: Plan) -> Iterator[str]:
    """What does not decide: the entries of the known-failing file, and what came after the edition.

    Of the entries those that failed as expected, and those that hold after all.
    """
    for rule in found.rules:
        for line in plan.known.of(rule.id):
            if any(line.covers(rule.id, failure.case) for failure in found.failures(rule)):
                yield f"  known to fail     {line.where}: {line.why}"
        yield from _later(rule, found, plan)
    for line in found.surprises(plan.known):
        yield f"  SURPRISE          {line.where} holds, but {plan.known.file}, line {line.line} says that it fails"
        yield f"                    ({line.why}). Remove the line, so that nothing can break it again unseen."


def _later(rule: Rule, found: Check, plan: Plan) -> Iterator[str]:
    """The first failure of a rule that came after the edition, or in a case that did."""
    edition = plan.known.edition
    later = [each for each in found.failures(rule) if plan.known.is_later(rule.id, each.case)]
    if edition is not None and later:
        text = f"{rule.id} in {later[0].case}: {shortened(plain(later[0].breaches[0].message), FOUND_SHOWN)}"
        yield from folded(f"  added since {edition.name}: ", f"{text}; it decides nothing yet", WIDTH, 4)


def _end(found: Check, plan: Plan, *, failed: bool) -> Iterator[str]:
    if found.interrupted:
        played = f"{len(found.cases)} of {how_many(len(plan.case_ids), 'case')} begun"
        so_far = (
            "it has failed already" if failed else "nothing has failed so far, but it is not finished (exit code 3)"
        )
        yield f"INTERRUPTED with {played}: {so_far}"
    for rule in found.unseen(plan.required):
        yield from folded("REQUIRED: ", f"{rule.id} was not exercised: {found.reason(rule)}", WIDTH, 4)
    vitals = vitals_of(found)
    if vitals is not None:
        yield f"{vitals.ailment.upper()}: {vitals.text}"
    if plan.left_out:
        unseen = [rule for rule in found.rules if found.verdict(rule) is Verdict.NOT_EXERCISED]
        yield (
            f"QUICK: {how_many(plan.left_out, 'case')} left out, {how_many(plan.examples, 'scenario')} of each other;"
            f" {how_many(len(unseen), 'rule')} not exercised. A whole check is the same without --quick."
        )
    if found.stopped:
        left = len(plan.case_ids) - len(found.cases)
        yield f"STOPPED at the first failure (--fail-fast): {how_many(left, 'other case')} not played to the end"
    if found.given_up:
        left = len(plan.case_ids) - len(found.cases)
        yield f"GIVEN UP: {how_many(left, 'other case')} not played, as it stayed alive in no run so far"
