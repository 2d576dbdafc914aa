"""Tests of editions: what decides over a client, what does not, and that a released one never changes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.cases import CASES, VARIANTS
from contracts.check.edition import EDITIONS, FOLDER, Edition, EditionError, find_edition
from contracts.check.engine import Plan, check
from contracts.check.known_failing import KnownFailing
from contracts.check.results import Check
from contracts.clients.zoo import ZOO
from contracts.report.summary import LATER, counted_as
from contracts.rules import RULES
from contracts.rules.verdict import Verdict
from tests.command_line import run_here
from tests.contracts.commands.test_commands import DELIVERIES, SMALL
from tests.make_edition import edition_text

RELEASED = {"2026.1": "f77c51506ad22c0523f0b3ef8b155d2a806336a4c2aae0d0632b74c1f9276eda"}
"""The SHA-256 of each file."""

REPORTS = sorted((Path(__file__).parents[3] / "fixtures" / "reports").glob("*.json"))

OWN = Edition("own", {"CNT-TRUTH": "should"}, frozenset({"count/copies"}), 7, 2)


@pytest.fixture(scope="module")
def wrong() -> Check:
    """A client that counts deliveries, in one case."""
    plan = Plan(case_ids=("count/copies",), examples=8, seed=3, shrink=False, known=KnownFailing(edition=OWN))
    return check(ZOO["CountsDeliveries"].client, plan)


@pytest.mark.parametrize("name", EDITIONS)
def test_a_released_edition_never_changes(name: str) -> None:
    """Not a letter of its file: what users have pinned decides as it did."""
    assert hashlib.sha256((FOLDER / f"{name}.toml").read_bytes()).hexdigest() == RELEASED[name]


@pytest.mark.parametrize("name", EDITIONS)
def test_what_an_edition_names_is_there(name: str) -> None:
    """Each rule with a level, and each case, in every later version; the numbers of examples are positive."""
    edition = find_edition(name)
    assert edition.name == name
    assert edition.levels.keys() <= RULES.keys()
    assert edition.cases <= CASES.keys()
    assert min(edition.examples, edition.examples_elsewhere) > 0


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", EDITIONS)
def test_a_stored_report_keeps_its_exit_code(name: str, report: Path) -> None:
    """Of ten reports of an earlier version, the names of which begin with their codes: what decided then decides."""
    assert len(REPORTS) == 10
    edition = find_edition(name)
    broken = [
        each["rule"]
        for each in json.loads(report.read_bytes())["rules"]
        for failure in each["failures"]
        if edition.decides(each["rule"], failure["case"]) and edition.held(RULES[each["rule"]]).level == "must"
    ]
    assert int(report.name[0]) == bool(broken)


def test_what_came_later_decides_nothing() -> None:
    """Neither a later rule nor a later case; a variant is of its case, and an observed session of no case."""
    assert OWN.decides("CNT-TRUTH", "count/copies")
    assert not OWN.decides("CNT-RECORD-ID", "count/copies")
    assert not OWN.decides("CNT-TRUTH", "count/lines")
    assert OWN.decides("CNT-TRUTH", "observe/1")
    edition = replace(OWN, cases=frozenset({"receive/damage"}))
    variants = [each for each in VARIANTS if each.startswith("receive/damage/")]
    assert variants
    assert all(edition.decides("CNT-TRUTH", each) for each in variants)


def test_an_edition_has_its_own_levels(wrong: Check) -> None:
    """A must-rule that an edition has as a should-rule is non-strict, and what is no part of it is told as added."""
    known = KnownFailing(edition=OWN)
    rules = {rule.id: rule for rule in wrong.rules}
    assert wrong.verdict(rules["CNT-TRUTH"]) is Verdict.NON_STRICT
    assert {each.level for each in wrong.failures(rules["CNT-TRUTH"])} == {"should"}
    assert wrong.failures(rules["CNT-RECORD-ID"])
    assert counted_as(rules["CNT-RECORD-ID"], wrong, known) == LATER
    assert not wrong.broken("must", known)
    assert [rule.id for rule in wrong.broken("should", known)] == ["CNT-TRUTH"]


def test_strict_holds_should_rules_as_must_rules() -> None:
    """Those for information stay so; an edition says first which are should-rules."""
    levels = {rule.id: rule.level for rule in Plan(is_strict=True).rules}
    assert all(levels[rule.id] == ("info" if rule.level == "info" else "must") for rule in RULES.values())
    assert Plan(("CNT-TRUTH",), known=KnownFailing(edition=OWN), is_strict=True).rules[0].level == "must"


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    """An edition in a file: this version's rules without two, which CountsDeliveries breaks."""
    lines = edition_text("own").splitlines(keepends=True)
    path = tmp_path / "own.toml"
    path.write_text("".join(each for each in lines if not each.startswith(("CNT-RECORD-ID", "CNT-NOT-MSG-ID"))))
    return path


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_the_command_tells_what_was_added(own_file: Path, tmp_path: Path) -> None:
    """Each rule with its first failure; the report says which edition decided, and which failures did not."""
    folder = tmp_path / "report"
    done = run_here("check", "--client", DELIVERIES, *SMALL, "--rules", str(own_file), "--report", str(folder))
    assert done.returncode == 1, "CNT-TRUTH is broken"
    assert "seed 0, edition own" in done.stdout
    assert "  added since own: CNT-RECORD-ID in count/copies: " in done.stdout
    assert "FAIL  CNT-RECORD-ID" not in done.stdout
    report = json.loads((folder / "report.json").read_bytes())
    assert report["edition"] == "own"
    decides = {each["rule"]: failure["decides"] for each in report["rules"] for failure in each["failures"]}
    assert (decides["CNT-TRUTH"], decides["CNT-RECORD-ID"]) == (True, False)
    assert 'skipped message="added since: edition own"' in (folder / "junit.xml").read_text()
    options = ("--rule", "CNT-RECORD-ID", "--case", "count/copies", "--examples", "2", "--jobs", "1")
    assert run_here("check", "--client", DELIVERIES, *options, "--rules", str(own_file)).returncode == 0


