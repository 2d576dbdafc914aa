"""Tests of failures as files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.check.failure_file import ReplayError, read_failure, replay, write_failure
from contracts.check.results import Failure
from contracts.client.interface import Capability
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.recording import ActKind, Finding, LogLine, OutputFinding
from contracts.play.scenario import BEGIN, MIDNIGHT, ClockJumps, Happens, Scenario
from contracts.report.story import story
from contracts.rules import RULES
from contracts.rules.base import Breach
from contracts.run.run import run_of
from mock_server.model import HOUR, MINUTE
from tests.command_line import run_here

SCENARIO = Scenario((Happens(BEGIN + 10 * MINUTE, "r1", copies=2, plate="京A12345"),))
WITHOUT_SYNC_ASKED = Path(__file__).parent / "files" / "failure-without-sync-asked.json"


@pytest.fixture
def failure() -> Failure:
    """A client that counts deliveries, and one doubled record."""
    run = run_of(SCENARIO, CountsDeliveries)
    return Failure("CNT-RECORD-ID", "count/copies", SCENARIO, run, RULES["CNT-RECORD-ID"].check(run).breaches)


def test_a_file_repeats_the_failure_exactly(failure: Failure, tmp_path: Path) -> None:
    """The same client breaks the rule again, with the same words and the same history."""
    recorded = read_failure(write_failure(tmp_path, failure, "some:Client", 7))
    again = replay(recorded, CountsDeliveries)
    assert again is not None
    assert again.breaches == failure.breaches
    assert [each.to_json() for each in again.run.entries] == [each.to_json() for each in failure.run.entries]
    assert recorded.client == "some:Client"


def test_what_the_client_wrote_is_kept_beside_it(failure: Failure, tmp_path: Path) -> None:
    """With its own name: the story of the file tells both."""
    log = (LogLine(MIDNIGHT + BEGIN, "counting \x1b[2J"), LogLine(MIDNIGHT + BEGIN + MINUTE, "claimed 2"))
    logged = replace(failure, run=replace(failure.run, log=log))
    path = write_failure(tmp_path, logged, "exec node adapter.mjs", 7, "acme-node 1.0")
    assert read_failure(path).failure().run.log == log
    shown = run_here("replay", "--show-log", path.name, cwd=tmp_path).stdout
    assert shown.startswith("RECORDED  exec node adapter.mjs (acme-node 1.0)\n")
    assert shown.endswith(
        "  What the client wrote to its standard error, the newest 2 lines\n"
        "    08:00:00      counting ?[2J\n"
        "    08:01:00      claimed 2\n"
    )
    empty = write_failure(tmp_path, failure, None, 7)
    assert "Nothing is recorded" in run_here("replay", "--show-log", empty.name, cwd=tmp_path).stdout


def test_a_mended_client_is_fixed(failure: Failure, tmp_path: Path) -> None:
    """The rule holds in the recorded scenario."""
    assert replay(read_failure(write_failure(tmp_path, failure, None, None)), ReferenceClient) is None


def test_the_history_in_the_file_has_no_plate(failure: Failure, tmp_path: Path) -> None:
    """The scenario's made-up plate is in the scenario alone; the history is masked as always."""
    data = json.loads(write_failure(tmp_path, failure, None, 0).read_text(encoding="utf-8"))
    assert "京A12345" not in json.dumps(data["history"], ensure_ascii=False)
    assert data["history"][0]["seq"] == 1


def test_a_file_of_an_older_form_is_read(tmp_path: Path) -> None:
    """It spells the decoy, the process and the size of a clock jump as version 0.1 did; the run is the same."""
    scenario = Scenario((ClockJumps(BEGIN + MINUTE, -HOUR),), settles=False, decoy="redirect")
    run = run_of(scenario, ReferenceClient)
    run = replace(run, can=run.can | {Capability.OWN_PROCESS}, findings=(Finding(OutputFinding.PLATE, 3, "***"),))
    path = write_failure(tmp_path, Failure("SEC-PII", "sec/redirect", scenario, run, (Breach("", 1),)), None, 0)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["scenario"]["lure"] = data["scenario"].pop("decoy")
    seen = data["seen"]
    seen["can"] = [{"own-process": "a process of its own"}.get(each, each) for each in seen["can"]]
    seen["acts"] = [[*act[:3], f"{act[4]} ms"] if len(act) > 4 else act for act in seen["acts"]]
    path.write_text(json.dumps(data), encoding="utf-8")
    read = read_failure(path).failure()
    assert read.scenario == scenario
    assert (read.run.can, read.run.acts, read.run.findings) == (run.can, run.acts, run.findings)
    assert [act.off_ms for act in read.run.acts_of(ActKind.CLOCK_JUMPS)] == [-HOUR]


def test_a_file_of_before_the_event_of_a_sync_still_tells_and_repeats() -> None:
    """It was written when the history had no `sync.asked`: today's judge finds the failure in it, and in a replay."""
    recorded = read_failure(WITHOUT_SYNC_ASKED)
    failure = recorded.failure()
    found = recorded.rule.check(failure.run).breaches
    assert failure.breaches == recorded.breaches
    assert [breach.seq for breach in found] == [breach.seq for breach in recorded.breaches]
    again = replay(recorded, CountsDeliveries)
    assert again is not None
    assert [breach.message for breach in again.breaches] == [breach.message for breach in found]
    assert any("claims 2, lot has 1 -> re-reports 1   <- here" in line for line in story([failure], "again"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "something else"}, "needs"),
        ({"version": 99}, "needs"),
        ({"rule": "CNT-NONE"}, "there is no rule"),
        ({"rule": ["CNT-TRUTH"]}, "there is no rule"),
        ({"scenario": {"steps": 3}}, "scenario: must be an object with a list of steps"),
        ({"breaches": 5}, "breaches: must be a list"),
        ({"breaches": [{"message": "m", "seq": "7"}]}, r"breaches\[0\].seq: must be an int"),
    ],
)
def test_a_file_that_is_none_is_refused_with_words(
    failure: Failure, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """The message names the file and what is wrong with it."""
    path = write_failure(tmp_path, failure, None, 0)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ReplayError, match=words):
        read_failure(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_other_texts_are_refused(tmp_path: Path, text: str) -> None:
    """Whatever the file has."""
    path = tmp_path / "failure.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReplayError):
        read_failure(path)
