"""Shared by the judge's commands: options, the choice of a client, progress bars, and errors of the harness."""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.client.process import PATIENCE_S
from contracts.client.spec import SPEC_KINDS, ClientNotFoundError, ClientSpec, read_spec
from contracts.play.attachment import load
from mock_server.cli import ConfigurationError, option, variable
from parking_mock.shadows import namesake_in

Callback = TypeVar("Callback", bound=Callable[..., Any])

EXAMPLES_ELSEWHERE = 5
"""The default number of scenarios of each case for a client in another process, where one takes a third of a second."""


def seed_option(command: Callback) -> Callback:
    """`--seed`; its variable is not PARKING_MOCK_SEED, which is the seed file of `serve`."""
    name = variable("--check-seed")
    return option("--seed", envvar=name, type=int, default=0, show_default=True, help="Repeats a run exactly.")(command)


def examples_option(command: Callback) -> Callback:
    """`--examples`."""
    text = f"Scenarios of each case.  [default: {DEFAULT_EXAMPLES}; of a client elsewhere {EXAMPLES_ELSEWHERE}]"
    return option("--examples", type=click.IntRange(1), help=text)(command)


def jobs_option(command: Callback) -> Callback:
    """`--jobs`."""
    text = "Processes; the verdicts do not depend on it.  [default: one a core]"
    return option("--jobs", type=click.IntRange(1), default=lambda: os.cpu_count() or 1, help=text)(command)


def patience_option(command: Callback) -> Callback:
    """`--patience`."""
    text = "Seconds that a client elsewhere may take for one verb."
    return option("--patience", type=click.FloatRange(0.1), default=PATIENCE_S, show_default=True, help=text)(command)


def client_options(command: Callback) -> Callback:
    """The three options that name a client."""
    specs = (
        ("client", "MODULE:NAME", "A contracts.Client, in this process."),
        ("exec", "CMD", "A client as a process: JSON lines on stdin and stdout."),
    )
    text = "A client behind a URL: the same objects as POSTs. Several times for one scenario at a time to each."
    command = option("--http", "http", metavar="URL", multiple=True, callback=_joined, help=text)(command)
    for kind, metavar, help_text in reversed(specs):
        command = option(f"--{kind}", kind, metavar=metavar, help=help_text)(command)
    return command


def _joined(_context: click.Context, _option: click.Parameter, urls: tuple[str, ...]) -> str | None:
    """The URLs as a spec has them."""
    return " ".join(urls) or None


class ClientCommand(click.Command):
    """A command with client options. Of arguments that it does not take it says that a command has to be quoted."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; a usage error behind an unquoted `--exec` shows how to quote it."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            meant = list(takewhile(lambda word: not word.startswith("--"), words[_place_after(words) :]))
            if len(meant) > 1 and ("extra argument" in error.message or isinstance(error, click.NoSuchOption)):
                hint = f"Quote the command: --exec {shlex.quote(' '.join(meant))}"
                raise click.UsageError(f"{error.format_message().rstrip('.')}. {hint}", ctx) from None
            raise


def _place_after(words: list[str]) -> int:
    return words.index("--exec") + 1 if "--exec" in words else len(words)


def refuse_without_effect(names: Iterable[str], because: str) -> None:
    """A usage error if one of these options, named as parameters, is given on the command line."""
    context = click.get_current_context()
    flags = {param.name: param.opts[-1] for param in context.command.params}
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flags[name]} has no effect {because}")


def given(specs: dict[str, str | None]) -> dict[str, str | None]:
    """The client options in force: a flag overrides the environment variables of all three options."""
    source_of = click.get_current_context().get_parameter_source
    flags = {kind: text for kind, text in specs.items() if text and source_of(kind) is ParameterSource.COMMANDLINE}
    return dict.fromkeys(specs) | flags if flags else specs


def spec_of(specs: dict[str, str | None]) -> ClientSpec:
    """The client that the options name; a usage error unless they name exactly one."""
    given = [ClientSpec(kind, target) for kind in SPEC_KINDS if (target := specs.get(kind)) is not None]
    if len(given) != 1:
        named = f", not {' and '.join(f'--{spec.kind}' for spec in given)}" if given else ""
        raise click.UsageError(f"name one client by --exec CMD, --client MODULE:NAME or --http URL{named}")
    return given[0]


def load_here(client: str, patience_s: float = PATIENCE_S) -> Any:
    """The factory of a client; exit code 2 if it cannot be loaded."""
    if not read_spec(client).is_elsewhere:
        _import_from_here()
    try:
        return load(client, patience_s)
    except ClientNotFoundError as error:
        raise ConfigurationError(str(error)) from None


def _import_from_here() -> None:
    """Import from the current folder first, as `python -m` does: a client is usually there."""
    theirs = namesake_in(Path.cwd())
    if theirs is not None:
        raise ConfigurationError(
            f"{theirs} has the name of a package of parking-mock, so no client of this folder can be loaded beside it:"
            " rename that one, or attach the client as a process (--exec) or a URL (--http)."
        )
    sys.path.insert(0, str(Path.cwd()))


class Bar:
    """A progress bar that names the present item; hidden if standard error is not a terminal."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._lock = Lock()

    def begin(self, name: str) -> None:
        """Show the item that begins."""
        with self._lock:
            self._bar.current_item = name
            self._bar.render_progress()

    def done(self, name: str | None = None) -> None:
        """Advance by one item. `name` is the item, if `begin` has not shown it."""
        with self._lock:
            self._bar.update(1, name)

    def say(self, line: str) -> None:
        """Print a line on standard output, above the bar. Any thread may do so."""
        with self._lock:
            if not self._bar.hidden:
                click.echo("\r\x1b[K", file=sys.stderr, nl=False)
            click.echo(line)
            sys.stdout.flush()
            if not self._bar.hidden:
                self._bar.render_progress()


@contextmanager
def progress(length: int, label: str) -> Any:
    """A progress bar of `length` items on standard error."""
    bar: Any = click.progressbar(
        length=length,
        label=label,
        file=sys.stderr,
        item_show_func=lambda name: str(name or ""),
        hidden=not sys.stderr.isatty(),
    )
    with bar:
        yield Bar(bar)


@contextmanager
def harness() -> Any:
    """Report any exception inside the block as a failure of the harness: exit code 3."""
    try:
        yield
    except (click.ClickException, click.Abort, SystemExit):
        raise
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        raise HarnessError(f"the harness itself failed: {error!r}\n{trace}") from error


class HarnessError(click.ClickException):
    """The harness itself failed; that says nothing about the client."""

    exit_code = 3
