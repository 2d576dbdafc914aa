"""`report.json`: the verdicts on a client. Its keys and ids are stable."""

from contracts.check.engine import Plan
from contracts.check.results import Check, Failure
from contracts.diagnosis.explain import diagnose
from contracts.report.changes import Comparison
from contracts.report.file_shapes import FailureJson, ReportJson, RuleVerdictJson
from contracts.report.summary import ids_by_count
from contracts.rules.base import Rule
from mock_server.version import __version__


def report_json(
    agent: str,
    plan: Plan,
    found: Check,
    histories: dict[tuple[str, str], str],
    comparison: Comparison | None,
    client: str,
) -> ReportJson:
    """The report as JSON. `histories` has the files of failures by rule and case, relative to the report."""
    failure = found.harness_failure
    return {
        "agent": agent,
        "seed": plan.seed,
        "version": __version__,
        "edition": plan.known.edition.name if plan.known.edition else None,
        "examples": plan.examples,
        "runs": found.runs,
        "interrupted": found.interrupted,
        "harness_failure": {"case": failure.case, "text": failure.text, "trace": failure.trace} if failure else None,
        "summary": {title: len(ids) for title, ids in ids_by_count(found, plan.known).items()},
        "rules": [_rule_json(rule, plan, found, histories) for rule in found.rules],
        "cases": [{"case": case.case, "runs": case.runs, "deaths": list(case.deaths)} for case in found.cases],
        "comparison": comparison.to_json() if comparison else None,
        "client": client,
    }


def _rule_json(rule: Rule, plan: Plan, found: Check, histories: dict[tuple[str, str], str]) -> RuleVerdictJson:
    return {
        "rule": rule.id,
        "level": rule.level,
        "verdict": found.verdict(rule).value,
        "reason": found.reason(rule) or None,
        "known_failing": [line.why for line in plan.known.of(rule.id)],
        "cases": found.result(rule).exercised,
        "failures": [_failure_json(failure, plan, found, histories) for failure in found.failures(rule)],
    }


def _failure_json(failure: Failure, plan: Plan, found: Check, histories: dict[tuple[str, str], str]) -> FailureJson:
    fitting = [counter.name for counter, fits, _ in diagnose(failure.run) if fits] if failure.run.off_bracket else []
    narrowing = found.narrowing(failure.case)
    return {
        "case": failure.case,
        "decides": not plan.known.covers(failure.rule_id, failure.case),
        "message": failure.breaches[0].message,
        "diagnosis": list(narrowing.left) if narrowing.narrows(len(fitting)) else fitting,
        "history": histories.get((failure.rule_id, failure.case)),
    }
