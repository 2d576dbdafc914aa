"""Tests of the comparison with the last run."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.check.results import Check
from contracts.client.interface import Client
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.report.changes import LAST
from contracts.report.stored_report import REPORT
from contracts.report.write import write_report
from contracts.rules import RULES
from tests.contracts.report.support import PLAN, checked

COUNTING = ("CNT-TRUTH", "CNT-RECORD-ID", "CNT-PAGING")


def found(client: type[Client]) -> Check:
    """What is found of a client, by some rules."""
    return checked(client, rule_ids=COUNTING)


def report(folder: Path, some: Check, agent: str = "an agent") -> Any:
    """Write a report and read it again."""
    write_report(folder, agent, PLAN, some)
    return json.loads((folder / REPORT).read_text(encoding="utf-8"))


def test_the_first_run_is_compared_with_nothing(tmp_path: Path) -> None:
    """A folder that is new has no comparison."""
    assert report(tmp_path / "deep" / "run", found(CountsOneMore))["comparison"] is None
    assert not (tmp_path / "deep" / "run" / LAST).exists()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (ReferenceClient, CountsOneMore, {"new": ["CNT-TRUTH"]}),
        (CountsOneMore, ReferenceClient, {"fixed": ["CNT-TRUTH"]}),
        (CountsOneMore, CountsOneMore, {"still": ["CNT-TRUTH"]}),
        (CountsOneMore, CountsDeliveries, {"new": ["CNT-RECORD-ID"], "still": ["CNT-TRUTH"]}),
        (CountsDeliveries, ReferenceClient, {"fixed": ["CNT-TRUTH", "CNT-RECORD-ID"]}),
        (ReferenceClient, ReferenceClient, {}),
    ],
)
def test_each_broken_rule_has_a_change(
    before: type[Client], after: type[Client], expected: dict[str, list[str]], tmp_path: Path
) -> None:
    """New, fixed or still broken, beside the report that was in the folder before."""
    report(tmp_path, found(before), "before")
    compared = report(tmp_path, found(after), "after")["comparison"]
    assert {name: ids for name, ids in compared.items() if name != "last" and ids} == expected
    assert compared["last"]["agent"] == "before"


def test_what_is_no_longer_judged_is_not_fixed(tmp_path: Path) -> None:
    """A rule that was broken and that this run has not tried, or not exercised, is unseen."""
    report(tmp_path, found(CountsOneMore))
    compared = report(tmp_path, checked(rule_ids=["CNT-PAGING"]))["comparison"]
    assert compared["unseen"] == ["CNT-TRUTH"]
    report(tmp_path, found(CountsOneMore))
    assert report(tmp_path, Check((RULES["CNT-TRUTH"],), ()))["comparison"]["unseen"] == ["CNT-TRUTH"]


def test_the_last_report_is_kept(tmp_path: Path) -> None:
    """It lies beside the new one, as it was."""
    first = report(tmp_path, found(CountsOneMore))
    report(tmp_path, found(ReferenceClient))
    assert json.loads((tmp_path / LAST).read_text(encoding="utf-8")) == first


def test_no_failure_of_the_last_run_is_left(tmp_path: Path) -> None:
    """The folder has the files of this run's failures only."""
    report(tmp_path, found(CountsOneMore))
    assert list((tmp_path / "failures").iterdir())
    report(tmp_path, found(ReferenceClient))
    assert not list((tmp_path / "failures").iterdir())


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", '{"rules": 1}', '{"rules": [{}]}', '{"rules": [], "agent": "a"}', "\ud800"]
)
def test_a_last_report_that_is_none_is_said_in_words(content: str, tmp_path: Path) -> None:
    """Whatever lies there, this run's report is written."""
    (tmp_path / REPORT).write_bytes(content.encode("utf-8", "surrogatepass"))
    compared = report(tmp_path, found(CountsOneMore))["comparison"]
    assert compared["last"]["problem"].startswith("the last report cannot be read: ")
    assert compared["new"] == []
