"""Tests of the JSON Schemas of what a check writes: valid, and fulfilled by what is written."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.commands.schema import SCHEMAS
from contracts.report.write import write_report
from contracts.rules.verdict import Verdict
from tests.command_line import run_here
from tests.contracts.report.support import PLAN, checked

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "example-report" / "report.json"


def printed(name: str) -> Any:
    """A schema as the command prints it."""
    done = run_here("schema", name)
    assert done.returncode == 0
    return json.loads(done.stdout)


def judge(name: str) -> jsonschema_rs.Draft202012Validator:
    """Judges by the schema of that name."""
    return jsonschema_rs.Draft202012Validator(printed(name))


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema(name: str) -> None:
    """Of its own: it refers to nothing outside."""
    schema = printed(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["title"]
    assert "#/components/" not in json.dumps(schema)


def test_what_is_written_fits(tmp_path: Path) -> None:
    """A wrong client's report, one that is compared with it, and each failure's file with its history."""
    report, failure, line = judge("report"), judge("failure"), judge("history")
    for client in (CountsDeliveries, ReferenceClient, CountsDeliveries):
        write_report(tmp_path, "mine:Mine", PLAN, checked(client), "mine 1.0")
        report.validate(json.loads((tmp_path / "report.json").read_bytes()))
    files = list((tmp_path / "failures").iterdir())
    assert files
    for path in files:
        data = json.loads(path.read_bytes())
        failure.validate(data)
        for entry in data["history"]:
            line.validate(entry)


def test_the_report_of_the_docs_fits() -> None:
    """It was written by the command."""
    judge("report").validate(json.loads(EXAMPLE.read_bytes()))


def test_a_schema_refuses() -> None:
    """What lacks a member, and a verdict that there is not."""
    report = json.loads(EXAMPLE.read_bytes())
    assert not judge("report").is_valid({**report, "rules": None})
    assert not judge("report").is_valid({name: value for name, value in report.items() if name != "seed"})
    report["rules"][0]["verdict"] = "wonderful"
    assert not judge("report").is_valid(report)


def test_the_verdicts_are_those_that_are_told() -> None:
    """The schema names each of them."""
    rule = printed("report")["properties"]["rules"]["items"]
    assert set(rule["properties"]["verdict"]["enum"]) == {each.value for each in Verdict}
