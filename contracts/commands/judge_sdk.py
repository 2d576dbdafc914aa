"""`parking-mock judge-sdk`."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from contracts.check.engine import Plan
from contracts.check.results import Check
from contracts.commands.check import estimate, play
from contracts.commands.options import harness, jobs_option, seed_option
from contracts.commands.outcome import prepare_folder, tell
from contracts.commands.selection import matching
from contracts.rules import RULES
from contracts.sdk.building import MissingToolError
from contracts.sdk.causes import CAUSES
from contracts.sdk.loops import LOOPS, LoopSpec
from contracts.sdk.program import command_of
from contracts.sdk.trial import EXAMPLES, PLAIN, TRIALS, Trial
from mock_server.cli import ConfigurationError, option
from mock_server.history.story import how_many
from mock_server.words import folded

WIDTH = 110
STARTS_S = 3.0
"""About how long a loop is played one scenario beyond what any client is, in seconds."""


@click.command()
@click.argument("name", type=click.Choice([*LOOPS]), required=False)
@option("--case", "case_globs", multiple=True, show_envvar=False, metavar="GLOB", help="Only cases of these names.")
@option("--rule", "rule_globs", multiple=True, show_envvar=False, metavar="GLOB", help="Only rules of these names.")
@option("--examples", type=click.IntRange(1), default=EXAMPLES, show_default=True, help="Scenarios of each case.")
@seed_option
@jobs_option
@option("--report", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write the report.")
def judge_sdk(
    *,
    name: str | None,
    case_globs: tuple[str, ...],
    rule_globs: tuple[str, ...],
    examples: int,
    seed: int,
    jobs: int,
    folder: Path | None,
) -> None:
    """Judge a consumer loop of the vendor's: receiving is the SDK's, all else the reference client's."""
    if name is None:
        for line in _listed():
            click.echo(line)
        return
    loop = LOOPS[name]
    case_ids, rule_ids = matching(case_globs, PLAIN.cases, "case"), matching(rule_globs, RULES, "rule")
    _prepare(loop)
    codes = []
    for trial in TRIALS:
        cases = tuple(case_id for case_id in trial.cases if case_id in case_ids)
        plan = Plan(rule_ids, case_ids=cases, examples=examples, seed=seed)
        if cases:
            codes.append(_judge(loop, trial, plan, jobs, _folder(folder, trial)))
    sys.exit(max(codes))


def _folder(folder: Path | None, trial: Trial) -> Path | None:
    """Where a trial's report is written: each has another command by which its failures are played again."""
    if folder is None:
        return None
    own = folder / trial.note.replace(" ", "-") if trial.note else folder
    prepare_folder(own)
    return own


def _judge(loop: LoopSpec, trial: Trial, plan: Plan, jobs: int, folder: Path | None) -> int:
    """Play one trial, and tell what was found and why; the exit code."""
    agent = f"{loop.agent} {loop.version}{trial.note and ' '}{trial.note}"
    click.echo(f"parking-mock judge-sdk: {agent}, {how_many(len(plan.case_ids), 'case')}, seed {plan.seed}")
    for line in estimate(plan, jobs, STARTS_S, is_quick=True):
        click.echo(line)
    client = f"exec {shlex.join(command_of(loop.name, trial.options))}"
    with harness():
        found = play(client, plan, jobs, folder)
        code = tell(found, client, plan, "must", folder, agent)
        for line in _causes(found, loop):
            click.echo(line)
    return code


def _listed() -> Iterator[str]:
    """The loops, each with what it is."""
    for loop in LOOPS.values():
        how = "as published" if loop.published else "our writing of it"
        yield f"{loop.name:<17} {loop.package} {loop.version}, {loop.carrier}, {how}: {loop.origin}"


def _prepare(loop: LoopSpec) -> None:
    """Install and build what the loop needs; exit code 2 if that cannot be done here."""
    try:
        loop.prepare()
    except MissingToolError as error:
        raise ConfigurationError(str(error)) from None


def _causes(found: Check, loop: LoopSpec) -> Iterator[str]:
    """What in the loop breaks each broken rule."""
    broken = [rule for rule in found.rules if found.failures(rule)]
    if broken:
        yield f"Why, in this loop ({loop.origin}):"
    for rule in broken:
        cause = CAUSES[loop.name].get(rule.id, "not found before: the story above is all that is known")
        yield from folded("  ", f"{rule.id}: {cause}", WIDTH, 4)
