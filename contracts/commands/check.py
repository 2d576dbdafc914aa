"""`parking-mock check`."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
from click.core import ParameterSource

from contracts.check.earlier_failures import ReplayVerdict, earlier_failures, play_earlier
from contracts.check.edition import Edition, EditionError, find_edition
from contracts.check.engine import CheckProgress, Plan, check_in_parallel
from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.check.failure_file import RecordedFailure
from contracts.check.known_failing import NOTHING_KNOWN, KnownFailing, KnownFailingError, read_known_failing
from contracts.check.quick import QUICK_EXAMPLES, QUICK_SHRUNK, likely_first, quick_cases
from contracts.check.results import CaseResult, Check
from contracts.check.workers import end_requested, this_process_as_worker
from contracts.client.spec import OBSERVED, ClientNotFoundError, ClientSpec
from contracts.commands.findings import Findings
from contracts.commands.options import (
    EXAMPLES_ELSEWHERE,
    ClientCommand,
    client_options,
    examples_option,
    given,
    harness,
    jobs_option,
    load_here,
    patience_option,
    progress,
    refuse_without_effect,
    seed_option,
    spec_of,
)
from contracts.commands.outcome import Style, conclude, prepare_folder
from contracts.commands.selection import Selection, case_lines, coverage, selection_options
from contracts.play.attachment import WINDOW_MS, agent_of
from contracts.play.own_cloud import stated_by
from contracts.report.write import FAILURES
from contracts.rules.base import LEVELS, Level, Need
from mock_server.cli import ConfigurationError, named_profile, option, profile_data
from mock_server.clock import monotonic_s
from mock_server.history.story import how_many
from mock_server.model import JsonObject

KNOWN_HELP = (
    "Rules that fail for now: a line has RULE or RULE CASE-GLOB, then # and the reason. They are judged; one that holds"
    " after all fails the check."
)


class ObservedRange(click.IntRange):
    """A range of integers for an option that has an effect only with `--observe`, which is read before it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. A usage error if the option has no effect, whatever its value is."""
        if param is not None and ctx is not None and not ctx.params.get("is_observed"):
            with ctx:
                refuse_without_effect((param.name or "",), "without --observe")
        return super().convert(value, param, ctx)


@click.command(cls=ClientCommand)
@client_options
@selection_options
@click.option("--list", "lists", is_flag=True, help="List the cases that would be played, and end.")
@click.option("--coverage", "counts", is_flag=True, help="With --list: what their scenarios exercise, as numbers.")
@option(
    "--level", type=click.Choice(LEVELS), default="must", show_default=True, help="Rules from this level on must hold."
)
@option("--known-failing", "known_file", type=click.Path(path_type=Path), metavar="FILE", help=KNOWN_HELP)
@option(
    "--rules",
    "edition_name",
    default=None,
    metavar="EDITION|FILE",
    help="Only the rules and cases of an edition decide (docs/upgrading.md).  [default: all]",
)
@option("--strict", "is_strict", is_flag=True, help="Should-rules must hold as must-rules.")
@option(
    "--require-exercised",
    "required_globs",
    multiple=True,
    metavar="GLOB",
    help="Rules of these names must be exercised: exit code 1 if one is not, with the reason.",
)
@option(
    "--profile",
    "profile_name",
    default=None,
    metavar="NAME|FILE",
    help="How your own cloud answers (docs/profiles.md): what contradicts it is not played.",
)
@option("--quick", "is_quick", is_flag=True, help="One scenario of the cases that find most: a first answer.")
@option("--fail-fast", is_flag=True, help="End at the first failure of a rule that must hold.")
@examples_option
@seed_option
@jobs_option
@patience_option
@option(
    "--observe",
    "is_observed",
    is_flag=True,
    is_eager=True,
    help="Tell it addresses and keys only, and judge its traffic.",
)
@option(
    "--window-ms",
    type=ObservedRange(1_000, 3_600_000),
    default=WINDOW_MS,
    show_default=True,
    show_envvar=False,
    help="With --observe: how long a window is that would be an hour.",
)
@option(
    "--format",
    "style",
    type=click.Choice(get_args(Style)),
    default="text",
    show_default=True,
    help="How the end is printed. In a GitHub job Markdown also goes to the job's summary.",
)
@option("--report", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write the report.")
def check(  # noqa: PLR0913 an argument for each option
    *,
    rule_globs: tuple[str, ...],
    case_globs: tuple[str, ...],
    only: tuple[Level, ...],
    needs: tuple[Need, ...],
    lists: bool,
    counts: bool,
    level: Level,
    known_file: Path | None,
    required_globs: tuple[str, ...],
    style: Style,
    edition_name: str | None,
    is_strict: bool,
    profile_name: str | None,
    is_quick: bool,
    fail_fast: bool,
    examples: int | None,
    seed: int,
    jobs: int,
    folder: Path | None,
    patience: float,
    is_observed: bool,
    window_ms: int,
    **specs: str | None,
) -> None:
    """Judge a client: play scenarios to it and name the rules that it breaks."""
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # a build server ends a job by SIGTERM: write the report then too
    selection = Selection(rule_globs, case_globs, only, needs)
    if lists:
        examples = examples or DEFAULT_EXAMPLES
        lines = coverage(selection.case_ids, examples, seed) if counts else case_lines(selection.case_ids)
        for line in lines:
            click.echo(line)
        return
    refuse_without_effect(("counts",), "without --list")
    specs = given(specs)
    known = replace(_known(known_file), edition=_edition(edition_name))
    settings = Plan(selection.rule_ids, known=known, required=selection.required(required_globs), is_strict=is_strict)
    settings = replace(settings, fail_fast=level if fail_fast else None, stated=_stated(profile_name))
    if folder:
        prepare_folder(folder)
    if is_observed:
        refuse_without_effect(
            ("case_globs", "examples", "seed", "jobs", "is_quick", "fail_fast", "profile_name"), "with --observe"
        )
        _observe(specs, settings, level, window_ms, patience, folder, style)
    spec = spec_of(specs)
    if not spec.is_elsewhere:
        refuse_without_effect(("patience",), "with --client: it is for a client elsewhere")
    if spec.kind == "http":
        jobs = _jobs_behind(spec.urls, jobs)
    begun_s = monotonic_s()
    agent = _agent(spec, patience)
    starts_s = monotonic_s() - begun_s if spec.is_elsewhere else 0.0
    default = _examples(known.edition, is_elsewhere=spec.is_elsewhere)
    plan = replace(settings, case_ids=selection.case_ids, examples=examples or default, seed=seed, patience_s=patience)
    if is_quick:
        cases = quick_cases(plan.case_ids)
        plan = replace(plan, case_ids=cases, examples=examples or QUICK_EXAMPLES, shrunk=QUICK_SHRUNK)
        plan = replace(plan, left_out=len(selection.case_ids) - len(cases))
    judged_by = f", edition {known.edition.name}" if known.edition else ""
    click.echo(
        f"parking-mock check: {agent}, {how_many(len(plan.rule_ids), 'rule')}, {how_many(len(plan.case_ids), 'case')}"
        f" of {how_many(plan.examples, 'example')}, seed {seed}{judged_by}"
    )
    for line in estimate(plan, jobs, starts_s, is_quick=is_quick):
        click.echo(line)
    with harness():
        found = play(str(spec), plan, jobs, folder)
    conclude(found, str(spec), plan, level, folder, agent, style)


PLAYS_S = 0.15
"""How long one scenario is played, in seconds, on average; a client elsewhere has to be started for it besides."""

ESTIMATED_S = 30
"""A check that takes longer says before it begins how long that may be."""


def estimate(plan: Plan, jobs: int, starts_s: float, *, is_quick: bool) -> Iterator[str]:
    """About how long a check takes; `starts_s` is how long the client took to answer `hello`."""
    runs = len(plan.case_ids) * plan.examples
    at_once = min(jobs, os.cpu_count() or 1, len(plan.case_ids))
    seconds = runs * (PLAYS_S + starts_s) / at_once
    if seconds < ESTIMATED_S:
        return
    hint = "" if is_quick else "; --quick gives a first answer sooner"
    yield f"{runs} scenarios: about {how_many(ceil(seconds / 60), 'minute')}, more if much fails{hint}"


def _jobs_behind(urls: Sequence[str], jobs: int) -> int:
    """One process for each URL: there is one client behind it, and its calls come one after the other."""
    if click.get_current_context().get_parameter_source("jobs") is not ParameterSource.COMMANDLINE:
        return len(urls)
    if jobs > len(urls):
        raise click.UsageError(
            f"--http plays one scenario at a time to a URL, so --jobs can be {len(urls)} at most: --http may be given"
            " several times, with a URL of another client of the same make each"
        )
    return jobs


def play(client: str, plan: Plan, jobs: int, folder: Path | None) -> Check:
    """Play the failures of earlier checks in the report's folder, then the cases."""
    with this_process_as_worker():
        earlier = _play_earlier(client, plan, folder / FAILURES) if folder else []
        so_far = Check(plan.rules, tuple(earlier), interrupted=end_requested())
        if so_far.interrupted or so_far.harness_failure:
            return so_far
        if any(plan.is_ended_by(each) for each in earlier):
            return replace(so_far, stopped=True)
    with progress(len(plan.case_ids), "cases") as bar:
        steps = CheckProgress(bar.begin, lambda _: bar.done(), Findings(bar.say, plan))
        found = check_in_parallel(client, replace(plan, case_ids=likely_first(plan.case_ids)), jobs, steps)
    return found.after(earlier).in_order(plan.case_ids)


