"""Tests of `junit.xml`."""

from xml.etree import ElementTree as ET

import pytest

from contracts.check.engine import Plan
from contracts.check.known_failing import Known, KnownFailing
from contracts.check.results import Check
from contracts.client.interface import Client, Start, Window
from contracts.clients.zoo.counting import CountsOneMore
from contracts.clients.zoo.windows import SlidesItsWindows
from contracts.report.junit import junit_xml
from contracts.rules import RULES
from contracts.rules.verdict import Verdict
from mock_server.model import JsonObject
from tests.contracts.report.support import PLAN, checked

SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, {"name", "value"}),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"name", "time", "classname", "group"},
    ),
    "skipped": (set(), set(), {"type", "message"}),
    "failure": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
"""What the schema of Jenkins' xunit plugin lets an element have: elements in it, attributes it must and may have."""


class Mute(Client):
    """Does nothing, and lets nobody look."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        """Nothing."""

    def start(self, start: Start) -> None:
        """Nothing."""

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Nothing."""


def written(found: Check, agent: str = "an agent", told: str = "the story", plan: Plan = PLAN) -> ET.Element:
    """The document, read again."""
    return ET.fromstring(junit_xml(agent, plan, found, lambda rule: [f"{told} of {rule.id}", "second line"]))  # noqa: S314 our own


def case_of(root: ET.Element, rule_id: str) -> ET.Element:
    """The test case of a rule."""
    (case,) = root.findall(f".//testcase[@name='{rule_id}']")
    return case


def test_every_rule_is_a_case_of_its_group() -> None:
    """Names are those of the rules, whatever the verdicts: a history of test results can follow them."""
    for found in (checked(), checked(CountsOneMore)):
        cases = written(found).findall("./testsuite/testcase")
        assert [(case.get("classname"), case.get("name")) for case in cases] == [
            (f"parking-mock.{rule.group}", rule.id) for rule in RULES.values()
        ]


def test_times_are_there() -> None:
    """The time of a case of scenarios is shared by the rules that it exercised; suites and the whole add up."""
    found = checked()
    found.cases[0].seconds = 6
    root = written(found)
    assert float(case_of(root, "CNT-TRUTH").get("time", 0)) > 0
    assert case_of(root, "CNT-PAGING").get("time") == "0.000", "never exercised"
    suites = sum(float(suite.get("time", 0)) for suite in root.findall("testsuite"))
    assert suites == pytest.approx(float(root.get("time", 0)), abs=0.01) == pytest.approx(6, abs=0.1)


def test_a_broken_must_rule_is_a_failure_with_its_story() -> None:
    """The case and the finding are the message, the story the text."""
    failure = case_of(written(checked(CountsOneMore)), "CNT-TRUTH").find("failure")
    assert failure is not None
    message = failure.get("message") or ""
    assert message.startswith("count/copies: claimed 1 for lot 6ce0000000000001, passes, enter, ")
    assert message.endswith(", where 0 was right")
    assert failure.text == "the story of CNT-TRUTH\nsecond line"


def test_a_broken_rule_of_another_level_has_passed_and_is_told() -> None:
    """Only a must-rule fails a build: what else is broken stands in the output of a case that has passed."""
    found = checked(SlidesItsWindows)
    broken = [rule for rule in found.rules if found.verdict(rule) in (Verdict.NON_STRICT, Verdict.INFO)]
    assert broken
    root = written(found)
    for rule in broken:
        (told,) = case_of(root, rule.id)
        assert (told.tag, told.text) == ("system-out", f"the story of {rule.id}\nsecond line")


def test_a_dead_client_is_a_failure_though_it_breaks_no_rule() -> None:
    """Whoever looks at the test results alone sees it, too."""
    (failure,) = written(checked(Mute, rule_ids=["CNT-TRUTH"])).findall(".//failure")
    assert failure.get("message") == "the client never called and never connected in 1 run"


