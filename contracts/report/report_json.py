"""`report.json`: the verdicts on a client, for machines. Names and ids are stable."""

import json
from pathlib import Path

from contracts.check import Check, Failure, Plan
from contracts.counters import diagnose
from contracts.replay import write_failure
from contracts.rule import Rule
from mock_server import __version__
from mock_server.model import JsonObject

FAILURES = "failures"
"""The folder of the failures' histories, inside of the report's folder."""


def report_json(agent: str, plan: Plan, found: Check, histories: dict[tuple[str, str], str]) -> JsonObject:
    """The report. `histories` has the file of each failure by rule and case, relative to the report."""
    return {
        "agent": agent,
        "seed": plan.seed,
        "version": __version__,
        "examples": plan.examples,
        "runs": found.runs,
        "rules": [_rule_json(rule, found, histories) for rule in found.rules],
        "cases": [{"case": case.case, "runs": case.runs, "deaths": list(case.deaths)} for case in found.cases],
    }


def _rule_json(rule: Rule, found: Check, histories: dict[tuple[str, str], str]) -> JsonObject:
    return {
        "rule": rule.id,
        "level": rule.level,
        "verdict": found.verdict(rule).value,
        "cases": found.tally(rule).exercised,
        "failures": [_failure_json(failure, histories) for failure in found.failures(rule)],
    }


def _failure_json(failure: Failure, histories: dict[tuple[str, str], str]) -> JsonObject:
    fitting = [counter.name for counter, fits, _ in diagnose(failure.run) if fits] if failure.run.off_bracket else []
    return {
        "case": failure.case,
        "message": failure.breaches[0].message,
        "diagnosis": fitting,
        "history": histories.get((failure.rule_id, failure.case)),
    }


def write_report(folder: Path, agent: str, plan: Plan, found: Check) -> dict[tuple[str, str], Path]:
    """Write `report.json` and a file for each failure; return the latter by rule and case."""
    (folder / FAILURES).mkdir(parents=True, exist_ok=True)
    for old in (folder / FAILURES).glob("*.json"):
        old.unlink()
    written = {
        (failure.rule_id, failure.case): write_failure(folder / FAILURES, failure, agent, plan.seed)
        for rule in found.rules
        for failure in found.failures(rule)
    }
    relative = {key: path.relative_to(folder).as_posix() for key, path in written.items()}
    text = json.dumps(report_json(agent, plan, found, relative), ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(f"{text}\n", encoding="utf-8")
    return written