def _play_earlier(client: str, plan: Plan, failures: Path) -> list[CaseResult]:
    def show(recorded: RecordedFailure, verdict: ReplayVerdict) -> None:
        click.echo(f"  {verdict:<10}  {recorded.rule.id} in {recorded.case}")

    known = list(earlier_failures(failures, plan))
    if known:
        click.echo(f"first {how_many(len(known), 'failure')} of earlier runs:")
    return play_earlier(known, load_here(client, plan.patience_s), plan, show) if known else []


def _observe(
    specs: dict[str, str | None],
    settings: Plan,
    level: Level,
    window_ms: int,
    waits_s: float,
    folder: Path | None,
    style: Style,
) -> NoReturn:
    """Observe a client and end the process. Exit code 1 also if the client never connected or called."""
    if specs["client"] or specs["http"]:
        raise click.UsageError("--observe goes with --exec CMD, or alone: then somebody else starts the client")
    from contracts.commands.observe import observe  # noqa: PLC0415 it needs a server; other checks do not

    command = specs["exec"]
    with harness():
        found = observe(command, settings.rules, window_ms, waits_s)
    client = f"{OBSERVED}{'' if command is None else command}"
    case_ids = tuple(case.case for case in found.cases)
    rule_ids = tuple(rule.id for rule in found.rules)
    plan = replace(settings, rule_ids=rule_ids, case_ids=case_ids, examples=1, seed=None)
    conclude(found, client, plan, level, folder, style=style)


