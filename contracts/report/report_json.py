"""`report.json`: the verdicts on a client. Its keys and ids are stable."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from contracts.check.engine import Plan
from contracts.check.results import Check, Failure
from contracts.diagnosis.explain import diagnose
from contracts.report.changes import Comparison
from contracts.report.file_shapes import FailureJson, ReportJson, RuleVerdictJson
from contracts.report.remedy import advice_in
from contracts.report.summary import ids_by_count
from contracts.rules.base import Rule
from mock_server.version import __version__

TellFailure: TypeAlias = Callable[[Failure], FailureJson]


class Places(NamedTuple):
    """By rule and case of a failure: its file, relative to the report, if it has one; the command that repeats it."""

    files: Mapping[tuple[str, str], str]
    commands: Mapping[tuple[str, str], str]


def report_json(
    agent: str, plan: Plan, found: Check, places: Places, comparison: Comparison | None, client: str
) -> ReportJson:
    """The report as JSON."""
    failure = found.harness_failure
    tell = _teller(plan, found, places)
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
        "rules": [_rule_json(rule, plan, found, tell) for rule in found.rules],
        "cases": [{"case": case.case, "runs": case.runs, "deaths": list(case.deaths)} for case in found.cases],
        "comparison": comparison.to_json() if comparison else None,
        "client": client,
    }


def _rule_json(rule: Rule, plan: Plan, found: Check, tell: TellFailure) -> RuleVerdictJson:
    return {
        "rule": rule.id,
        "level": rule.level,
        "verdict": found.verdict(rule).value,
        "reason": found.reason(rule) or None,
        "known_failing": [line.why for line in plan.known.of(rule.id)],
        "cases": found.result(rule).exercised,
        "failures": [tell(failure) for failure in found.failures(rule)],
    }


def _teller(plan: Plan, found: Check, places: Places) -> TellFailure:
    """What tells a failure of a check as JSON."""
    advice_on = advice_in(found)

    def tell(failure: Failure) -> FailureJson:
        key = failure.rule_id, failure.case
        left = _counters_left(failure, found)
        advice = advice_on(failure, left)
        return {
            "rule": failure.rule_id,
            "case": failure.case,
            "decides": not plan.known.covers(failure.rule_id, failure.case),
            "message": failure.breaches[0].message,
            "diagnosis": left,
            "cause": {"rule": advice.rule_id, "text": advice.cause},
            "remedy": advice.remedy,
            "history": places.files.get(key),
            "repeat": places.commands[key],
        }

    return tell


def _counters_left(failure: Failure, found: Check) -> list[str]:
    """The wrong counters that explain every claim of the failure's run, or of all runs where those leave fewer."""
    fitting = [counter.name for counter, fits, _ in diagnose(failure.run) if fits] if failure.run.off_bracket else []
    narrowing = found.narrowing(failure.case)
    return list(narrowing.left) if narrowing.narrows(len(fitting)) else fitting
