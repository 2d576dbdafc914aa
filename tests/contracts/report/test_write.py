"""What a report writes to its folder, and how much at most."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.cases import CASES
from contracts.check.engine import Plan
from contracts.check.failure_file import BREACHES_WRITTEN
from contracts.check.known_failing import Known, KnownFailing
from contracts.check.results import CaseResult, Check, RuleResult
from contracts.clients.zoo.counting import CountsOneMore
from contracts.report.write import MOST_FILES, Written, write_report
from contracts.rules import RULES
from tests.contracts.report.support import PLAN, checked


def broken_everywhere(rule_id: str) -> Check:
    """A check in which one rule was broken in a dozen cases, a thousand times in each, in ever longer histories."""
    (failure,) = checked(CountsOneMore, rule_ids=("CNT-TRUTH",)).failures(RULES["CNT-TRUTH"])
    results = []
    for number, case_id in enumerate(list(CASES)[:12], 1):
        steps = failure.scenario.steps * number
        scenario, breaches = replace(failure.scenario, steps=steps), failure.breaches[:1] * 1000
        broken = replace(failure, rule_id=rule_id, case=case_id, scenario=scenario, breaches=breaches)
        results.append(CaseResult(case_id, 1, {rule_id: RuleResult(1, 1, broken)}))
    return Check((RULES[rule_id],), tuple(results))


def written(folder: Path, rule_id: str, plan: Plan = PLAN) -> Written:
    """The files of its failures."""
    return write_report(folder, "mine:Mine", plan, broken_everywhere(rule_id), "acme-node 1.0")


@pytest.mark.parametrize("rule_id", ["CNT-TRUTH", "WIN-BOUNDARY-SAFE"])
def test_a_rule_that_is_broken_in_every_case_fills_no_disk(rule_id: str, tmp_path: Path) -> None:
    """The smallest failures have files; all are in `report.json` and on the page, with a command that repeats them."""
    paths = written(tmp_path, rule_id)
    most = MOST_FILES[RULES[rule_id].level]
    assert [case for _, case in paths] == list(CASES)[:most]
    assert sorted(paths.values()) == sorted((tmp_path / "failures").iterdir())
    data = json.loads(paths[rule_id, next(iter(CASES))].read_text("utf-8"))
    assert (len(data["breaches"]), data["agent"]) == (BREACHES_WRITTEN, "acme-node 1.0")
    (rule,) = json.loads((tmp_path / "report.json").read_text("utf-8"))["rules"]
    assert [each["history"] is not None for each in rule["failures"]] == [True] * most + [False] * (12 - most)
    assert all(each["repeat"].startswith("parking-mock replay ") for each in rule["failures"][:most])
    assert f"--rule {rule_id} --case {list(CASES)[11]} --seed 0" in rule["failures"][11]["repeat"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert f"parking-mock check --client mine:Mine --rule {rule_id} --case {list(CASES)[11]} --seed 0" in page


def test_files_of_failures_that_have_none_any_more_go(tmp_path: Path) -> None:
    """Else a folder would have more and more of them."""
    stale = tmp_path / "failures" / f"WIN-BOUNDARY-SAFE--{list(CASES)[11].replace('/', '-')}.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    written(tmp_path, "WIN-BOUNDARY-SAFE")
    assert not stale.exists()


def test_new_failures_have_files_before_known_ones(tmp_path: Path) -> None:
    """But for the smallest, which the page tells."""
    known = tuple(Known("WIN-BOUNDARY-SAFE", case, "a release is due", 1) for case in list(CASES)[:11])
    paths = written(tmp_path, "WIN-BOUNDARY-SAFE", Plan(known=KnownFailing(known, "known.txt")))
    assert [case for _, case in paths] == [next(iter(CASES)), list(CASES)[11]]
