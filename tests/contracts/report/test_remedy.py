"""Tests of what `report.json` says to those who act on it: rule, cause, remedy, and the command that repeats it."""

import json
import shlex
from pathlib import Path
from typing import Any

from contracts.client.interface import Client
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.clients.zoo.form import SendsNumbersAsText
from contracts.report.write import write_report
from contracts.rules import RULES
from tests.command_line import run_here
from tests.contracts.report.support import PLAN, checked


def failures(folder: Path, client: type[Client]) -> dict[str, Any]:
    """The failures that a report tells of a client, the smallest of each rule, by rule."""
    write_report(folder, "mine:Mine", PLAN, checked(client))
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return {rule["rule"]: rule["failures"][0] for rule in report["rules"] if rule["failures"]}


def test_a_wrong_counter_is_the_cause(tmp_path: Path) -> None:
    """Of every rule that the same history breaks; its remedy says how to count."""
    found = failures(tmp_path, CountsDeliveries)
    assert {"CNT-TRUTH", "CNT-RECORD-ID"} <= found.keys()
    for rule_id in ("CNT-TRUTH", "CNT-RECORD-ID"):
        failure = found[rule_id]
        assert failure["rule"] == rule_id
        assert failure["cause"] == {"rule": "CNT-RECORD-ID", "text": "the client counts every delivery"}
        assert "record id" in failure["remedy"]


def test_of_a_symptom_alone_the_counters_left_are_the_cause(tmp_path: Path) -> None:
    """A wrong number that no rule has a name for."""
    failure = failures(tmp_path, CountsOneMore)["CNT-TRUTH"]
    assert failure["cause"]["text"] == f"the client {' or '.join(failure['diagnosis'])}"
    assert failure["diagnosis"]


def test_of_any_other_rule_the_remedy_is_what_it_asks_for(tmp_path: Path) -> None:
    """Also beside claims that could be explained by counting."""
    failure = failures(tmp_path, SendsNumbersAsText)["FORM-TYPES"]
    assert failure["cause"]["rule"] == "FORM-TYPES"
    assert RULES["FORM-TYPES"].why in failure["cause"]["text"]
    assert failure["remedy"] == RULES["FORM-TYPES"].statement


def test_the_command_repeats_it(tmp_path: Path) -> None:
    """As it stands there; with the client corrected it would say FIXED."""
    failure = failures(tmp_path, CountsDeliveries)["CNT-RECORD-ID"]
    name, *arguments = shlex.split(failure["repeat"])
    client = "contracts.clients.reference:ReferenceClient"
    done = run_here(*arguments, "--client", client)
    assert (name, done.returncode) == ("parking-mock", 0)
    assert done.stdout.startswith("FIXED  CNT-RECORD-ID")
