"""Tests of clients that are only observed: nothing is asked of them, and no part of it takes for ever."""

import shlex
import sys
from typing import Any

import pytest
import requests

from contracts.check.observed_rules import JUDGED
from contracts.client.spec import ClientNotFoundError
from contracts.play.attachment import load
from contracts.play.observation import Observation, SessionState, plan
from contracts.play.scenario import Scenario
from contracts.rules.verdict import judge
from contracts.run.observed import STALE_MS, ObservedRun
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import MessageAcknowledged, MessageDelivered, MessagePublished, RecordKept
from mock_server.history.log import Entry
from mock_server.model import Cell, DataType, PassDirection
from mock_server.profile import Profile
from tests.command_line import run_here

WINDOW_MS = 1_500
MODULE = "tests.contracts.client.scheduled"


def observed(kind: str, session: str, waits_s: float = 20.0) -> tuple[Run, list[SessionState]]:
    """One session with a client that is right, or wrong in some way."""
    states: list[SessionState] = []
    steps = plan(WINDOW_MS)[session]
    with Observation(session, steps, WINDOW_MS, waits_s, lambda _, state: states.append(state)) as observation:
        observation.launch([sys.executable, "-m", MODULE, kind])
        return ObservedRun.of(observation.run()), states


def broken(run: Run) -> set[str]:
    """The rules that are broken, of those that an observed client is judged by."""
    return {rule_id for rule_id, outcome in judge(run, JUDGED).items() if outcome.breaches}


@pytest.mark.slow
def test_a_right_client_comes_through_a_storm() -> None:
    """It agrees with the lots in the end; every record was kept and the states follow each other."""
    run, states = observed("right", "stormy")
    assert states == ["WAITING", "RUNNING", "SETTLING", "FINISHED"]
    assert run.agreed
    assert not broken(run)
    assert {FaultKind.ANSWER_BUSY, FaultKind.ANSWER_LOSE} <= {event.fault for _, event in run.faults}
    assert len(run.records) == 9
    exercised = {rule_id for rule_id, outcome in judge(run, JUDGED).items() if outcome.exercised}
    assert {"CNT-TRUTH", "CNT-RECORD-ID", "CONV-REACHES", "SEC-SECRET", "SEC-PII", "PROC-ANSWER"} <= exercised


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rule_id"), [("doubles", "CNT-RECORD-ID"), ("prints", "SEC-PII")])
def test_a_wrong_client_is_caught_by_its_traffic_or_its_log(kind: str, rule_id: str) -> None:
    """Nothing was asked of it."""
    run, _ = observed(kind, "lossy")
    assert rule_id in broken(run)


def test_a_client_that_ends_by_itself_is_not_waited_for() -> None:
    """That is a finding."""
    run, states = observed("quits", "quiet")
    assert states == ["WAITING", "FINISHED"]
    assert broken(run) == {"PROC-ANSWER"}
    assert "exit code 7" in (run.findings or ())[0].text


def test_a_session_that_nobody_comes_to_is_over_soon() -> None:
    """It was WAITING, and nothing has happened."""
    states: list[SessionState] = []
    with Observation(
        "quiet", plan(WINDOW_MS)["quiet"], WINDOW_MS, 0.1, lambda _, state: states.append(state)
    ) as session:
        run = ObservedRun.of(session.run())
        assert not session.has_appeared
    assert states == ["WAITING", "FINISHED"]
    assert not run.records
    assert run.findings is None


def test_each_session_has_keys_of_its_own() -> None:
    """As variables, as an object, and from the lab API."""
    with Observation("quiet", ()) as first, Observation("quiet", ()) as second:
        told: Any = first.exports
        variables = first.variables
        assert variables["PARKING_MOCK_ACCESS_SECRET"] == told["access_secret"]
        assert variables["PARKING_MOCK_API"] == told["api"]
        assert variables["PARKING_MOCK_DEVICES"].split(",") == [each["device_id"] for each in told["devices"][:2]]
        from_lab = requests.get(f"{told['lab']}/_lab/projects/{told['access_id']}", timeout=60).json()
        assert told.items() <= from_lab.items()
        assert variables["PARKING_MOCK_ACCESS_ID"] != second.variables["PARKING_MOCK_ACCESS_ID"]


@pytest.mark.parametrize(("age_ms", "low"), [(STALE_MS - 1, 0), (STALE_MS, 1)])
def test_a_count_may_be_older_than_the_newest_acknowledgement(age_ms: int, low: int) -> None:
    """In real time a client counts, then acknowledges, then sends."""
    kept = RecordKept("6ce", "r1", 0, 0, 5, "***", "deliver", replaced=False)
    told = MessagePublished("m1", "6ce", "uplink", "r1", None)
    events: list[Any] = [
        kept,
        told,
        MessageDelivered("m1", "event", "s", "c", 0),
        MessageAcknowledged("m1", "event", "s", "c"),
    ]
    entries = [Entry(place, 10, event) for place, event in enumerate(events, 1)]
    entries.append(Entry(5, 10 + age_ms, told))
    run = ObservedRun(Scenario(), tuple(entries), Profile(), frozenset())
    assert run.bracket(Cell("6ce", DataType.PASS, PassDirection.ENTER, 0, 10), 5) == (low, 1)


@pytest.mark.slow
def test_the_command_tells_the_states_and_the_verdicts() -> None:
    """Three sessions at the same time; exit code 0."""
    command = shlex.join([sys.executable, "-m", MODULE, "right"])
    done = run_here("check", "--observe", "--exec", command, "--window-ms", str(WINDOW_MS))
    assert done.returncode == 0, done.stdout + done.stderr
    for session in ("quiet", "lossy", "stormy"):
        states = [line.split()[-1] for line in done.stderr.splitlines() if line.startswith(f"session {session}:")]
        assert states == ["WAITING", "RUNNING", "SETTLING", "FINISHED"]
    assert "rules in 3 runs" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--patience", "0.2"), 1, "session stormy: no sign of life"),
        (("--exec", "no-such-command"), 2, "no-such-command cannot be started: No such file or directory"),
        (("--exec", ""), 2, "the command is empty"),
        (("--exec", "'"), 2, "is no command line"),
        (("--http", "http://127.0.0.1:1"), 2, "--observe goes with --exec CMD, or alone"),
        (("--window-ms", "5"), 2, "Invalid value for '--window-ms'"),
    ],
    ids=["nobody", "absent", "empty", "quoted", "http", "window"],
)
def test_wrong_usage_and_nobody(arguments: tuple[str, ...], code: int, words: str) -> None:
    """Is said in words; whoever starts the client is told the addresses."""
    done = run_here("check", "--observe", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert ("export PARKING_MOCK_WINDOW_MS=3000" in done.stdout) == (code == 1)


def test_nothing_of_it_can_be_replayed() -> None:
    """And that is said."""
    with pytest.raises(ClientNotFoundError, match="nothing of it can be repeated exactly"):
        load("observe python client.py")
