"""The command line as a user meets it, in a process of its own or, a second cheaper, in this one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from mock_server.cli import main

DEADLINE_S = 300
"""How long a command may take on a machine that has other work."""

WIDTH = 78
"""That of help in a process whose terminal has 80 columns or more."""


class Done(NamedTuple):
    """A command that has ended: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def shown(self) -> str:
        """Everything as one text for a snapshot."""
        return f"exit code: {self.returncode}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


def command(*arguments: str) -> list[str]:
    """The words that start it as a process."""
    return [sys.executable, "-m", "mock_server", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without our own variables, and with those given."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PARKING_MOCK_")}
    return plain | {"COLUMNS": "100", "TERM": "dumb"} | variables


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> Done:
    """Run it as a process."""
    done = subprocess.run(  # noqa: S603 our own command
        command(*arguments),
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        cwd=cwd,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def run_here(*arguments: str, cwd: Path | None = None, **variables: str) -> Done:
    """Run it in this process, which has imported everything already. An error that it does not handle is raised."""
    changed: dict[str, str | None] = dict.fromkeys(os.environ.keys() - environment().keys())
    with chdir(cwd or Path.cwd()), _as_it_was():
        runner = CliRunner(env=changed | environment(**variables))
        done = runner.invoke(main, arguments, prog_name="parking-mock", terminal_width=WIDTH)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Undo at the end what a command leaves to the end of its process: signal handlers and a longer `sys.path`."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    path = sys.path.copy()
    try:
        yield
    finally:
        sys.path[:] = path
        for number, handler in handlers.items():
            signal.signal(number, handler)