def test_what_was_kept_has_nothing_to_tell() -> None:
    """A case without anything in it has passed."""
    assert not list(case_of(written(checked()), "CNT-TRUTH"))


@pytest.mark.parametrize(
    ("found", "rule_id", "reason"),
    [
        (checked(), "CNT-PAGING", "not-exercised: the cases made for it are count/page: none of them was played"),
        (checked(Mute), "REC-PERSIST-ACK", "unimplemented: this rule needs dump and crash, "),
        (Check((RULES["CNT-TRUTH"],), ()), "CNT-TRUTH", "unimplemented: no run could be judged"),
    ],
)
def test_what_was_not_seen_is_skipped_with_the_reason(found: Check, rule_id: str, reason: str) -> None:
    """It is neither green nor red."""
    (skipped,) = case_of(written(found), rule_id)
    assert skipped.tag == "skipped"
    assert (skipped.get("message") or "").startswith(reason)


@pytest.mark.parametrize("client", [CountsOneMore, Mute, SlidesItsWindows])
def test_the_counts_are_those_of_the_cases(client: type[Client]) -> None:
    """Of each suite, and of all."""
    root = written(checked(client))
    for element in (root, *root.findall("testsuite")):
        assert element.get("tests") == str(len(element.findall(".//testcase")))
        assert element.get("failures") == str(len(element.findall(".//failure")))
        assert element.get("skipped", "0") in ("0", str(len(element.findall(".//skipped"))))


@pytest.mark.parametrize("client", [CountsOneMore, Mute, SlidesItsWindows])
def test_it_follows_the_schema(client: type[Client]) -> None:
    """No element and no attribute is where the schema that readers of JUnit go by has none."""
    root = written(checked(client))
    assert root.tag == "testsuites"
    for element in root.iter():
        inside, needed, allowed = SCHEMA[element.tag]
        assert {each.tag for each in element} <= inside
        assert needed <= set(element.attrib) <= allowed


def test_odd_text_is_no_markup_and_no_error() -> None:
    """Markup is escaped; what XML cannot hold has a sign in its place."""
    root = written(checked(CountsOneMore), agent='<a> & "b" \x00\ud800', told="</failure> ]]> \x1b[31m")
    (agent, *_) = root.findall(".//property[@name='agent']")
    assert agent.get("value") == '<a> & "b" \ufffd\ufffd'
    failure = case_of(root, "CNT-TRUTH").find("failure")
    assert failure is not None
    assert failure.text == "</failure> ]]> \ufffd[31m of CNT-TRUTH\nsecond line"


KNOWN = Plan(case_ids=PLAN.case_ids, known=KnownFailing((Known("CNT-TRUTH", "*", "a release is due", 3),), "known.txt"))


def test_what_is_known_to_fail_fails_no_build() -> None:
    """It is skipped with the reason, and told all the same."""
    skipped, told = case_of(written(checked(CountsOneMore), plan=KNOWN), "CNT-TRUTH")
    assert (skipped.tag, skipped.get("message")) == ("skipped", "known to fail: a release is due")
    assert (told.tag, told.text) == ("system-out", "the story of CNT-TRUTH\nsecond line")


def test_what_is_known_to_fail_and_holds_is_a_failure() -> None:
    """The line has to go, or nobody sees when it breaks again."""
    (failure,) = case_of(written(checked(), plan=KNOWN), "CNT-TRUTH")
    assert failure.get("message") == "CNT-TRUTH holds, but known.txt, line 3 says that it fails"


def test_a_failure_that_is_not_known_is_a_failure() -> None:
    """A line about other cases excuses nothing."""
    other = Plan(known=KnownFailing((Known("CNT-TRUTH", "other/*", "a release is due", 3),), "known.txt"))
    (failure,) = case_of(written(checked(CountsOneMore), plan=other), "CNT-TRUTH")
    assert (failure.tag, failure.get("type")) == ("failure", "must")
