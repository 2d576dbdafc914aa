"""`junit.xml`: one test case for each rule. Names never change, so that build servers can track them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from contracts.check.engine import Plan
from contracts.check.results import Check
from contracts.check.vitals import vitals_of
from contracts.report.summary import counted_as
from contracts.report.text import plain
from contracts.rules.base import Rule
from contracts.rules.verdict import BROKEN, Verdict
from mock_server.version import __version__
from mock_server.words import shortened

Story = Callable[[Rule], Sequence[str]]
"""The lines that describe the failures of a rule."""

PREFIX = "parking-mock"
"""What the class names begin with: a build server shows them among those of other suites."""

MESSAGE_SHOWN = 1_000

_SKIPPED = (Verdict.NOT_EXERCISED, Verdict.UNIMPLEMENTED)


def junit_xml(agent: str, plan: Plan, found: Check, story: Story) -> bytes:
    """The verdicts as JUnit: a suite for each group of rules, a case for each rule.

    A broken must-rule is a failure. A broken rule of another level has passed, with its story in `system-out`. A rule
    that was not exercised or is unimplemented is skipped, with the reason, and so is one that is known to fail; if a
    rule that is known to fail holds, that is a failure.

    `time` is in seconds. That of a case of scenarios is shared evenly by the rules that it exercised.
    """
    seconds = _seconds(found)
    root = ET.Element("testsuites", name="parking-mock")
    for group, rules in groupby(found.rules, key=lambda rule: rule.group):
        suite = ET.SubElement(root, "testsuite", name=group)
        _properties(suite, {"agent": agent, "seed": str(plan.seed), "version": __version__})
        for rule in rules:
            case = ET.SubElement(suite, "testcase", classname=f"{PREFIX}.{rule.group}", name=rule.id)
            case.set("time", f"{seconds.get(rule.id, 0):.3f}")
            if any(plan.known.of(rule.id)) or not _decides(rule, plan, found):
                _known_case(case, rule, plan, found, story)
            else:
                _case(case, rule, plan, found, story)
        _count(suite)
    _add_vitals(root, found)
    _add_harness(root, found)
    _count(root)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _seconds(found: Check) -> dict[str, float]:
    """By rule id, the rule's share of the time in which its cases were played."""
    seconds: dict[str, float] = defaultdict(float)
    for case in found.cases:
        exercised = [rule_id for rule_id, result in case.by_rule.items() if result.exercised]
        for rule_id in exercised:
            seconds[rule_id] += case.seconds / len(exercised)
    return seconds


def _properties(suite: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=plain(value))


def _known_case(case: ET.Element, rule: Rule, plan: Plan, found: Check, story: Story) -> None:
    """Fill the test case of a rule that is known to fail, or whose failures decide nothing, at least in some cases."""
    surprises = [line for line in found.surprises(plan.known) if line.rule_id == rule.id]
    if surprises:
        said = "; ".join(
            f"{line.where} holds, but {plan.known.file}, line {line.line} says that it fails" for line in surprises
        )
        ET.SubElement(case, "failure", type="surprise", message=plain(said)).text = "Remove the line."
    elif not _decides(rule, plan, found):
        edition = f"edition {plan.known.edition.name}" if plan.known.edition else ""
        reasons = "; ".join(line.why for line in plan.known.of(rule.id)) or edition
        ET.SubElement(case, "skipped", message=plain(f"{counted_as(rule, found, plan.known)}: {reasons}"))
        ET.SubElement(case, "system-out").text = plain("\n".join(story(rule)))
    else:
        _case(case, rule, plan, found, story)


def _case(case: ET.Element, rule: Rule, plan: Plan, found: Check, story: Story) -> None:
    verdict = found.verdict(rule)
    if verdict in _SKIPPED:
        ET.SubElement(case, "skipped", message=plain(f"{verdict}: {found.reason(rule)}"))
    elif verdict is Verdict.FAIL:
        lines = story(rule)
        failure = ET.SubElement(case, "failure", type=rule.level, message=plain(_finding(found, plan, rule)))
        failure.text = plain("\n".join(lines))
    elif verdict in BROKEN.values():
        ET.SubElement(case, "system-out").text = plain("\n".join(story(rule)))


def _finding(found: Check, plan: Plan, rule: Rule) -> str:
    """The message of a rule's smallest failure, with its case; failures that are not known have precedence."""
    failure = (found.unknown(rule, plan.known) or found.failures(rule))[0]
    return shortened(f"{failure.case}: {failure.breaches[0].message}", MESSAGE_SHOWN)


def _add_vitals(root: ET.Element, found: Check) -> None:
    """A suite with one test case for a dead client, or if nothing was judged: no rule need be broken by then."""
    vitals = vitals_of(found)
    if vitals is None:
        return
    suite = ET.SubElement(root, "testsuite", name="client")
    case = ET.SubElement(suite, "testcase", classname=f"{PREFIX}.client", name="is alive and judged", time="0.000")
    ET.SubElement(case, "failure", type=vitals.ailment, message=plain(vitals.text))
    _count(suite)


def _add_harness(root: ET.Element, found: Check) -> None:
    """A suite with one erroneous test case if the judge itself failed."""
    failure = found.harness_failure
    if failure is None:
        return
    suite = ET.SubElement(root, "testsuite", name="harness")
    case = ET.SubElement(suite, "testcase", classname=f"{PREFIX}.harness", name=failure.case, time="0.000")
    ET.SubElement(case, "error", message=plain(failure.text)).text = plain(failure.trace)
    _count(suite)


def _count(element: ET.Element) -> None:
    """Set the number of test cases below an element, and of each outcome other than success."""
    element.set("tests", str(len(element.findall(".//testcase"))))
    element.set("failures", str(len(element.findall(".//failure"))))
    element.set("errors", str(len(element.findall(".//error"))))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in element.iter('testcase')):.3f}")
    if element.tag == "testsuite":
        element.set("skipped", str(len(element.findall(".//skipped"))))


def _decides(rule: Rule, plan: Plan, found: Check) -> bool:
    """Whether what was found of a rule is held against the client: nothing was, or a failure that is not known."""
    return not found.failures(rule) or bool(found.unknown(rule, plan.known))
