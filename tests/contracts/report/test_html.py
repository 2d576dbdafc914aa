"""Tests of `index.html` as text; tests/browser/test_report.py opens it."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from contracts.check.engine import Plan
from contracts.check.known_failing import Known, KnownFailing
from contracts.check.results import CaseResult, Check, Failure
from contracts.client.interface import Client
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore, CountsOnePage
from contracts.play.recording import LogLine
from contracts.play.scenario import Happens, Scenario
from contracts.report.html import ROWS_SHOWN
from contracts.report.write import write_report
from contracts.rules import RULES
from tests.contracts.report.support import AT, LOST, PLAN, checked

AGENT = "an agent"
SMALL = 150_000
"""No page about one history has more signs than this."""


def written(folder: Path, found: Check, agent: str = AGENT, plan: Plan = PLAN) -> str:
    """The page."""
    write_report(folder, agent, plan, found)
    return (folder / "index.html").read_text(encoding="utf-8")


def words(page: str) -> str:
    """What is to be read on a page."""
    body = page[page.index("<body>") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    """No script, no address but those of its own folder: it opens from disk and without a network."""
    page = written(tmp_path, checked(CountsDeliveries))
    assert "<script" not in page
    assert "default-src 'none'" in page
    links = re.findall(r'(?:href|src)="([^"#][^"]*)"', page)
    assert {link for link in links if not link.startswith(("data:", "failures/"))} == set()
    assert all((tmp_path / link).exists() for link in links if link.startswith("failures/"))
    assert "url(" not in page
    assert "@import" not in page


def test_every_rule_has_its_verdict_text_reason_and_source(tmp_path: Path) -> None:
    """And a place in the row of its group."""
    text = words(written(tmp_path, checked(CountsDeliveries)))
    for rule in RULES.values():
        assert text.count(rule.id) >= 2
        assert " ".join(rule.statement.split()) in text
        assert " ".join(rule.why.split()) in text


def test_a_failure_is_told_whole(tmp_path: Path) -> None:
    """Verdict, sum, wrong counters, timeline, records, request, replay, rule, reason, source."""
    text = words(written(tmp_path, checked(CountsDeliveries)))
    rule = RULES["CNT-RECORD-ID"]
    for part in (
        "FAIL CNT-RECORD-ID (must)",
        "Claimed 3. Right was 2 (r1, r2).",
        "3 = 2 records + 1 too many (delivered: r1 2 x)",
        "counts every delivery",
        "Remedy: count distinct record ids",
        "Timeline of the shortest history found (2 records, 1 fault or other event)",
        "2 lost",
        "curl -X POST",
        "sign: ***",
        f"parking-mock replay {tmp_path}/failures/",
        rule.statement,
        f"Why: {rule.why} ({rule.source})",
    ):
        assert part in text


def test_every_link_inside_of_the_page_leads_somewhere(tmp_path: Path) -> None:
    """A rule in the matrix leads to its failure, or to its text."""
    page = written(tmp_path, checked(CountsDeliveries))
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert 'href="#failure-1"' in page
    assert 'href="#rule-CNT-PAGING"' in page


def test_the_client_is_beside_what_wrong_counters_would_have_claimed(tmp_path: Path) -> None:
    """Every known one, with the counts of some claims and what speaks against it."""
    text = words(written(tmp_path, checked(CountsDeliveries)))
    table = text[text.index("What each known wrong counter would have claimed") :]
    assert "right 2 2" in table
    assert re.search(r"this client 3 5 .*counts every delivery 3 5 [\d ]+explains all", table)
    assert re.search(r"counts by the time of arrival .* it would have claimed 0 passes, enter, not 1", table)


def test_a_check_without_failures_says_so(tmp_path: Path) -> None:
    """Nothing is invented."""
    page = written(tmp_path, checked(ReferenceClient))
    assert "No rule was broken." in words(page)
    assert "<svg" not in page


def test_a_check_of_nothing_is_a_page(tmp_path: Path) -> None:
    """No rule, no case, no run."""
    assert "0 runs" in words(written(tmp_path, Check((), ())))


def test_text_of_a_client_is_no_markup(tmp_path: Path) -> None:
    """Its name, its last words, its messages: nothing of it is HTML, and nothing that HTML cannot hold is left."""
    evil = "<script>alert(1)</script>'\"&\x00\x1b\ud800"
    found = checked(CountsOneMore)
    (case,) = found.cases
    case.deaths = (evil,)
    failure = case.by_rule["CNT-TRUTH"].failure
    assert failure is not None
    case.by_rule["CNT-TRUTH"].failure = replace(failure, breaches=(failure.breaches[0]._replace(message=evil),))
    page = written(tmp_path, found, agent=evil)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]", page)
    assert "alert(1)" in (tmp_path / "report.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_thousand_records_are_folded(tmp_path: Path) -> None:
    """The page stays small: what is not well is shown first, the rest is counted."""
    scenario = Scenario((Happens(AT, "r1", many=1001),), runs_ms=LOST.runs_ms, settles=False)
    page = written(tmp_path, checked(CountsOnePage, scenario, ("CNT-PAGING",)))
    assert "1001 ok" in words(page)
    assert f"{ROWS_SHOWN} of 1001, those that are not well first" in words(page)
    assert len(page) < SMALL
    assert (tmp_path / "failures" / "CNT-PAGING--count-copies.json").stat().st_size > SMALL


def test_failures_in_other_cases_are_listed(tmp_path: Path) -> None:
    """The smallest of a rule is told whole, of the others what broke and how to repeat it."""
    found = checked(CountsOneMore)
    (case,) = found.cases
    failure = case.by_rule["CNT-TRUTH"].failure
    assert failure is not None
    larger = replace(failure.scenario, steps=(*failure.scenario.steps, *failure.scenario.steps))
    other = CaseResult("count/plates")
    other.by_rule["CNT-TRUTH"] = replace(case.by_rule["CNT-TRUTH"])
    other.by_rule["CNT-TRUTH"].failure = Failure("CNT-TRUTH", other.case, larger, failure.run, failure.breaches)
    text = words(written(tmp_path, Check(found.rules, (case, other))))
    assert "CNT-TRUTH was broken in 1 other case" in text
    assert f"parking-mock replay {tmp_path}/failures/CNT-TRUTH--count-plates.json" in text


@pytest.mark.parametrize(("last", "change"), [(ReferenceClient, "new"), (CountsOneMore, "still")])
def test_a_broken_rule_is_compared_with_the_last_run(last: type[Client], change: str, tmp_path: Path) -> None:
    """In the list of changes, in the matrix, and where it is told."""
    written(tmp_path, checked(last), "the last one")
    text = words(written(tmp_path, checked(CountsOneMore)))
    assert "The last run in this folder judged the last one" in text
    assert f"{change} : CNT-TRUTH" in text
    assert f"CNT-TRUTH {change}" in text
    assert f"FAIL CNT-TRUTH (must) {change}" in text


def test_a_last_report_that_is_none_is_said(tmp_path: Path) -> None:
    """In the place of a comparison."""
    (tmp_path / "report.json").write_text("no report", encoding="utf-8")
    assert "the last report cannot be read" in words(written(tmp_path, checked(CountsOneMore)))


def test_the_only_candidate_left_is_named(tmp_path: Path) -> None:
    """Where one run leaves several wrong counters, what all runs leave is said, and stands in the report."""
    found = checked(CountsDeliveries)
    (case,) = found.cases
    assert "only candidate left" not in words(written(tmp_path, found))
    case.narrowing = replace(case.narrowing, runs=7, left=("counts every delivery",))
    text = words(written(tmp_path, found))
    assert "and of all 7 runs with a wrong claim? counts every delivery \u2190 only candidate left" in text
    assert '"diagnosis": [\n      "counts every delivery"\n     ]' in (tmp_path / "report.json").read_text("utf-8")


def test_the_same_check_makes_the_same_page(tmp_path: Path) -> None:
    """Nothing in it tells when or where it was made but the replay command's path."""
    pages = [written(tmp_path / name, checked(CountsDeliveries)) for name in ("a", "b")]
    assert pages[0].replace(f"{tmp_path}/a", "") == pages[1].replace(f"{tmp_path}/b", "")


