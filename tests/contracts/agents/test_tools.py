"""The tools for agents, before any protocol: made from the OpenAPI description and from the command line's."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contracts.agents.command_tools import CommandTool, _findings, command_tools
from contracts.agents.lab_tools import lab_tools
from contracts.agents.tool import MOST_ITEMS, MOST_TEXT, AgentTool, ToolAnswer, bounded
from contracts.commands.check import check
from contracts.report.stored_report import REPORT
from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient
from mock_server.web.lab.openapi import lab_operations, lab_paths
from mock_server.web.server import Server, ThreadedServer
from tests.support import LOT

PLATE = "京A12345"
TOOLS = {tool.name: tool for tool in (*lab_tools(LabClient("http://127.0.0.1:1")), *command_tools())}


@pytest.fixture(name="tools", scope="module")
def tools_fixture() -> Iterator[dict[str, AgentTool]]:
    """The tools of a lab plane that answers."""
    with ThreadedServer(Server(Cloud())) as threaded, LabClient(threaded.server.lab) as lab:
        yield {tool.name: tool for tool in lab_tools(lab)}


def called(tool: AgentTool, **arguments: Any) -> Any:
    """The content of an answer that is no error."""
    answer = asyncio.run(tool.answer(arguments))
    assert not answer.is_error, answer.content
    return answer.content


def refused(tool: AgentTool, **arguments: Any) -> ToolAnswer:
    """An answer that is an error."""
    answer = asyncio.run(tool.answer(arguments))
    assert answer.is_error
    return answer


def test_there_is_a_tool_for_each_operation_and_command() -> None:
    """By the names of the operations; a tool that reads is a GET, one that destroys a DELETE."""
    operations = {name: method for method, _, name in lab_operations()}
    assert list(TOOLS) == [*operations, "check", "explainRule", "replay"]
    for name, method in operations.items():
        assert (TOOLS[name].reads, TOOLS[name].destroys) == (method == "GET", method == "DELETE")


@pytest.mark.parametrize("name", TOOLS)
def test_arguments_have_a_schema_of_their_own(name: str) -> None:
    """An object, closed, that refers to nothing outside."""
    schema = TOOLS[name].schema
    jsonschema_rs.meta.validate(schema)
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert "#/components/" not in json.dumps(schema)
    jsonschema_rs.Draft202012Validator(schema).is_valid({})  # resolves each reference


def test_the_examples_of_the_description_are_arguments() -> None:
    """Each body that the OpenAPI document shows is one that the tool takes."""
    paths: Any = lab_paths()
    for item in paths.values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            for example in content.get("application/json", {}).get("examples", {}).values():
                schema = {**TOOLS[operation["operationId"]].schema, "required": ["body"]}
                jsonschema_rs.Draft202012Validator(schema).validate({"body": example["value"]})


def test_arguments_of_a_command_are_its_flags() -> None:
    """With the bounds, choices and texts of the command line."""
    schema: Any = TOOLS["check"].schema
    assert len(schema["properties"]) == len(check.params)
    assert schema["properties"]["level"]["enum"] == ["must", "should", "info"]
    assert schema["properties"]["http"]["type"] == "array"
    assert schema["properties"]["examples"]["minimum"] == 1
    assert TOOLS["replay"].schema["required"] == ["files"]


def test_a_day_by_tools(tools: dict[str, AgentTool]) -> None:
    """A world, a record in it, its history as a list in which the plate is masked; and the world as a file and back."""
    exports = called(tools["createProject"], body={"clock": "virtual"})["body"]
    project = {"project_id": exports["access_id"]}
    record = {"data_type": 0, "pass_direction": 0, "event_time": 1652779000000, "plate_no": PLATE}
    assert called(tools["addRecords"], **project, device_id=LOT, body=record)["status"] == 201
    told = called(tools["readHistory"], **project, after=0)["body"]
    assert any(line["kind"] == "record.kept" for line in told)
    assert PLATE not in json.dumps(told, ensure_ascii=False)
    file = called(tools["exportProject"], **project)["body"]
    assert base64.b64decode(file)
    made = called(tools["importProject"], body=file, new_keys="true")["body"]
    assert made["access_id"] != exports["access_id"]
    assert called(tools["deleteProject"], **project) == {"status": 204, "body": None}
    assert called(tools["llms"])["body"].startswith("# parking-mock")


def test_a_doubtful_value_is_named(tools: dict[str, AgentTool]) -> None:
    """As by the header of the lab plane."""
    access_id = called(tools["createProject"])["body"]["access_id"]
    seconds = {"data_type": 1, "event_time": 1652779000}
    assert "event_time" in called(tools["addRecords"], project_id=access_id, device_id=LOT, body=seconds)["doubt"]


def test_a_refusal_says_what_to_do(tools: dict[str, AgentTool]) -> None:
    """That of the lab plane, of arguments, of a file that is none, and where no server answers."""
    gone: Any = refused(tools["showProject"], project_id="none").content
    assert (gone["status"], gone["body"]["error"]["code"]) == (404, "no_project")
    assert refused(tools["showProject"]).content == {"error": "showProject needs project_id"}
    assert refused(tools["health"], name=1).content == {
        "error": "'name' is not an argument of health, which takes none"
    }
    assert refused(tools["importProject"], body=7).content == {"error": "body is a file in base64"}
    assert "no server answers at http://127.0.0.1:1" in str(refused(TOOLS["health"]).content)


def test_what_is_long_is_cut() -> None:
    """And a list says how much is left out."""
    assert bounded([0] * (MOST_ITEMS + 2)) == {"body": [0] * MOST_ITEMS, "left_out": 2}
    cut: Any = bounded("x" * (MOST_TEXT + 1))["body"]
    assert len(cut) == MOST_TEXT


def test_no_value_becomes_a_flag() -> None:
    """What looks like one is the value of its own flag, or a file of that name."""
    words = {name: tool._words for name, tool in TOOLS.items() if isinstance(tool, CommandTool)}
    assert words["explainRule"]({"rule_ids": ["--json"], "json": False}) == ["--", "--json"]
    asked = {
        "client": "--quick",
        "seed": 2**60 + 1,
        "examples": 3.0,
        "patience": 0.25,
        "rule": ["A*", "-B"],
        "strict": True,
    }
    assert words["check"](asked) == [
        "--client=--quick",
        f"--seed={2**60 + 1}",
        "--examples=3",
        "--patience=0.25",
        "--rule=A*",
        "--rule=-B",
        "--strict",
    ]


TEXT = r"a text of at most 30000 characters and that matches ^[^\x00]*$"
PROJECT = "project_id takes a text of at least 1 characters and of at most 64 characters and that matches ^[^/]+$"


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("check", {}, "check needs a client, as one of: client, exec, http"),
        ("check", {"client": "x\0y:Z"}, rf'client takes {TEXT}, not "x\u0000y:Z"'),
        ("check", {"client": "\ud800"}, "client has half of a surrogate pair, which is no character"),
        ("check", {"client": [["x"]]}, f'client takes {TEXT}, not [["x"]]'),
        ("check", {"client": None}, f"client takes {TEXT}, not null"),
        ("check", {"examples": "many"}, 'examples takes an integer of at least 1, not "many"'),
        ("check", {"examples": 0}, "examples takes an integer of at least 1, not 0"),
        ("check", {"strict": "yes"}, 'strict takes true or false, not "yes"'),
        ("check", {"level": "all"}, 'level takes "must" or "should" or "info", not "all"'),
        ("explainRule", {"rule_ids": 5}, f"rule_ids takes a list, of which each is {TEXT}, not 5"),
        ("explainRule", {"rule_ids": ["A", 5]}, f"rule_ids[1] takes {TEXT}, not 5"),
        ("explainRule", {"rule_ids": ["X" * 300_000]}, f'rule_ids[0] takes {TEXT}, not "{"X" * 96}...'),
        (
            "explainRule",
            {"rule_ids": ["X" * 30_000] * 500},
            "explainRule cannot be started with these arguments: Argument list too long",
        ),
        ("showProject", {"project_id": 7}, f"{PROJECT}, not 7"),
        ("showProject", {"project_id": "../../../etc"}, f'{PROJECT}, not "../../../etc"'),
        ("showProject", {"project_id": "\ud800"}, "project_id has half of a surrogate pair, which is no character"),
        ("deleteProject", {"project_id": ".."}, "project_id cannot be '..': that is another place in a path of a URL"),
        ("readHistory", {"project_id": "p", "format": "xml"}, 'format takes "lines" or "har", not "xml"'),
    ],
)
def test_arguments_that_the_schema_refuses(tool: str, arguments: dict[str, Any], error: str) -> None:
    """At once, by a sentence that names the argument and says what it takes."""
    assert refused(TOOLS[tool], **arguments).content == {"error": error}


def test_a_body_is_judged_by_the_lab_plane(tools: dict[str, AgentTool]) -> None:
    """Whose refusal names the field."""
    answer: Any = refused(tools["createProject"], body={"clock": "sundial"}).content
    assert (answer["status"], "clock" in answer["body"]["error"]["message"]) == (400, True)


def test_deaths_of_a_client_are_in_the_answer(tmp_path: Path) -> None:
    """A client that dies may break no rule: without them the failure would be in the text of the output alone."""
    cases = [{"case": "count/copies", "runs": 1, "deaths": ["ValueError: no"]}, {"case": "a", "runs": 1, "deaths": []}]
    report = tmp_path / REPORT
    report.write_text(json.dumps({"rules": [], "summary": {}, "cases": cases}))
    first = {"case": "count/copies", "error": "ValueError: no"}
    assert _findings(report)["deaths"] == {"cases": 1, "first": first}
    report.write_text(json.dumps({"rules": [], "summary": {}, "cases": cases[1:]}))
    assert _findings(report)["deaths"] == {"cases": 0, "first": None}


@pytest.mark.slow
def test_a_check_its_failures_and_their_replay(tmp_path: Path) -> None:
    """The failures are those of the report, each with its cause and remedy, and its file can be played again."""
    chosen = {"rule": ["CNT-RECORD-ID"], "case": ["count/copies"], "examples": 3, "jobs": 1, "fail_fast": False}
    client = "contracts.clients.zoo.counting:CountsDeliveries"
    found = called(TOOLS["check"], client=client, report=str(tmp_path), **chosen)
    assert (found["exit_code"], found["summary"], found["report"]) == (1, {"fail": 1}, str(tmp_path))
    (failure,) = found["failures"]
    assert (failure["level"], failure["cause"]["rule"]) == ("must", "CNT-RECORD-ID")
    file = str(tmp_path / failure["history"])
    fixed = called(TOOLS["replay"], files=[file], client="contracts.clients.reference:ReferenceClient")
    assert (fixed["exit_code"], fixed["output"].partition(" ")[0]) == (0, "FIXED")
