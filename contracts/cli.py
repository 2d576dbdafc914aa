"""`parking-mock check`, `rules`, `matrix` and `replay`.

Exit codes: 0 all well, 1 the client fails a rule (for `matrix`: a known-bad client survives), 2 wrong usage, 3 the
harness itself failed.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import click

from contracts import matrix as kill_matrix
from contracts.adapters.attach import HOWS, Way, agent_of, load, read_way
from contracts.adapters.process import PATIENCE_S
from contracts.cases import CASES
from contracts.check import Check, Failure, Plan, aimed_at, check_in_parallel
from contracts.clients.zoo import ZOO
from contracts.explore import DEFAULT_EXAMPLES
from contracts.loading import ClientNotFoundError
from contracts.replay import ReplayError, read_failure
from contracts.replay import replay as play_again
from contracts.report.story import by_history, story
from contracts.report.summary import summary
from contracts.report.writing import repeat_command, write_report
from contracts.rule import LEVELS, Level, Rule
from contracts.rules import BOOKS, RULES
from mock_server.cli import ConfigurationError
from mock_server.story import how_many

Callback = TypeVar("Callback", bound=Callable[..., Any])

EXAMPLES_ELSEWHERE = 5
"""How many scenarios of each case are played to a client in a process of its own: each takes a third of a second."""

STORIES_SHOWN = 5
"""How many failures are told whole; the others are in the report."""


def _variable(name: str) -> str:
    return f"PARKING_MOCK_{name}"


def _seed(command: Callback) -> Callback:
    return click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        show_envvar=True,
        envvar=_variable("CHECK_SEED"),
        help="Repeats a run exactly.",
    )(command)


def _examples(command: Callback) -> Callback:
    return click.option(
        "--examples",
        type=click.IntRange(1),
        envvar=_variable("EXAMPLES"),
        help=f"Scenarios of each case.  [default: {DEFAULT_EXAMPLES}; of a client elsewhere {EXAMPLES_ELSEWHERE}]",
    )(command)


def _jobs(command: Callback) -> Callback:
    return click.option(
        "--jobs",
        type=click.IntRange(1),
        default=lambda: os.cpu_count() or 1,
        envvar=_variable("JOBS"),
        help="Processes; the verdicts do not depend on it.  [default: one a core]",
    )(command)


def _client(command: Callback) -> Callback:
    """The three ways to a client."""
    ways = (
        ("client", "MODULE:NAME", "A contracts.Client, in this process."),
        ("exec", "CMD", "A client as a process: JSON lines on stdin and stdout."),
        ("http", "URL", "A client behind a URL: the same objects as POSTs."),
    )
    for how, metavar, text in reversed(ways):
        option = click.option(f"--{how}", how, metavar=metavar, envvar=_variable(how.upper()), help=text)
        command = option(command)
    return command


@click.command()
@_client
@click.option("--rule", "rule_globs", multiple=True, metavar="GLOB", help="Only rules of these names.")
@click.option("--case", "case_globs", multiple=True, metavar="GLOB", help="Only cases of these names.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="must", show_default=True, help="Rules from this level on must hold."
)
@_examples
@_seed
@_jobs
@click.option(
    "--patience",
    type=click.FloatRange(0.1),
    default=PATIENCE_S,
    show_default=True,
    envvar=_variable("PATIENCE"),
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
    way = _way(ways)
    client = str(way)
    agent = _agent(way, patience)
    examples = examples or (EXAMPLES_ELSEWHERE if way.is_elsewhere else DEFAULT_EXAMPLES)
    plan = replace(_plan(rule_globs, case_globs, examples, seed), patience_s=patience)
    click.echo(
        f"parking-mock check: {agent}, {how_many(len(plan.rule_ids), 'rule')}, {how_many(len(plan.case_ids), 'case')}"
        f" of {how_many(examples, 'example')}, seed {seed}"
    )
    with _harness(), _progress(len(plan.case_ids), "cases") as bar:
        found = check_in_parallel(client, plan, jobs, lambda result: bar.update(1, result.case))
    written = write_report(folder, client, plan, found) if folder else {}
    _tell(found, client, plan, written)
    sys.exit(1 if found.broken(level) else 0)


def _way(ways: dict[str, str | None]) -> Way:
    """The one way that was given."""
    given = [Way(how, what) for how in HOWS if (what := ways.get(how)) is not None]
    if len(given) != 1:
        named = " and ".join(f"--{way.how}" for way in given) or "none of them"
        raise click.UsageError(f"one of --exec CMD, --client MODULE:NAME, --http URL is needed, not {named}")
    return given[0]


def _agent(way: Way, patience_s: float) -> str:
    """What the client calls itself. Exit code 2 if there is no such client."""
    _load(str(way))
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


def _load(client: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` does: a client usually lies where the command is given
    try:
        return load(client)
    except ClientNotFoundError as error:
        raise ConfigurationError(str(error)) from None


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


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_client
def replay(file: Path, **ways: str | None) -> None:
    """Repeat a failure from its file and say whether it is FIXED."""
    try:
        recorded = read_failure(file)
    except (OSError, ReplayError) as error:
        raise ConfigurationError(str(error)) from None
    name = str(_way(ways)) if any(ways.values()) else recorded.client
    if name is None:
        raise click.UsageError("the file names no client: use --client MODULE:NAME, --exec CMD or --http URL")
    make_client = _load(name)
    with _harness():
        failure = play_again(recorded, make_client)
    if failure is None:
        click.echo(f"FIXED  {recorded.rule.id} holds in this history: {name}")
        return
    click.echo(f"FAILED  {name}")
    for line in story([failure], f"parking-mock replay {file}"):
        click.echo(line)
    sys.exit(1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line for each rule.")
def rules(*, as_json: bool) -> None:
    """List the rules that clients are judged by."""
    if as_json:
        for rule in RULES.values():
            click.echo(json.dumps(_rule_json(rule), ensure_ascii=False))
        return
    for book in BOOKS:
        click.echo(f"{book.title}")
        for rule in book:
            click.echo(f"  {rule.id:<22} {rule.level:<7} {rule.statement}")


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "level": rule.level,
        "source": rule.source,
        "statement": rule.statement,
        "why": rule.why,
        "needs": list(rule.needs),
        "cases": list(aimed_at([rule.id])),
        "broken_by": [animal.name for animal in ZOO.values() if animal.rule_id == rule.id],
    }


@click.command()
@_examples
@_seed
@_jobs
@click.option("--exec", "elsewhere", is_flag=True, help="Run each client as a process of its own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def matrix(*, examples: int | None, seed: int, jobs: int, elsewhere: bool, as_json: bool) -> None:
    """Show that every rule catches the client that breaks it."""
    examples = examples or DEFAULT_EXAMPLES
    with _harness(), _progress(len(ZOO), "known-bad clients") as bar:
        rows = kill_matrix.rows(
            examples=examples,
            seed=seed,
            jobs=jobs,
            elsewhere=elsewhere,
            samples=0 if elsewhere else kill_matrix.SAMPLES,
            on_row=lambda row: bar.update(1, row.animal),
        )
    alive, unproven = kill_matrix.survivors(rows), kill_matrix.without_animal()
    if as_json:
        told = {"seed": seed, "examples": examples, "rows": [row.to_json() for row in rows], "unproven": unproven}
        click.echo(json.dumps(told))
    else:
        for row in rows:
            click.echo(_row_text(row))
        caught = f"{len(rows) - len(alive)} of {len(rows)} known-bad clients"
        click.echo(f"\n{caught} are caught by the rule that they break")
        for rule_id in unproven:
            click.echo(f"no known-bad client breaks {rule_id}")
    sys.exit(1 if alive or unproven else 0)


def _row_text(row: kill_matrix.Row) -> str:
    after = "" if row.killed_after is None else f" after {how_many(row.killed_after, 'scenario')}"
    also = f"; also breaks {', '.join(row.also)}" if row.also else ""
    return f"{row.mark:<10} {row.rule_id:<22} {row.animal}{after}{also}"


class _Bar:
    """A progress bar that names what is done; nothing where nobody looks."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def update(self, steps: int, name: str) -> None:
        """So many more are done, the last of this name."""
        self._bar.update(steps, name)


@contextmanager
def _progress(length: int, label: str) -> Any:
    bar: Any = click.progressbar(
        length=length,
        label=label,
        file=sys.stderr,
        item_show_func=lambda name: str(name or ""),
        hidden=not sys.stderr.isatty(),
    )
    with bar:
        yield _Bar(bar)


@contextmanager
def _harness() -> Any:
    """Whatever goes wrong in here is the harness's fault: exit code 3."""
    try:
        yield
    except (click.ClickException, click.Abort, SystemExit):
        raise
    except Exception as error:
        raise HarnessError(f"the harness itself failed: {error!r}") from error


class HarnessError(click.ClickException):
    """The harness failed, whatever the client did."""

    exit_code = 3
