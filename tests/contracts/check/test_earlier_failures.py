"""Tests of failures that are kept: told without a client, replayed first, dropped once they are mended."""

import json
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from contracts.cases import CASES
from contracts.check.earlier_failures import ReplayVerdict, earlier_failures, play_earlier
from contracts.check.engine import Plan, check
from contracts.check.explore import Exploration
from contracts.check.failure_file import RecordedFailure, ReplayError, read_failure, replay, write_failure
from contracts.check.results import CaseResult, Failure
from contracts.client.interface import Capability, Client
from contracts.client.shim import Shim
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.attachment import load
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.report.story import story
from contracts.report.write import write_report
from contracts.rules import RULES
from contracts.run.run import run_of
from mock_server.model import MINUTE
from tests.command_line import run_here
from tests.contracts.commands.test_commands import DELIVERIES, REFERENCE

TWICE = Scenario((Happens(BEGIN + 10 * MINUTE, "r1", copies=2, plate="京A12345"),))
PLAN = Plan(("CNT-RECORD-ID", "CNT-DIRECTION"), ("count/copies",), 2, seed=3)


def failure_of(rule_id: str, client: type[Client], scenario: Scenario, case: str = "count/copies") -> Failure:
    """What a client breaks in a scenario."""
    seen = run_of(scenario, client)
    return Failure(rule_id, case, scenario, seen, RULES[rule_id].check(seen).breaches)


@pytest.fixture
def failure() -> Failure:
    """A client that counts deliveries, and one doubled record."""
    return failure_of("CNT-RECORD-ID", CountsDeliveries, TWICE)


@pytest.mark.parametrize("name", ["CountsDeliveries", "AcksBeforeStoring", "ActsOnEveryMessage", "IgnoresTheTag"])
def test_what_is_recorded_is_told_as_it_was(name: str, tmp_path: Path) -> None:
    """The story of a file, without a client, is the story of the failure: history, table, diagnosis and all."""
    animal = ZOO[name]
    smallest: list[Failure] = []
    for case in (case for case in CASES.values() if animal.rule_id in case.aims):
        result = CaseResult(case.id)
        Exploration(animal.client, (RULES[animal.rule_id],), 5, 1, shrink=False).of(case, result.watch)
        smallest += [each.failure for each in result.by_rule.values() if each.failure]
    recorded = read_failure(write_failure(tmp_path, smallest[0], None, 1))
    assert story([recorded.failure()], "again") == story([smallest[0]], "again")


def test_a_file_with_a_scenario_alone_can_be_replayed_but_not_told(failure: Failure, tmp_path: Path) -> None:
    """It says so."""
    path = write_failure(tmp_path, failure, None, 1)
    data = json.loads(path.read_text(encoding="utf-8"))
    for name in ("history", "seen"):
        del data[name]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert replay(read_failure(path), ReferenceClient) is None
    with pytest.raises(ReplayError, match="cannot be told"):
        read_failure(path).failure()


def test_a_failure_that_cannot_be_seen_is_not_fixed(tmp_path: Path) -> None:
    """A client without the verb that the rule needs is not judged by it."""

    class Closed(ReferenceClient):
        """Shows nothing."""

        can = frozenset({Capability.START, Capability.SYNC, Capability.ADVANCE})

    store = next(rule for rule in RULES.values() if rule.needs == ("store",))
    recorded = RecordedFailure(store, "count/copies", None, TWICE, (), {})
    with pytest.raises(ReplayError, match="the client lacks dump"):
        replay(recorded, Closed)


def test_remembered_failures_are_played_again(failure: Failure, tmp_path: Path) -> None:
    """FAILED for the client that still has the defect, whose failure counts; FIXED for one that has not."""
    write_failure(tmp_path, failure, None, 1)
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    came: list[tuple[str, ReplayVerdict]] = []
    for client in (CountsDeliveries, ReferenceClient):
        known = list(earlier_failures(tmp_path, PLAN))
        (result,) = play_earlier(known, client, PLAN, lambda each, how: came.append((each.rule.id, how)))
        assert result.case == "count/copies"
        assert (result.by_rule["CNT-RECORD-ID"].failure is None) is (client is ReferenceClient)
    assert came == [("CNT-RECORD-ID", "FAILED"), ("CNT-RECORD-ID", "FIXED")]


def test_rules_that_are_not_judged_are_not_replayed(failure: Failure, tmp_path: Path) -> None:
    """Their failures wait for a check that judges them; what was only observed cannot come again."""
    write_failure(tmp_path, failure, "observe some-client", 1)
    assert not list(earlier_failures(tmp_path, PLAN))
    write_failure(tmp_path, failure, None, 1)
    assert list(earlier_failures(tmp_path, PLAN))
    assert not list(earlier_failures(tmp_path, Plan(("CNT-DIRECTION",), ("count/copies",))))


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_failure_stays_until_it_is_judged_and_found_no_more(failure: Failure, tmp_path: Path) -> None:
    """Neither a check of other rules or cases removes it, nor one in which it is found again."""
    failures = tmp_path / "failures"
    failures.mkdir()
    path = write_failure(failures, failure, None, 1)
    foreign = failures / "notes.json"
    foreign.write_text("[]", encoding="utf-8")
    for client, rule_id, case, is_left in (
        (ReferenceClient, "CNT-DIRECTION", "count/copies", True),
        (ReferenceClient, "CNT-RECORD-ID", "form/lanes", True),
        (CountsDeliveries, "CNT-RECORD-ID", "count/copies", True),
        (ReferenceClient, "CNT-RECORD-ID", "count/copies", False),
    ):
        plan = Plan((rule_id,), (case,), 8, seed=3)
        write_report(tmp_path, "some:Client", plan, check(client, plan))
        assert path.exists() is is_left, (client, rule_id, case)
    assert foreign.exists()


