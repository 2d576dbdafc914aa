"""Tests of `exec` and `env`: a server around a command, and the variables that name one."""

import json
import signal
import subprocess
import sys

import pytest
import requests

from mock_server.around_commands import VARIABLES
from mock_server.lab_client import LabClient, LabProject
from tests.command_line import DEADLINE_S, command, environment, run, run_here

NAMES = " ".join(VARIABLES)
SHOW = f'import json, os; print(json.dumps({{n: os.environ.get(n) for n in "{NAMES}".split()}}), flush=True)'
ASK = "from urllib.request import urlopen; print(urlopen(os.environ['PARKING_LAB'] + '/_lab/projects').read())"
PYTHON = sys.executable


def test_a_command_runs_with_a_server_around_it() -> None:
    """On free ports; it finds the server by variables, and its exit code is the command's."""
    done = run("exec", "--chaos", "off", "--", PYTHON, "-c", f"{SHOW}; {ASK}; raise SystemExit(7)")
    assert done.returncode == 7, done.stderr
    first, second = done.stdout.splitlines()
    found = json.loads(first)
    assert all(found[name] for name in VARIABLES)
    assert found["PARKING_LOTS"] == "6ce0000000000001,6ce0000000000002"
    assert found["PARKING_ACCESS_ID"] in second
    with pytest.raises(requests.ConnectionError):
        requests.get(found["PARKING_API"], timeout=DEADLINE_S)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--chaos", "off"), 2, "a command stands behind --"),
        (("--",), 2, "a command stands behind --"),
        (("--chaos", "nonsense", "--", "true"), 2, "there is no chaos 'nonsense'"),
        (("--", "/no/such/command"), 127, "cannot run /no/such/command: No such file"),
        (("--", "/"), 126, "cannot run /: Permission denied"),
    ],
    ids=["no command", "nothing", "wrong flag", "not found", "not executable"],
)
def test_what_cannot_be_run_is_said_in_words(
    arguments: tuple[str, ...], code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A wrong flag with the message and the exit code of `serve`, a wrong command as in a shell."""
    done, said = run_here("exec", *arguments), capfd.readouterr()
    assert (done.returncode, done.stdout, said.out) == (code, "", "")
    errors = done.stderr + said.err  # what the server says itself is behind it
    assert words in errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_command_that_is_ended(number: signal.Signals) -> None:
    """SIGTERM is passed on to the command; by SIGKILL it is left to itself. The server ends in either case."""
    sleeper = f"{SHOW}; import sys; sys.stdin.read()"
    words = command("exec", "--", PYTHON, "-c", sleeper)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:  # noqa: S603 our own command
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == (128 + number if number == signal.SIGTERM else -number)
    _wait_until_refused(found["PARKING_API"])


def _wait_until_refused(url: str) -> None:
    """Wait for a fact: nobody listens there any more."""
    while True:
        try:
            requests.get(url, timeout=DEADLINE_S)
        except requests.ConnectionError:
            return


def test_the_variables_of_a_running_server(lab: LabClient, world: LabProject) -> None:
    """For a shell to evaluate, of the first project unless one is named; and what removes them again."""
    other = lab.create_project(access_id="others")
    shown = run_here("env", other.access_id, "--lab", lab.url).stdout
    script = f"{shown}{PYTHON} -c '{SHOW}'\n{run_here('env', '--unset').stdout}{PYTHON} -c '{SHOW}'"
    told = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, timeout=DEADLINE_S)  # noqa: S603 our own words
    before, after = map(json.loads, told.stdout.splitlines())
    exports = other.exports()
    assert [before[name] for name in VARIABLES[:4]] == [exports[name] for name in ("api", "ws", "pulsar", "lab")]
    assert (before["PARKING_ACCESS_ID"], before["PARKING_ACCESS_SECRET"]) == ("others", exports["access_secret"])
    assert set(after.values()) == {None}
    assert f"PARKING_ACCESS_ID={world.access_id}" in run_here("env", "--lab", lab.url).stdout


def test_a_server_without_projects(lab: LabClient) -> None:
    """Exit code 2, and what to do."""
    done = run_here("env", "--lab", lab.url)
    assert done == (2, "", f"Error: the server at {lab.url} has no project: POST /_lab/projects makes one\n")


def test_no_server_is_said_in_words() -> None:
    """Exit code 2, and nothing for a shell to evaluate."""
    done = run_here("env", "--lab", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: no server answers at http://127.0.0.1:9: start one, or name another with --lab\n"
