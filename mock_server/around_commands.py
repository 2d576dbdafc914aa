"""`parking-mock exec` and `parking-mock env`: a server around a command, and the variables that name one."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from mock_server.cli import ConfigurationError, main, variable
from mock_server.lab_client import LabClient
from mock_server.model import JsonObject
from mock_server.project_commands import lab_errors, lab_option, lab_token_option

VARIABLES = (
    "PARKING_API",
    "PARKING_WS",
    "PARKING_PULSAR",
    "PARKING_LAB",
    "PARKING_ACCESS_ID",
    "PARKING_ACCESS_SECRET",
    "PARKING_LOTS",
)
"""The variables in which a command finds a server: addresses, keys, and the ids of its lots, commas between them."""

_UNTIL_EOF = "from mock_server.around_commands import serve_until_eof; serve_until_eof()"

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes for a command that cannot be started, as a shell has them."""


def variables_of(exports: Mapping[str, Any]) -> dict[str, str]:
    """The variables for a project, from its exports."""
    lots = ",".join(each["device_id"] for each in exports["devices"] if each["kind"] == "lot")
    named = (exports[name] for name in ("api", "ws", "pulsar", "lab", "access_id", "access_secret"))
    return dict(zip(VARIABLES, (*named, lots), strict=True))


class _AroundCommand(click.Command):
    """A command whose arguments end with the words of another one, behind `--`, which click would drop."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`."""
        place = args.index("--") if "--" in args else len(args)
        ctx.obj = args[place + 1 :]
        return super().parse_args(ctx, args[:place])


@click.command("exec", cls=_AroundCommand, context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[FLAG]... -- CMD...")
@click.pass_obj
def exec_around(command: list[str], *, flags: tuple[str, ...]) -> None:
    """Run a command with a server around it, and end with its exit code.

    Each FLAG is one of serve's (parking-mock serve --help). The server listens on free ports unless --port says
    otherwise, and the command finds it by PARKING_API, PARKING_WS, PARKING_PULSAR, PARKING_LAB, PARKING_ACCESS_ID,
    PARKING_ACCESS_SECRET and PARKING_LOTS.
    """
    if not command:
        raise click.UsageError("a command stands behind --: parking-mock exec [FLAG]... -- CMD")
    with _server(_with_free_ports(flags)) as exports:
        code = _run(command, os.environ | variables_of(exports))
    sys.exit(code)


def _with_free_ports(flags: Sequence[str]) -> list[str]:
    is_chosen = variable("--port") in os.environ or any(each.split("=")[0] == "--port" for each in flags)
    return [*flags] if is_chosen else [*flags, "--port", "0"]


@contextmanager
def _server(flags: Sequence[str]) -> Iterator[JsonObject]:
    """A server as a process of its own session, so that Ctrl+C ends the command first; its exports.

    Ends with this block, and by itself if this process is killed. If it cannot start, it has said why, and this command
    ends with its exit code.
    """
    words = [sys.executable, "-P", "-c", _UNTIL_EOF, *flags, "--json"]
    with subprocess.Popen(  # noqa: S603 our own server
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as server:
        line = server.stdout.readline() if server.stdout else b""
        if not line:
            sys.exit(server.wait())
        try:
            yield json.loads(line)
        finally:
            server.terminate()


def serve_until_eof() -> None:
    """Serve with the flags of this process, until its standard input ends: then nobody is left who would stop it."""

    def watch() -> None:
        while os.read(0, 4096):  # not by a buffer: its lock would be held when the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    main(["serve", *sys.argv[1:]], prog_name="parking-mock")


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; its exit code, or as a shell has it: 128 and its signal, or that it cannot be started.

    A signal that would end this process is passed on to the command, which decides. Ctrl+C it gets from the terminal.
    """
    try:
        child = subprocess.Popen(command, env=dict(environment))  # noqa: S603 what the user gave
    except OSError as error:
        click.echo(f"Error: cannot run {command[0]}: {error.strerror}", err=True)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, pass_on)
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


@click.command("env")
@click.argument("access_id", metavar="[PROJECT]", required=False)
@click.option("--unset", is_flag=True, help="Print what removes the variables again.")
@lab_option
@lab_token_option
def env(*, access_id: str | None, unset: bool, lab: str, lab_token: str | None) -> None:
    """Print the variables that name a running server, for a shell.

    eval "$(parking-mock env)". They are those that exec sets. PROJECT is an access id; without it the server's first.
    """
    if unset:
        click.echo(f"unset {' '.join(VARIABLES)}")
        return
    with lab_errors(lab), LabClient(lab, lab_token) as client:
        named = [access_id] if access_id else client.projects()
        if not named:
            raise ConfigurationError(f"the server at {lab} has no project: POST /_lab/projects makes one")
        exports = client.project(named[0]).exports()
    for name, value in variables_of(exports).items():
        click.echo(f"export {name}={shlex.quote(value)}")