@pytest.mark.usefixtures("few_shrinks")
def test_what_was_replayed_is_part_of_the_check(failure: Failure) -> None:
    """A failure that the cases do not find again is there all the same; runs add up."""
    earlier = CaseResult("count/copies")
    earlier.watch(TWICE, failure.run, {"CNT-RECORD-ID": RULES["CNT-RECORD-ID"].check(failure.run)})
    found = check(ReferenceClient, PLAN)
    both = found.after([earlier])
    assert not found.broken()
    assert [rule.id for rule in both.broken()] == ["CNT-RECORD-ID"]
    assert both.runs == found.runs + 1
    assert [case.case for case in both.cases] == ["count/copies"]


def test_the_database_of_a_plan_goes_to_another_process(tmp_path: Path) -> None:
    """What hypothesis remembers is found by every worker."""
    plan = pickle.loads(pickle.dumps(Plan(database=DirectoryBasedExampleDatabase(tmp_path))))  # noqa: S301 our own
    assert isinstance(plan.database, DirectoryBasedExampleDatabase)


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_check_plays_the_failures_of_the_last_one_first(tmp_path: Path) -> None:
    """With other seeds too; a folder is replayed as a whole; once the client is mended the files are gone."""
    rules = ("--rule", "CNT-TRUTH", "--rule", "CNT-RECORD-ID")
    small = (*rules, "--case", "count/copies", "--examples", "2", "--jobs", "1", "--report", "report")
    first = run_here("check", "--client", DELIVERIES, *small, cwd=tmp_path)
    assert first.returncode == 1
    assert "earlier runs" not in first.stdout
    kept = {"report.json", "junit.xml", "index.html", "failures"}
    assert {path.name for path in (tmp_path / "report").iterdir()} == kept, "all of it is fit to be uploaded"
    again = run_here("check", "--client", DELIVERIES, *small, "--seed", "9", cwd=tmp_path)
    assert "first 2 failures of earlier runs:\n  FAILED      CNT-" in again.stdout
    whole = run_here("replay", "report", cwd=tmp_path)
    assert (whole.returncode, whole.stdout.splitlines()[-1]) == (1, "2 failures: 0 FIXED, 2 FAILED")
    other = run_here("replay", "report", "--client", REFERENCE, cwd=tmp_path)
    assert (other.returncode, other.stdout.splitlines()[-1]) == (0, "2 failures: 2 FIXED, 0 FAILED")
    mended = run_here("check", "--client", REFERENCE, *small, "--seed", "9", cwd=tmp_path)
    assert mended.returncode == 0, mended.stdout
    assert "  FIXED       CNT-TRUTH in count/copies" in mended.stdout
    assert not list((tmp_path / "report" / "failures").iterdir())
    assert run_here("replay", "report", cwd=tmp_path).stdout == "no failure lies in report\n"


def test_a_file_is_told_without_a_client(failure: Failure, tmp_path: Path) -> None:
    """Whatever client it names need not be there."""
    path = write_failure(tmp_path, failure, "no_such_module:Client", 1)
    shown = run_here("replay", "--show", path.name, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0] == "RECORDED  no_such_module:Client"
    assert "pass r1 enters" in shown.stdout
    assert run_here("replay", path.name, cwd=tmp_path).returncode == 2


@contextmanager
def behind_a_url(client: type[Client]) -> Iterator[str]:
    """A client that takes its calls as POSTs."""
    shim = Shim("client", client)

    class Handler(BaseHTTPRequestHandler):
        """One call a POST."""

        def do_POST(self) -> None:
            call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(shim.answer(call)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("client", "came"), [(ReferenceClient, "FIXED"), (CountsDeliveries, "FAILED")])
def test_a_client_behind_a_url_meets_the_same_history(
    client: type[Client],
    came: ReplayVerdict,
    failure: Failure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was found in a process is FIXED or FAILED there."""
    monkeypatch.chdir(tmp_path)  # where such a client keeps its files
    recorded = read_failure(write_failure(tmp_path, failure, None, 1))
    with behind_a_url(client) as url:
        again = replay(recorded, load(f"http {url}"))
    assert ("FIXED" if again is None else "FAILED") == came


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """With 2: a misspelt folder is no check that has found nothing."""
    (tmp_path / "notes.txt").touch()
    done = run_here("replay", ".", cwd=tmp_path)
    assert (done.returncode, "has no failures and is no folder of a report" in done.stderr) == (2, True)
