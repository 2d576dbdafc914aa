"""`parking-mock replay`."""

import shlex
import sys
from pathlib import Path

import click

from contracts.check.earlier_failures import failure_files
from contracts.check.failure_file import RecordedFailure, ReplayError, read_failure
from contracts.check.failure_file import replay as play_again
from contracts.check.results import Failure
from contracts.client.interface import MakeClient
from contracts.commands.options import (
    ClientCommand,
    client_options,
    given,
    harness,
    load_here,
    patience_option,
    refuse_without_effect,
    spec_of,
)
from contracts.commands.replay_project import replay_project
from contracts.report.stored_report import REPORT
from contracts.report.story import log_lines, story
from mock_server.cli import ConfigurationError
from mock_server.history.story import how_many
from mock_server.project_file import may_be_project


@click.command(cls=ClientCommand)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE|DIR...")
@client_options
@patience_option
@click.option("--show", is_flag=True, help="Tell what is recorded, without a client.")
@click.option("--show-log", is_flag=True, help="The same, with what the client wrote to its standard error.")
def replay(*, files: tuple[Path, ...], show: bool, show_log: bool, patience: float, **specs: str | None) -> None:
    """Repeat failures from their files, or those of a report's folder, and say whether each is FIXED.

    An exported project is a FILE too: the client goes on there, and agrees with the lots in the end or differs.
    """
    if show or show_log:
        refuse_without_effect(("client", "exec", "http", "patience"), "with --show: nothing is played")
    projects = [path for path in files if path.is_file() and may_be_project(path)]
    if projects:
        if show or show_log or len(projects) < len(files):
            raise click.UsageError(
                f"{projects[0]} is an exported project: give it without --show, and without failures"
            )
        differing = [path for path in projects if not _go_on(path, _named(specs), patience)]
        sys.exit(1 if differing else 0)
    for path in files:
        if path.is_dir() and not failure_files(path) and not (path / REPORT).exists() and any(path.iterdir()):
            raise click.UsageError(f"{path} has no failures and is no folder of a report")
    paths = [each for path in files for each in failure_files(path)]
    failures = [(path, _read(path)) for path in paths]
    if not failures:
        click.echo(f"no failure lies in {' '.join(map(str, files))}")
    if show or show_log:
        for path, recorded in failures:
            _show(path, recorded, with_log=show_log)
        return
    name = _named(specs)
    failed = [not _repeat(path, recorded, name, patience, alone=len(failures) == 1) for path, recorded in failures]
    if len(failures) > 1:
        click.echo(f"{how_many(len(failed), 'failure')}: {failed.count(False)} FIXED, {failed.count(True)} FAILED")
    sys.exit(1 if any(failed) else 0)


def _named(specs: dict[str, str | None]) -> str | None:
    """The client that the options name, None if they name none."""
    specs = given(specs)
    return str(spec_of(specs)) if any(specs.values()) else None


def _go_on(path: Path, name: str | None, patience_s: float) -> bool:
    """Let the client go on from an exported project; whether it agrees with the lots in the end."""
    if name is None:
        raise click.UsageError(f"{path} names no client: use --client MODULE:NAME, --exec CMD or --http URL")
    return replay_project(path, name, load_here(name, patience_s))


def _read(path: Path) -> RecordedFailure:
    try:
        return read_failure(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except ReplayError as error:
        raise ConfigurationError(str(error)) from None


def _show(path: Path, recorded: RecordedFailure, *, with_log: bool) -> None:
    try:
        failure = recorded.failure()
    except ReplayError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    named = f" ({recorded.agent})" if recorded.agent not in (None, recorded.client) else ""
    click.echo(f"RECORDED  {recorded.client or 'a client without a name'}{named}")
    _print_story(path, failure)
    for line in log_lines(failure.run) if with_log else ():
        click.echo(line)


def _print_story(path: Path, failure: Failure) -> None:
    for line in story([failure], f"parking-mock replay {shlex.quote(str(path))}"):
        click.echo(line)


def _play_again(recorded: RecordedFailure, make_client: MakeClient) -> Failure | None:
    try:
        return play_again(recorded, make_client)
    except ReplayError as error:
        raise ConfigurationError(str(error)) from None


def _repeat(path: Path, recorded: RecordedFailure, name: str | None, patience_s: float, *, alone: bool) -> bool:
    """Repeat a failure and print the outcome, with its story if it is the only file. True if it is fixed."""
    name = recorded.client if name is None else name
    if name is None:
        raise click.UsageError(f"{path} names no client: use --client MODULE:NAME, --exec CMD or --http URL")
    make_client = load_here(name, patience_s)
    with harness():
        failure = _play_again(recorded, make_client)
    if failure is None:
        click.echo(f"FIXED  {recorded.rule.id} holds in this history: {name}" if alone else f"FIXED   {path}")
    elif alone:
        click.echo(f"FAILED  {name}")
        _print_story(path, failure)
    else:
        click.echo(f"FAILED  {path}\n        {failure.breaches[0].message}")
    return failure is None
