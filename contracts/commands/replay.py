"""`parking-mock replay`."""

import sys
from pathlib import Path

import click

from contracts.commands.options import client_options, harness, load_here, way_of
from contracts.replay import ReplayError, read_failure
from contracts.replay import replay as play_again
from contracts.report.story import story
from mock_server.cli import ConfigurationError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@client_options
def replay(file: Path, **ways: str | None) -> None:
    """Repeat a failure from its file and say whether it is FIXED."""
    try:
        recorded = read_failure(file)
    except (OSError, ReplayError) as error:
        raise ConfigurationError(str(error)) from None
    name = str(way_of(ways)) if any(ways.values()) else recorded.client
    if name is None:
        raise click.UsageError("the file names no client: use --client MODULE:NAME, --exec CMD or --http URL")
    make_client = load_here(name)
    with harness():
        failure = play_again(recorded, make_client)
    if failure is None:
        click.echo(f"FIXED  {recorded.rule.id} holds in this history: {name}")
        return
    click.echo(f"FAILED  {name}")
    for line in story([failure], f"parking-mock replay {file}"):
        click.echo(line)
    sys.exit(1)