def test_what_is_known_to_fail_is_said(tmp_path: Path) -> None:
    """Beside its verdict, with the reason."""
    known = Plan(known=KnownFailing((Known("CNT-TRUTH", "*", "a release is due", 3),), "known.txt"))
    told = words(written(tmp_path, checked(CountsOneMore), plan=known))
    assert "Known to fail: CNT-TRUTH: a release is due" in told


def test_what_the_client_wrote_is_beside_a_failure(tmp_path: Path) -> None:
    """Folded, with the time at which it was read; of a client that wrote nothing there is no such part."""
    found = checked(CountsDeliveries, rule_ids=("CNT-RECORD-ID",))
    assert "standard error" not in words(written(tmp_path, found))
    result = found.cases[0].by_rule["CNT-RECORD-ID"]
    assert result.failure is not None
    run = replace(result.failure.run, log=(LogLine(result.failure.run.entries[0].time, "counting <b>"),))
    result.failure = replace(result.failure, run=run)
    told = words(written(tmp_path, found))
    assert "wrote to its standard error, the newest 1 line 08:00:00 counting <b>" in told


def test_known_failures_are_counted_apart(tmp_path: Path) -> None:
    """In the head of the page, beside the rule and in the summary of `report.json`, as on the console."""
    found = checked(CountsOneMore, rule_ids=("CNT-TRUTH", "FORM-TYPES"))
    known = Plan(known=KnownFailing((Known("CNT-TRUTH", "*", "a release is due", 3),), "known.txt"))
    told = words(written(tmp_path, found, plan=known))
    assert "\u2713 1 pass \u2248 1 known to fail" in told
    assert "\u2248 known to fail CNT-TRUTH" in told
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["summary"] == {"pass": 1, "known to fail": 1}


def test_a_run_that_was_broken_off_says_so(tmp_path: Path) -> None:
    """What it has not seen is no verdict."""
    found = replace(checked(ReferenceClient), interrupted=True)
    assert "Interrupted : the run is not finished" in words(written(tmp_path, found))
