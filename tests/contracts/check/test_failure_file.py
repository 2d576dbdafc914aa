"""Tests of failures as files."""

import json
from pathlib import Path

import pytest

from contracts.check.failure_file import ReplayError, read_failure, replay, write_failure
from contracts.check.results import Failure
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.rules import RULES
from contracts.run.run import run_of
from mock_server.model import MINUTE

SCENARIO = Scenario((Happens(BEGIN + 10 * MINUTE, "r1", copies=2, plate="京A12345"),))


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


def test_a_mended_client_is_fixed(failure: Failure, tmp_path: Path) -> None:
    """The rule holds in the recorded scenario."""
    assert replay(read_failure(write_failure(tmp_path, failure, None, None)), ReferenceClient) is None


def test_the_history_in_the_file_has_no_plate(failure: Failure, tmp_path: Path) -> None:
    """The scenario's made-up plate is in the scenario alone; the history is masked as always."""
    data = json.loads(write_failure(tmp_path, failure, None, 0).read_text(encoding="utf-8"))
    assert "京A12345" not in json.dumps(data["history"], ensure_ascii=False)
    assert data["history"][0]["seq"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "something else"}, "needs"),
        ({"version": 99}, "needs"),
        ({"rule": "CNT-NONE"}, "there is no rule"),
        ({"scenario": {"steps": 3}}, "no scenario"),
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
