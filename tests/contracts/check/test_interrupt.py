"""Tests of checks that are interrupted."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.check.engine import Plan, check
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.rules import RULES
from contracts.rules.verdict import Verdict
from tests.command_line import DEADLINE_S, command
from tests.contracts.commands.test_commands import DELIVERIES, REFERENCE


class Interrupted(CountsDeliveries):
    """Somebody presses Ctrl+C while it starts for the twelfth time."""

    starts = 0

    def start(self, start: object) -> None:
        """Count."""
        type(self).starts += 1
        if self.starts == 12:
            raise KeyboardInterrupt
        super().start(start)  # type: ignore[arg-type]  # whatever it is, it is handed on


def test_what_was_played_so_far_is_judged() -> None:
    """The case that was being played counts too; what was never come to was not exercised."""
    Interrupted.starts = 0
    found = check(Interrupted, Plan(case_ids=("form/lanes", "count/copies", "count/page"), examples=8, shrink=False))
    assert found.interrupted
    assert sum(case.runs for case in found.cases) == found.runs == 11
    assert [case.case for case in found.cases] == ["form/lanes", "count/copies"]
    assert found.verdict(RULES["CNT-PAGING"]) is Verdict.NOT_EXERCISED
    assert found.verdict(RULES["SEC-PII"]) is Verdict.NOT_EXERCISED


def interrupted(
    folder: Path,
    base: str,
    jobs: int,
    cases: str = "*",
    *,
    group: bool,
    number: signal.Signals = signal.SIGINT,
    hangs: bool = False,
) -> subprocess.CompletedProcess[str]:
    """A check whose client, when it is started for the twelfth time, has the check interrupted.

    If it then `hangs`, it does so twice: with two jobs, the worker that is the first to be asked to end.
    """
    (folder / "mine.py").write_text(
        "import os, signal\n"
        f"from {base.partition(':')[0]} import {base.partition(':')[2]} as Base\n"
        "from contracts.check.workers import end_requested\n"
        "class Mine(Base):\n"
        "    def start(self, start):\n"
        "        super().start(start)\n"
        "        with open('starts', 'a') as starts:\n"
        "            starts.write('x')\n"
        "            if starts.tell() == 12:\n"
        f"                os.{'killpg' if group else 'kill'}(int(os.environ['CHECK']), {int(number)})\n"
        f"            while {hangs} and starts.tell() >= 12:\n"
        "                if end_requested() and not os.path.exists('again'):\n"
        "                    with open('again', 'a') as again:\n"
        "                        again.write('x')\n"
        "                        is_first = again.tell() == 1\n"
        "                    if is_first:\n"
        f"                        os.kill(int(os.environ['CHECK']), {int(number)})\n",
        encoding="utf-8",
    )
    words = command("check", "--client", "mine:Mine", "--report", "report")
    script = (
        "import os, signal, sys; os.environ['CHECK'] = str(os.getpid()); signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    with subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-c", script, *words, "--jobs", str(jobs), "--case", cases],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        out, err = process.communicate(timeout=DEADLINE_S)  # to the end of both: nobody is left who could write
    return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_check_that_has_not_failed_is_not_finished(jobs: int, tmp_path: Path) -> None:
    """Exit code 3, said in words, with a report of what was played; no traceback, and no process is left.

    The signal goes to every process, as from a terminal. In the tests below the check alone gets it.
    """
    done = interrupted(tmp_path, REFERENCE, jobs, group=True)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "INTERRUPTED with" in done.stdout
    assert "nothing has failed so far" in done.stdout
    assert done.stderr == ""
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["interrupted"]
    assert 0 < report["runs"] < 400
    assert {each["verdict"] for each in report["rules"]} <= {"pass", "not-exercised"}


@pytest.mark.slow
def test_an_interrupted_check_that_has_failed_has_failed(tmp_path: Path) -> None:
    """Exit code 1, also where a build is ended by a signal of its own."""
    done = interrupted(tmp_path, DELIVERIES, 2, "count/*", group=False, number=signal.SIGTERM)
    assert (done.returncode, done.stderr) == (1, "")
    assert "it has failed already" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_second_interruption_does_not_wait_for_a_client_that_hangs(jobs: int, tmp_path: Path) -> None:
    """What is being played is broken off; the report is there all the same."""
    done = interrupted(tmp_path, REFERENCE, jobs, group=False, hangs=True)
    assert (done.returncode, done.stderr) == (3, "")
    assert "INTERRUPTED with" in done.stdout
    assert json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["runs"] < 40
