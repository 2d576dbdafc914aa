"""Tests of answers that come soon: first findings, ends at the first failure, small failures, quick checks."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from contracts.cases import CASES
from contracts.check import engine
from contracts.check.engine import CheckProgress, Found, Plan, check, check_in_parallel
from contracts.check.known_failing import Known, KnownFailing
from contracts.check.quick import QUICK, likely_first, quick_cases
from contracts.check.results import Check
from contracts.check.shrinking import Shrink, worth_shrinking
from contracts.client.interface import Client, ProcessProblem
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.commands.check import check as check_command
from contracts.commands.check import estimate
from contracts.commands.findings import Findings
from contracts.play.recording import Finding
from contracts.rules import RULES
from contracts.run.run import Run

CASE_IDS = ("receive/news", "count/copies", "count/reported-again")
COUNTING = ("CNT-TRUTH", "CNT-RECORD-ID", "CNT-NOT-MSG-ID")


def checked(client: type[Client], **settings: object) -> tuple[Check, list[Found]]:
    """A small check, and what it found on its way."""
    told: list[Found] = []
    plan: dict[str, object] = {"rule_ids": COUNTING, "case_ids": CASE_IDS, "examples": 3, **settings}
    return check(client, Plan(**plan), CheckProgress(on_found=told.append)), told  # type: ignore[arg-type]  # settings of a test


@pytest.fixture(scope="module")
def found() -> Check:
    """A check that found failures in several cases, none of which was made small."""
    return checked(CountsDeliveries, shrink=False)[0]


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_each_broken_rule_is_made_small_once(found: Check) -> None:
    """Not again in each case, which takes most of a check's time; the verdicts are the same."""
    small, _ = checked(CountsDeliveries)
    assert [small.verdict(rule) for rule in small.rules] == [found.verdict(rule) for rule in found.rules]
    longer = [each.case for each, before in zip(small.cases, found.cases, strict=True) if each.runs > before.runs]
    assert len(longer) == 1 < len([each for each in found.cases if each.by_rule["CNT-TRUTH"].failure])
    (first, *_) = small.failures(RULES["CNT-RECORD-ID"])
    assert first.case in longer
    assert first.scenario.size <= found.failures(RULES["CNT-RECORD-ID"])[0].scenario.size


def test_rules_that_one_run_breaks_are_made_small_together(found: Check) -> None:
    """Those that are known to fail are not: nobody reads their story."""
    (shrink,) = worth_shrinking(found, KnownFailing(), 10)
    assert isinstance(shrink, Shrink)
    assert shrink.rule_id == "CNT-TRUTH"
    assert "CNT-TRUTH" in CASES[shrink.case].aims
    known = KnownFailing(lines=tuple(Known(rule_id, "*", "why", 1) for rule_id in COUNTING))
    assert worth_shrinking(found, known, 10) == []
    assert worth_shrinking(found, KnownFailing(), 0) == []


