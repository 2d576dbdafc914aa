"""The shapes of the files that a check writes, and their JSON Schemas. Fields may be added, and keep their meaning."""

from typing import Annotated, Any, Literal, TypedDict

from contracts.check.failure_file import FORMAT, VERSION
from contracts.rules.base import Level
from mock_server.history.schema import DIALECT, history_schema
from mock_server.model import JsonObject
from mock_server.shapes import Keywords, OneOf, open_schema

VerdictText = Annotated[
    str, OneOf(("pass", "fail", "non-strict", "info", "not-exercised", "unimplemented")), "what the client is told"
]


class CauseJson(TypedDict):
    """What is most likely wrong: mend this first, the other rules that the same history breaks may follow from it."""

    rule: Annotated[str, "that names the cause, of those that the same history breaks"]
    text: Annotated[str, "in words: which wrong counter the client seems to be, or what follows from the broken rule"]


class FailureJson(TypedDict):
    """The smallest failure of a rule in a case: enough to act on."""

    rule: str
    case: str
    decides: Annotated[bool, "false: it is known, or came after the edition"]
    message: str
    diagnosis: Annotated[list[str], "the wrong counters that are left: one is a diagnosis, several are suspects"]
    cause: CauseJson
    remedy: Annotated[str, "what to do about the cause"]
    history: Annotated[str | None, "its file, relative to the report; null where a rule has too many"]
    repeat: Annotated[str, "the command that plays it again, and says FIXED once it is"]


class RuleVerdictJson(TypedDict):
    """The verdict on a rule over all runs."""

    rule: str
    level: Level
    verdict: VerdictText
    reason: Annotated[str | None, "why nothing is known of it, else null"]
    known_failing: Annotated[list[str], "the reasons of the lines that say that it fails"]
    cases: Annotated[int, "the number of runs that exercised it"]
    failures: Annotated[list[FailureJson], "the smallest first"]


class CaseRunsJson(TypedDict):
    """A case that was played. `deaths` has the client's errors in the first run in which it failed by itself."""

    case: str
    runs: int
    deaths: list[str]


class HarnessFailureJson(TypedDict):
    """An exception of the judge's own code, which says nothing about the client."""

    case: str
    text: str
    trace: str


class LastReportJson(TypedDict):
    """The report of the run before: its client and our version, or why it cannot be read."""

    agent: str
    version: str
    problem: str | None


class ComparisonJson(TypedDict):
    """The ids of the rules that have changed since the run before."""

    last: LastReportJson
    new: list[str]
    fixed: list[str]
    still: list[str]
    unseen: list[str]


class ReportJson(TypedDict):
    """`report.json`: the verdicts on a client."""

    agent: Annotated[str, "what the client calls itself, with its version"]
    client: Annotated[str, "how it was attached"]
    seed: Annotated[int | None, "null: the scenarios cannot be drawn again"]
    version: Annotated[str, "of parking-mock"]
    edition: Annotated[str | None, "whose rules and cases decide; null: all"]
    examples: Annotated[int, "scenarios of each case"]
    runs: int
    interrupted: bool
    harness_failure: HarnessFailureJson | None
    summary: Annotated[dict[str, int], "how many rules are counted as what"]
    rules: list[RuleVerdictJson]
    cases: list[CaseRunsJson]
    comparison: Annotated[ComparisonJson | None, "null for the first run in a folder"]


class BreachJson(TypedDict):
    """How the rule is broken, and at which line of the history."""

    message: str
    seq: int


class FailureFileJson(TypedDict):
    """`failures/*.json`: a failure that can be played again."""

    format: Annotated[str, OneOf((FORMAT,))]
    version: Annotated[Literal[1], Keywords(const=VERSION)]
    parking_mock: Annotated[str, "the version that wrote it"]
    rule: str
    case: str
    client: str | None
    agent: str | None
    seed: int | None
    breaches: list[BreachJson]
    scenario: Annotated[dict[str, Any], "what is played: its steps and the settings of its cloud"]
    history: Annotated[list[dict[str, Any]], "what happened, as the history of a project"]
    seen: Annotated[dict[str, Any], "what the judge has recorded beside it"]


def report_schema() -> JsonObject:
    """The schema of `report.json`."""
    return {"$schema": DIALECT, "title": "A report of parking-mock check"} | open_schema(ReportJson)


def failure_schema() -> JsonObject:
    """The schema of a file of a failure; that of the history is a part of it."""
    schema: Any = open_schema(FailureFileJson)
    entry: Any = history_schema()
    schema["properties"]["history"]["items"] = {"oneOf": entry["oneOf"]}
    return {"$schema": DIALECT, "title": "A failure found by parking-mock check", "$defs": entry["$defs"], **schema}
