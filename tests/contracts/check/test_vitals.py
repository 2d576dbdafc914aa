"""A dead client is never well: whatever is chosen, and in whichever way it is attached."""

import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.check.earlier_failures import drop_fixed, play_earlier
from contracts.check.engine import LIFELESS_CASES, Plan, check, check_in_parallel
from contracts.check.failure_file import RecordedFailure, ReplayError, read_failure, replay, write_failure
from contracts.check.results import LIFELESS_RUNS, CaseResult, Check, Failure
from contracts.check.vitals import NEVER_ASKED, Ailment, vitals_of
from contracts.client.interface import Client, Start, Window
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.commands.check import check as check_command
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import run_of
from mock_server.model import HOUR, MINUTE, JsonObject
from tests.contracts.client.scripts import script

SHORT = Scenario(runs_ms=HOUR, settles=False)
ONE_RULE = ("--rule", "CNT-TRUTH", "--jobs", "1", "--examples", "5")


class Silent(Client):
    """Never calls."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        """Nothing."""

    def start(self, start: Start) -> None:
        """Nothing."""

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Nothing."""


class Unstarted(Silent):
    """Fails at its start."""

    def start(self, _start: Start) -> None:
        """Fail."""
        raise RuntimeError("no database")


class Unmade(Silent):
    """Cannot be made."""

    def __init__(self, _exports: JsonObject | None = None) -> None:
        """Fail."""
        raise RuntimeError("no database")


class Leaving(Silent):
    """Ends the process at every turn."""

    def sync(self, _now_ms: int, _window: Window | None = None) -> None:
        """End it, with the exit code of success."""
        raise SystemExit(0)


class Failing(Silent):
    """Fails at every turn."""

    def advance(self, _now_ms: int) -> None:
        """Fail."""
        raise RuntimeError("no database")


def result_of(client: type[Client], runs: int = 3, scenario: Scenario = SHORT) -> CaseResult:
    """The result of some runs of one scenario."""
    result = CaseResult("count/copies")
    for _ in range(runs):
        run = run_of(scenario, client)
        result.watch(scenario, run, judge(run, RULES.values()))
    return result


@pytest.mark.parametrize("name", ["Unstarted", "Unmade", "Leaving", "Failing", "Silent"])
def test_a_dead_client_fails_a_check_of_any_rule(name: str) -> None:
    """Also of one that nothing has exercised; what it died of is told, and a few runs are enough."""
    done = CliRunner().invoke(check_command, ["--client", f"{__name__}:{name}", *ONE_RULE])
    assert done.exit_code == 1, done.output
    runs = re.search(r"1 rule in (\d) runs", done.output)
    assert runs is not None
    assert (f"DEAD: the client died of itself in {runs[1]} of {runs[1]} runs" in done.output) is (name != "Silent")
    silent = f"SILENT: the client never called and never connected in {runs[1]} runs"
    assert (silent in done.output) is (name == "Silent")


def test_a_check_of_a_client_that_never_lives_is_given_up() -> None:
    """After the first cases, instead of playing hundreds of runs."""
    found = check(Unstarted, Plan(rule_ids=("CNT-TRUTH",), shrink=False))
    assert (len(found.cases), found.given_up) == (LIFELESS_CASES, True)
    assert found.runs == found.died == LIFELESS_CASES * LIFELESS_RUNS


def test_one_death_of_many_runs_is_no_dead_client() -> None:
    """It stays what it is: a finding of that run."""
    alive, dead = result_of(ReferenceClient, 2), result_of(Unstarted, 1)
    assert vitals_of(Check(tuple(RULES.values()), (alive, dead))) is None
    assert alive.joined(dead).died == 1
    found = vitals_of(Check(tuple(RULES.values()), (alive, dead, dead, dead)))
    assert found is not None
    assert found.ailment is Ailment.DEAD
    assert found.text.endswith("in 3 of 5 runs, first in case count/copies: in start: RuntimeError('no database')")


def test_nothing_judged_is_neither_success_nor_failure() -> None:
    """A client that lives, and rules whose situations never arose: exit code 2."""
    chosen = ("--rule", "CNT-PAGING", "--case", "form/lanes", "--examples", "1", "--jobs", "1")
    done = CliRunner().invoke(check_command, ["--client", "contracts.clients.reference:ReferenceClient", *chosen])
    assert done.exit_code == 2
    assert "NOT JUDGED: nothing was judged in 1 run: the situations of the chosen rules never arose" in done.output


def test_rules_that_must_be_exercised_fail_a_check_that_does_not_exercise_them() -> None:
    """With the sentence that says why; those that were are enough otherwise."""
    reference = ("--client", "contracts.clients.reference:ReferenceClient", "--jobs", "1")
    small = ("--rule", "CNT-*", "--case", "count/copies", "--examples", "2")
    done = CliRunner().invoke(check_command, [*reference, *small, "--require-exercised", "CNT-PAG*"])
    assert done.exit_code == 1, done.output
    assert "REQUIRED: CNT-PAGING was not exercised: the cases made for it are count/page: none of th" in done.output
    done = CliRunner().invoke(check_command, [*reference, *small, "--require-exercised", "CNT-TRUTH"])
    assert (done.exit_code, "REQUIRED" in done.output) == (0, False), done.output
    done = CliRunner().invoke(check_command, [*reference, *small, "--require-exercised", "WIN-*"])
    assert (done.exit_code, "no selected rule matches WIN-*" in done.output) == (2, True), done.output


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedFailure:
    """A failure of before, in a file."""
    scenario = Scenario((Happens(BEGIN + 10 * MINUTE, "r1", copies=2),), runs_ms=2 * HOUR, settles=False)
    run = run_of(scenario, CountsDeliveries)
    breaches = RULES["CNT-RECORD-ID"].check(run).breaches
    assert breaches
    return read_failure(
        write_failure(tmp_path, Failure("CNT-RECORD-ID", "count/copies", scenario, run, breaches), None, 1)
    )