def test_strict_makes_a_should_rule_fail() -> None:
    """On the console, and in the exit code."""
    client = ZOO["KeepsItsSpelling"].client
    options = ("--client", f"{client.__module__}:{client.__name__}", "--rule", "FORM-CASE-ADAPTS", "--jobs", "1")
    done = run_here("check", *options, "--examples", "5")
    assert (done.returncode, "NON-STRICT  FORM-CASE-ADAPTS (should)" in done.stdout) == (0, True)
    done = run_here("check", *options, "--examples", "5", "--strict")
    assert (done.returncode, "FAIL  FORM-CASE-ADAPTS (must)" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no edition '.*' and no such file; there are: 2026.1"),
        ("name = ", "Invalid value"),
        ("\xff", "codec can't decode"),
        ("cases = []", "examples: must be an object, not null"),
        ('CNT-TRUTH = "may"', "levels.CNT-TRUTH: must be one of must, should, info"),
        ('CNT-TRUHT = "must"', "levels: there is no rule 'CNT-TRUHT'; did you mean CNT-TRUTH"),
        ("", "cases: there is no case 'count/nothing'"),
        ("elsewhere = 0", "examples.elsewhere: must be 1 or more"),
    ],
)
def test_what_is_no_edition_is_said_in_words(text: str | None, words: str, tmp_path: Path) -> None:
    """Before a check begins, with exit code 2; and what there is instead."""
    path = tmp_path / "own.toml"
    if text is not None:
        path.write_bytes(_file_with(text).encode("latin-1"))
    with pytest.raises(EditionError, match=words):
        find_edition(str(path))
    done = run_here("check", "--client", DELIVERIES, "--rules", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")


def _file_with(line: str) -> str:
    """An edition's file with a wrong line, or a case that there is not; as it is if the line is to stand alone."""
    if line in ("name = ", "\xff", "cases = []"):
        return line
    elsewhere = line if line.startswith("elsewhere") else "elsewhere = 1"
    level = line if line.startswith("CNT") else ""
    case = '"count/copies"' if line else '"count/nothing"'
    return f'name = "own"\ncases = [{case}]\n[examples]\nin_process = 1\n{elsewhere}\n[levels]\n{level}\n'
