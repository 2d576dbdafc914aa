"""A `report.json` that was written before, perhaps by another version: what is read of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_server.problems import parse_json

REPORT = "report.json"


class ReportError(Exception):
    """A file is no report; the text says why."""


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """A failure: its case, what is wrong, and the file of its history, relative to the report, if it has one."""

    case: str
    message: str
    decides: bool
    history: str | None


@dataclass(frozen=True, slots=True)
class StoredRule:
    """The verdict on a rule, why nothing is known of it, and its failures, the smallest first."""

    verdict: str
    level: str
    reason: str
    failures: tuple[StoredFailure, ...]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """The verdicts on a client, by rule id, by that version of ours."""

    agent: str
    version: str
    rules: Mapping[str, StoredRule]
    client: str = ""
    edition: str | None = None
    seed: int | None = None
    runs: int = 0

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict on each rule."""
        return {rule_id: rule.verdict for rule_id, rule in self.rules.items()}


def read_report(path: Path) -> StoredReport:
    """Read one. OSError if the file cannot be read, ReportError if it is no report."""
    try:
        return _report(parse_json(path.read_bytes()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"{path} is no report: {error!r}") from None


def _report(data: Any) -> StoredReport:
    return StoredReport(
        str(data["agent"]),
        str(data["version"]),
        {str(each["rule"]): _rule(each) for each in data["rules"]},
        str(data.get("client", "")),
        data.get("edition"),
        data.get("seed"),
        int(data.get("runs", 0)),
    )


def _rule(data: Any) -> StoredRule:
    failures = tuple(map(_failure, data.get("failures", ())))
    return StoredRule(str(data["verdict"]), str(data.get("level", "")), str(data.get("reason") or ""), failures)


def _failure(data: Any) -> StoredFailure:
    history = data.get("history")
    decides = bool(data.get("decides", True))
    return StoredFailure(str(data["case"]), str(data["message"]), decides, None if history is None else str(history))
