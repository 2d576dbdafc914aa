"""Tests of a check as Markdown, and of what a job of GitHub's is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.check.known_failing import Known, KnownFailing
from contracts.check.results import Check
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.report.markdown import annotations, markdown
from contracts.rules import RULES
from tests.command_line import run_here
from tests.contracts.commands.test_commands import DELIVERIES, SMALL
from tests.contracts.report.support import PLAN, checked

DOUBLED = Known("CNT-RECORD-ID", "*", "why", 1)


def told(found: Check, agent: str = "mine 1.0") -> str:
    """A check as Markdown."""
    return "\n".join(markdown(agent, "mine:Mine", PLAN, found, {}))


@pytest.fixture(scope="module")
def wrong() -> Check:
    """A client that counts deliveries."""
    return checked(CountsDeliveries)


def test_a_wrong_client_is_told_with_its_stories(wrong: Check) -> None:
    """Counts, what is broken with the story folded, and every rule with its sign."""
    text = told(wrong)
    assert text.startswith(f"## parking-mock: mine 1.0\n\n{len(RULES)} rules in 1 run, seed 0: ")
    assert "### CNT-RECORD-ID in count/copies" in text
    assert text.count("<details>") == text.count("</details>") > 0
    assert "Shortest history found" in text
    assert all(f"&nbsp;{rule_id}" in text for rule_id in RULES)
    assert "✗&nbsp;CNT-RECORD-ID" in text


def test_a_right_client_is_told_without(wrong: Check) -> None:
    """No failure; nor what is known to fail."""
    assert "###" not in told(checked(ReferenceClient))
    known = KnownFailing(tuple(replace(DOUBLED, rule_id=rule.id) for rule in wrong.broken("info")))
    text = "\n".join(markdown("mine", "mine:Mine", replace(PLAN, known=known), wrong, {}))
    assert "###" not in text
    assert "≈&nbsp;CNT-RECORD-ID" in text


def test_a_name_is_text() -> None:
    """Neither markup, nor HTML, nor a mention, nor more than one line."""
    first = told(checked(ReferenceClient), "<b>*x*</b> `y` @octocat\n# z").splitlines()[0]
    assert first == r"## parking-mock: \<b\>\*x\*\</b\> \`y\` @&#8203;octocat \# z"


def test_a_story_cannot_end_its_fence(wrong: Check) -> None:
    """The fence is longer than any run of backticks in it."""
    rule = RULES["CNT-RECORD-ID"]
    (failure,) = wrong.failures(rule)
    spoilt = replace(failure, breaches=(failure.breaches[0]._replace(message="a ```` b"),))
    (case,) = wrong.cases
    case = replace(case, by_rule={rule.id: replace(case.by_rule[rule.id], failure=spoilt)})
    lines = told(Check((rule,), (case,))).splitlines()
    assert lines.count("`````") == lines.count("`````text") == 1


def test_broken_rules_are_marked(wrong: Check) -> None:
    """Must-rules as errors, should-rules as warnings, what is known not at all; a message is one line."""
    lines = list(annotations(replace(PLAN, known=KnownFailing((DOUBLED,))), wrong))
    assert any(each.startswith("::error title=CNT-TRUTH::count/copies: ") for each in lines)
    assert not any("CNT-RECORD-ID" in each for each in lines)
    assert all("\n" not in each for each in lines)
    should = replace(RULES["CNT-TRUTH"], level="should")
    assert next(annotations(PLAN, Check((should,), wrong.cases))).startswith("::warning title=CNT-TRUTH::")


@pytest.mark.slow
@pytest.mark.usefixtures("few_shrinks")
def test_the_command_prints_markdown_on_request(tmp_path: Path) -> None:
    """The same goes to the summary of a job, behind what is there, whatever is printed."""
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    words = ("check", "--client", DELIVERIES, *SMALL, "--format", "markdown")
    done = run_here(*words, GITHUB_STEP_SUMMARY=str(page), GITHUB_ACTIONS="true")
    assert done.returncode == 1
    summary = page.read_text(encoding="utf-8")
    assert summary.startswith("before\n## parking-mock: ")
    assert summary.removeprefix("before\n") in done.stdout
    assert "::error title=CNT-RECORD-ID::" in done.stdout


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    """The verdict is what counts."""
    options = ("--rule", "FORM-TYPES", "--case", "count/copies", "--examples", "1", "--jobs", "1")
    done = run_here("check", "--client", DELIVERIES, *options, GITHUB_STEP_SUMMARY=str(tmp_path))
    assert done.returncode == 0
    assert done.stderr == f"Warning: cannot append to {tmp_path} (GITHUB_STEP_SUMMARY): Is a directory\n"
