"""`parking-mock replay` of an exported project: what a client does there."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from contracts.client.interface import MakeClient
from contracts.commands.options import harness
from contracts.play.going_on import WentOn, go_on
from contracts.play.resumed import Resumed
from mock_server.cli import ConfigurationError
from mock_server.history.events import MessageAcknowledged, Rereported
from mock_server.history.story import how_many
from mock_server.project_file import ProjectFileError
from mock_server.words import cell_text

SHOWN = 10
"""The most windows that are named (our choice)."""


def replay_project(path: Path, name: str, make_client: MakeClient) -> bool:
    """Let a client go on from a file and print how it did; whether it and the lots agree in the end."""
    try:
        scenario = Resumed.of(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except ProjectFileError as error:
        raise ConfigurationError(str(error)) from None
    with harness():
        done = go_on(scenario, make_client)
    if done.recording.unimplemented:
        raise ConfigurationError(f"{path} cannot be replayed: the client lacks what would drive it")
    click.echo(f"{'AGREES' if done.has_agreed else 'DIFFERS'}  {name}")
    click.echo(f"  {path} goes on behind line {scenario.line}: {_counts(done)}")
    for line in _differences(done):
        click.echo(f"  {line}")
    return done.has_agreed


def _counts(done: WentOn) -> str:
    asked = f"{how_many(len(done.compared), 'window')} asked about"
    again = how_many(done.count(Rereported), "re-report")
    told = how_many(done.count(MessageAcknowledged), "message")
    took = done.agreed_after_ms
    end = "" if took is None else f", in agreement after {timedelta(milliseconds=took)} (h:mm:ss) of its time"
    return f"{asked}, {again}, {told} acknowledged{end}"


def _differences(done: WentOn) -> Iterator[str]:
    """What they do not agree about."""
    if not done.compared:
        yield "it asked about no window in two days"
    for each in done.unequal[:SHOWN]:
        yield f"{cell_text(each.cell)}: it claims {each.claimed}, the lot counts {each.counted}"
    if len(done.unequal) > SHOWN:
        yield f"and {how_many(len(done.unequal) - SHOWN, 'more window')}"
    if done.pending:
        yield f"{how_many(done.pending, 'message')} not acknowledged"
    if done.deaths:
        yield f"it failed by itself {done.deaths[0]}"
