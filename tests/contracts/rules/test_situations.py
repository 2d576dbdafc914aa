"""Tests of why a rule was not exercised: what would have had to happen, and what happened nearest to it."""

from collections.abc import Iterator

import pytest

from contracts.check.engine import Plan, check
from contracts.check.results import SESSION, CaseResult, Check
from contracts.clients.correct import BeginsWithItsHour
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import BEGIN, ClockJumps, Crashes, Happens, Scenario, Step, Strikes
from contracts.report.summary import REASONS_SHOWN, summary
from contracts.rules import RULES
from contracts.rules.situations import SITUATIONS, missed
from contracts.rules.verdict import Verdict, judge
from contracts.run.run import Run, run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE


class AsksNothing(ReferenceClient):
    """Plans no window."""

    def cells_of(self, *_: object) -> Iterator[tuple[str, int, int, int, int, int]]:
        """None."""
        return iter(())


@pytest.fixture(scope="module", name="short")
def short_run() -> Run:
    """A run too short for most rules."""
    return run_of(Scenario((Happens(BEGIN + MINUTE, "r1"),), runs_ms=10 * MINUTE, settles=False), ReferenceClient)


def text_of(rule_id: str, *steps: Step, client: type[ReferenceClient] = ReferenceClient, hours: int = 6) -> str:
    """Why a client's run did not exercise a rule."""
    run = run_of(Scenario(steps, runs_ms=hours * HOUR, settles=False), client)
    assert not RULES[rule_id].check(run).exercised
    return missed(RULES[rule_id], run).text


def test_every_rule_says_what_was_missing(short: Run) -> None:
    """In one sentence; what has happened is told with its time."""
    outcomes = judge(short, RULES.values())
    texts = {rule_id: missed(RULES[rule_id], short).text for rule_id, found in outcomes.items() if not found.exercised}
    assert len(texts) > len(RULES) // 3
    assert all(text.startswith("there was no") for text in texts.values())
    assert set(SITUATIONS) <= set(RULES)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((Strikes(BEGIN, FaultKind.ANSWER_BUSY, 1110, times=9999),), "a call got the code 1110"),
        ((Strikes(BEGIN, FaultKind.ANSWER_REFUSE, 1106, times=99),), "a call was refused with 1106"),
        ((ClockJumps(BEGIN + HOUR, -10 * MINUTE),), "its clock jumped, 2026-03-02 09:00:00Z"),
        ((Crashes(BEGIN + 5 * HOUR, 3 * HOUR),), "it was started only 2026-03-02 16:00:00Z"),
        ((Crashes(BEGIN + HOUR, 900 * HOUR),), "it was down from 2026-03-02 09:00:00Z on"),
    ],
    ids=["busy", "for good", "clock", "started late", "down"],
)
def test_gaps_that_nobody_can_be_blamed_for_name_what_excuses_them(steps: tuple[Step, ...], why: str) -> None:
    """The refusal, the clock or the downtime after which a client is not held to ask, with its time."""
    text = text_of("WIN-NO-GAP", *steps)
    assert "there was no end of 4 hours in which nothing kept the client from asking" in text
    assert why in text


def test_a_failure_that_was_never_in_a_window_with_records_says_so() -> None:
    """The nearest is the failure itself, with its time and how often it was."""
    text = text_of(
        "ERR-KEEP",
        Happens(BEGIN + MINUTE, "r1", event=BEGIN - 30 * MINUTE, copies=0),
        Strikes(BEGIN, FaultKind.ANSWER_ERROR, times=2),
        client=BeginsWithItsHour,
    )
    assert "there was no sync that failed for a while about a window in which the lot has a record" in text
    assert "nearest: sync that failed for a while (2 times, last 2026-03-02 09:0" in text


def test_a_check_tells_the_nearest_reason_of_all_runs_with_its_case() -> None:
    """A rule without a played case says which cases are made for it; one that holds has no reason."""
    rules = ("WIN-NO-GAP", "WIN-BOUNDARY-SAFE", "SEC-TLS", "CNT-TRUTH")
    found = check(AsksNothing, Plan(rules, ("windows/one-way",), examples=1, shrink=False))
    told = {rule.id: found.reason(rule) for rule in found.rules}
    assert told == {
        "WIN-NO-GAP": "there was no call of the cloud, in windows/one-way",
        "WIN-BOUNDARY-SAFE": "there was no call of the cloud, in windows/one-way",
        "SEC-TLS": "this rule needs a process of its own, which the client lacks",
        "CNT-TRUTH": "the cases made for it are count/copies and count/page: none of them was played",
    }
    lines = list(summary(found))
    assert any("WIN-NO-GAP was not exercised: there was no call of the cloud" in line for line in lines)
    assert not any("CNT-TRUTH was not" in line for line in lines)
    held = check(ReferenceClient, Plan(("WIN-POSITIVE",), ("windows/one-way",), examples=1, shrink=False))
    assert [held.reason(rule) for rule in held.rules] == [""]


def test_the_console_tells_few_reasons_and_an_observed_session_has_them_too(short: Run) -> None:
    """As many as `REASONS_SHOWN`; the rest is in the report."""
    result = CaseResult(f"{SESSION}plain")
    result.watch(short.scenario, short, judge(short, RULES.values()))
    found = Check(tuple(RULES.values()), (result,))
    lines = [line for line in summary(found) if "was not exercised:" in line]
    assert len(lines) == REASONS_SHOWN
    assert all(found.reason(rule) for rule in found.rules if found.verdict(rule) is not Verdict.PASS)