def test_the_failure_of_a_client_that_hangs_is_not_made_small(found: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further run would wait as long again."""
    monkeypatch.setattr(Run, "findings_of", lambda *_: [Finding(ProcessProblem.HUNG, 1, "no answer")])
    assert worth_shrinking(found, KnownFailing(), 10) == []


@pytest.mark.usefixtures("few_shrinks")
def test_a_check_can_end_at_its_first_failure() -> None:
    """In the run that shows it, which is made small all the same; what was not played fails nothing."""
    found, told = checked(CountsDeliveries, fail_fast="must", shrunk=1)
    assert (found.stopped, found.interrupted, found.harness_failure) == (True, False, None)
    assert [case.case for case in found.cases] == ["receive/news", "count/copies"]
    assert {each.case for each in told} == {"count/copies"}
    assert found.broken()
    assert not checked(ReferenceClient, fail_fast="must", case_ids=("count/copies",))[0].stopped


def test_reports_tell_cases_in_the_order_of_the_catalogue(found: Check) -> None:
    """Whichever was played first: of two failures of one size the told one is the same."""
    backwards = replace(found, cases=tuple(reversed(found.cases)))
    assert backwards.in_order(tuple(CASES)).cases == found.in_order(tuple(CASES)).cases
    assert [each.case for each in found.in_order(CASE_IDS[1:]).cases] == [*CASE_IDS[1:], CASE_IDS[0]]


def test_a_known_failure_ends_no_check() -> None:
    """Nor does one below the level that must hold."""
    known = KnownFailing(lines=tuple(Known(rule_id, "*", "why", 1) for rule_id in COUNTING))
    assert not checked(CountsDeliveries, fail_fast="info", known=known, shrink=False)[0].stopped


@pytest.mark.slow
def test_the_workers_of_a_check_end_at_the_first_failure_too() -> None:
    """What they find is told at once, before its case is played to the end."""
    told: list[Found] = []
    client = f"{CountsDeliveries.__module__}:{CountsDeliveries.__name__}"
    plan = Plan(COUNTING, ("count/copies", "count/late"), 50, fail_fast="must")
    found = check_in_parallel(client, plan, 2, CheckProgress(on_found=told.append))
    assert found.stopped
    assert {"CNT-TRUTH", "CNT-RECORD-ID"} <= {each.rule_id for each in told}
    assert found.broken()


def test_a_single_case_waits_for_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is played where it was asked for, however many processes it may have."""
    monkeypatch.setattr(engine, "worker_pool", None)
    client = f"{ReferenceClient.__module__}:{ReferenceClient.__name__}"
    assert check_in_parallel(client, Plan(COUNTING, ("count/copies",), 1), 2).runs == 1


def test_the_first_finding_of_each_rule_is_told() -> None:
    """Once, in one line; neither what is known to fail nor what is for information only."""
    lines: list[str] = []
    say = Findings(lines.append, Plan(known=KnownFailing(lines=(Known("CNT-TRUTH", "*", "why", 1),))))
    info = next(rule.id for rule in RULES.values() if rule.level == "info")
    for rule_id in ("CNT-TRUTH", "CNT-RECORD-ID", "CNT-RECORD-ID", "WIN-GRACE", info):
        say(Found(rule_id, "count/copies", "a \x1b[2Jword"))
    assert lines == [
        "  FAIL        CNT-RECORD-ID in count/copies: a \ufffd[2Jword",
        "  NON-STRICT  WIN-GRACE in count/copies: a \ufffd[2Jword",
    ]


def test_a_quick_check_plays_one_scenario_of_the_cases_that_find_most() -> None:
    """It says what it has left out; a selection in which it has no case is played as it is."""
    assert set(QUICK) < set(CASES)
    assert len(set(QUICK)) == len(QUICK)
    assert quick_cases(("count/page", "count/copies", "count/lines")) == ("count/lines", "count/copies")
    assert quick_cases(("count/page",)) == ("count/page",)
    assert likely_first(("count/page", "count/copies", "count/lines")) == ("count/lines", "count/copies", "count/page")
    client = f"{ReferenceClient.__module__}:{ReferenceClient.__name__}"
    done = CliRunner().invoke(check_command, ["--client", client, "--quick", "--case", "count/*", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "5 cases of 1 example, seed 0" in done.output
    assert "QUICK: 7 cases left out, 1 scenario of each other; " in done.output


def test_a_long_check_says_before_it_begins_how_long_it_takes() -> None:
    """From how long the client takes to start; a short one says nothing."""
    plan = Plan(case_ids=tuple(CASES), examples=5)
    (line,) = estimate(plan, 1, 1.0, is_quick=False)
    assert (
        line == f"{5 * len(CASES)} scenarios: about 7 minutes, more if much fails; --quick gives a first answer sooner"
    )
    assert not list(estimate(Plan(case_ids=("count/copies",), examples=5), 1, 1.0, is_quick=False))