def _edition(name: str | None) -> Edition | None:
    try:
        return None if name is None else find_edition(name)
    except EditionError as error:
        raise ConfigurationError(str(error)) from None


def _examples(edition: Edition | None, *, is_elsewhere: bool) -> int:
    """So many scenarios of each case are played by default."""
    if edition is None:
        return EXAMPLES_ELSEWHERE if is_elsewhere else DEFAULT_EXAMPLES
    return edition.examples_elsewhere if is_elsewhere else edition.examples


def _known(path: Path | None) -> KnownFailing:
    """The rules that are known to fail, from their file; exit code 2 if it cannot be used."""
    if path is None:
        return NOTHING_KNOWN
    try:
        return read_known_failing(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except KnownFailingError as error:
        raise ConfigurationError(str(error)) from None


def _agent(spec: ClientSpec, patience_s: float) -> str:
    """The name that the client gives itself. Exit code 2 if there is no such client."""
    load_here(str(spec))
    try:
        return agent_of(spec, patience_s) if spec.is_elsewhere else spec.target
    except ClientNotFoundError as error:
        raise ConfigurationError(str(error)) from None


def _stated(name: str | None) -> JsonObject:
    """What a profile says of the client's own cloud; exit code 2 if there is no such profile."""
    if name is None:
        return {}
    named_profile(name)
    return stated_by(profile_data(name))
