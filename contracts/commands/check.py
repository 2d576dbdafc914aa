"""`parking-mock check`."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import click

from contracts.adapters.attach import Way, agent_of, read_way
from contracts.adapters.process import PATIENCE_S
from contracts.cases import CASES
from contracts.check import Check, Failure, Plan, aimed_at, check_in_parallel
from contracts.commands.options import (
    EXAMPLES_ELSEWHERE,
    client_options,
    examples_option,
    harness,
    jobs_option,
    load_here,
    progress,
    seed_option,
    variable,
    way_of,
)
from contracts.explore import DEFAULT_EXAMPLES
from contracts.loading import ClientNotFoundError
from contracts.report.story import by_history, story
from contracts.report.summary import summary
from contracts.report.writing import repeat_command, write_report
from contracts.rule import LEVELS, Level
from contracts.rules import RULES
from mock_server.cli import ConfigurationError
from mock_server.story import how_many

STORIES_SHOWN = 5
"""How many failures are told whole; the others are in the report."""


@click.command()
@client_options
@click.option("--rule", "rule_globs", multiple=True, metavar="GLOB", help="Only rules of these names.")
@click.option("--case", "case_globs", multiple=True, metavar="GLOB", help="Only cases of these names.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="must", show_default=True, help="Rules from this level on must hold."
)
@examples_option
@seed_option
@jobs_option
@click.option(
    "--patience",
    type=click.FloatRange(0.1),
    default=PATIENCE_S,
    show_default=True,
    envvar=variable("PATIENCE"),
    help="Seconds that a client elsewhere may take for one verb.",
)
@click.option("--report", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to write the report.")
def check(
    *,
    rule_globs: tuple[str, ...],
    case_globs: tuple[str, ...],
    level: Level,
    examples: int | None,
    seed: int,
    jobs: int,
    folder: Path | None,
    patience: float,
    **ways: str | None,
) -> None:
    """Judge a client: play scenarios to it and name the rules that it breaks."""
    way = way_of(ways)
    client = str(way)
    agent = _agent(way, patience)
    examples = examples or (EXAMPLES_ELSEWHERE if way.is_elsewhere else DEFAULT_EXAMPLES)
    plan = replace(_plan(rule_globs, case_globs, examples, seed), patience_s=patience)
    click.echo(
        f"parking-mock check: {agent}, {how_many(len(plan.rule_ids), 'rule')}, {how_many(len(plan.case_ids), 'case')}"
        f" of {how_many(examples, 'example')}, seed {seed}"
    )
    with harness(), progress(len(plan.case_ids), "cases") as bar:
        found = check_in_parallel(client, plan, jobs, lambda result: bar.update(1, result.case))
    written = write_report(folder, client, plan, found) if folder else {}
    _tell(found, client, plan, written)
    sys.exit(1 if found.broken(level) else 0)


def _agent(way: Way, patience_s: float) -> str:
    """What the client calls itself. Exit code 2 if there is no such client."""
    load_here(str(way))
    try:
        return agent_of(way, patience_s) if way.is_elsewhere else way.what
    except ClientNotFoundError as error:
        raise ConfigurationError(str(error)) from None


def _plan(rule_globs: tuple[str, ...], case_globs: tuple[str, ...], examples: int, seed: int) -> Plan:
    """Some rules, in the cases that are made for them; all rules in all cases unless told otherwise."""
    rule_ids = _matching(rule_globs, RULES, "rule")
    aimed = aimed_at(rule_ids) if rule_globs and not case_globs else tuple(CASES)
    case_ids = _matching(case_globs, aimed, "case")
    return Plan(rule_ids, case_ids, examples, seed)


def _matching(globs: tuple[str, ...], names: Iterable[str], what: str) -> tuple[str, ...]:
    known = tuple(names)
    unknown = [glob for glob in globs if not any(fnmatchcase(name, glob) for name in known)]
    if unknown:
        raise click.UsageError(f"no {what} matches {', '.join(unknown)}: `parking-mock rules` lists them")
    return tuple(name for name in known if not globs or any(fnmatchcase(name, glob) for glob in globs))


def _tell(found: Check, client: str, plan: Plan, written: dict[tuple[str, str], Path]) -> None:
    told = by_history(failures[0] for rule in found.rules if (failures := found.failures(rule)))
    for failures in told[:STORIES_SHOWN]:
        click.echo()
        suspicion = found.suspicion(failures[0].case)
        for line in story(failures, _repeat(failures[0], client, plan, written), suspicion):
            click.echo(line)
    click.echo()
    if len(told) > STORIES_SHOWN:
        more = how_many(len(told) - STORIES_SHOWN, "other failure")
        click.echo(f"{more} not told here: --report DIR writes a file of each")
    for line in summary(found):
        click.echo(line)


def _repeat(failure: Failure, client: str, plan: Plan, written: dict[tuple[str, str], Path]) -> str:
    path = written.get((failure.rule_id, failure.case))
    if path is not None:
        return repeat_command(path)
    chosen = f"--rule {failure.rule_id} --case {failure.case}"
    return f"parking-mock check {read_way(client).option} {chosen} --seed {plan.seed} --examples {plan.examples}"