def test_a_dead_client_mends_nothing(recorded: RecordedFailure, tmp_path: Path) -> None:
    """No failure of before is called FIXED because nothing lives that could break a rule, and its file stays."""
    said: list[str] = []
    plan = Plan(("CNT-RECORD-ID",), ("count/copies",))
    results = play_earlier([recorded] * 9, Unstarted, plan, lambda _, verdict: said.append(verdict))
    assert said == ["NOT JUDGED"] * LIFELESS_RUNS
    drop_fixed(tmp_path, Check(plan.rules, tuple(results)))
    assert list(tmp_path.glob("*.json"))
    with pytest.raises(ReplayError, match="cannot be judged: the client died of itself in start: Runtime"):
        replay(recorded, Unstarted)


@pytest.fixture
def played(tmp_path: Path) -> Callable[[str], Result]:
    """Checks a tiny process, in which something is wrong, by a rule that no process problem breaks."""

    def play(bad: str) -> Result:
        command = shlex.join(script(tmp_path, bad))
        return CliRunner().invoke(check_command, ["--exec", command, *ONE_RULE])

    return play


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        ('"hello": lambda call: sys.exit(0)', 2, "Error: --exec"),
        ('"hello": lambda call: print("ready")', 2, "logs go to standard error: ready\n"),
        pytest.param(
            '"start": lambda call: sys.exit(0)',
            1,
            "in start: it ended with exit code 0 when asked to start",
            marks=pytest.mark.slow,
        ),
        ('"start": lambda call: sys.exit(89)', 2, "NOT JUDGED"),
    ],
    ids=["hello", "banner", "start", "nothing"],
)
def test_a_dead_process_fails_a_check_of_any_rule(
    bad: str, code: int, words: str, played: Callable[[str], Result]
) -> None:
    """Also with a choice of rules that leaves out the one about processes."""
    done = played(bad)
    assert (done.exit_code, words in done.output) == (code, True), done.output


def test_an_observed_product_that_asks_about_no_window_is_not_judged() -> None:
    """It says why, and what to do: rules of form alone are no proof that anything is counted."""
    asked, unasked = result_of(ReferenceClient, 1), result_of(ReferenceClient, 1)
    unasked.never_asked = True
    found = vitals_of(Check(tuple(RULES.values()), (unasked,)))
    assert found is not None
    assert (found.ailment, found.text) == (Ailment.NOT_JUDGED, NEVER_ASKED)
    assert vitals_of(Check(tuple(RULES.values()), (asked, unasked))) is None


def test_a_failure_of_the_harness_names_case_and_seed_and_leaves_a_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was played before it is judged and reported; whoever reports the failure can say where it happened."""
    plays, fails = CaseResult.watch, "count/late"

    def watch(result: CaseResult, *arguments: Any) -> bool:
        if result.case == fails:
            raise ZeroDivisionError("in a rule")
        return plays(result, *arguments)

    monkeypatch.setattr(CaseResult, "watch", watch)
    cases = ("--case", "count/copies", "--case", fails, "--case", "count/page")
    chosen = ("--rule", "CNT-*", "--examples", "4", "--jobs", "1", "--seed", "7", *cases, "--report", str(tmp_path))
    done = CliRunner().invoke(check_command, ["--client", f"{CountsDeliveries.__module__}:CountsDeliveries", *chosen])
    assert done.exit_code == 3, done.output
    assert f"the harness itself failed in case {fails}, seed 7: ZeroDivisionError('in a rule')" in done.stderr
    assert f"CountsDeliveries --case {fails} --seed 7 --examples 4" in done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["harness_failure"]["case"] == fails
    assert {each["rule"] for each in report["rules"] if each["verdict"] == "fail"} >= {"CNT-RECORD-ID"}
    assert {each["verdict"] for each in report["rules"]} <= {"pass", "fail", "not-exercised"}
    assert 'errors="1"' in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert "The judge itself failed" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_worker_that_is_killed_is_a_failure_of_the_harness() -> None:
    """It is told with the case whose result is missing, beside the results of the others."""
    found = check_in_parallel(f"{__name__}:Kills", Plan(("CNT-TRUTH",), ("form/lanes", "count/copies"), 2), 2)
    assert found.harness_failure is not None
    assert "BrokenProcessPool" in found.harness_failure.text


class Kills(Silent):
    """Kills the process of the judge that plays to it."""

    def start(self, _start: Start) -> None:
        """Kill it, as a system without memory does."""
        os.kill(os.getpid(), signal.SIGKILL)
