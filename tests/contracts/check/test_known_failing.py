"""Tests of files of known failures: how they are read, and what they do to a check."""

import re
from pathlib import Path

import pytest

from contracts.check.engine import Plan, check
from contracts.check.known_failing import Known, KnownFailing, KnownFailingError, read_known_failing
from contracts.check.results import Check
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.rules import RULES
from tests.command_line import run_here
from tests.contracts.commands.test_commands import DELIVERIES, REFERENCE, SMALL


def file_of(folder: Path, text: str) -> Path:
    """A file of known failures."""
    path = folder / "known.txt"
    path.write_bytes(text.encode())
    return path


def known(*lines: tuple[str, str]) -> KnownFailing:
    """Lines of rule ids and case globs."""
    return KnownFailing(tuple(Known(*line, "why", number) for number, line in enumerate(lines, 1)))


@pytest.fixture(scope="module")
def wrong() -> Check:
    """A client that counts deliveries, in one case."""
    return check(ZOO["CountsDeliveries"].client, Plan(case_ids=("count/copies",), examples=8, seed=3, shrink=False))


def test_a_line_has_a_rule_perhaps_cases_and_a_reason(tmp_path: Path) -> None:
    """Comments and empty lines say nothing; a byte order mark and the line ends of other systems are no matter."""
    text = "\ufeff# mine\r\n\r\nCNT-TRUTH  # until May # or June\r\n  CNT-FRESH count/* # old\r\n"
    read = read_known_failing(file_of(tmp_path, text))
    assert read.lines == (
        Known("CNT-TRUTH", "*", "until May # or June", 3),
        Known("CNT-FRESH", "count/*", "old", 4),
    )
    assert read.covers("CNT-FRESH", "count/copies")
    assert not read.covers("CNT-FRESH", "form/lanes")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CNT-PAGNG # typo", "there is no rule 'CNT-PAGNG'; did you mean CNT-PAGING"),
        ("cnt-paging # case", "did you mean CNT-PAGING"),
        ("CNT-PAGING", "a reason is missing"),
        ("CNT-PAGING #  ", "a reason is missing"),
        ("CNT-PAGING a/* b/* # two", "one glob"),
        ("CNT-PAGING nothing/* # none", "no case matches nothing"),
        ("CNT-TRUTH # again", "in line 1 already"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: str, words: str, tmp_path: Path) -> None:
    """And what is wrong with it is said."""
    with pytest.raises(KnownFailingError, match="line 3: .*" + words):
        read_known_failing(file_of(tmp_path, f"CNT-TRUTH # first\n\n{line}\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """With words."""
    (tmp_path / "known.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KnownFailingError, match="not UTF-8"):
        read_known_failing(tmp_path / "known.txt")


def test_a_known_failure_is_not_held_against_a_client(wrong: Check) -> None:
    """Only in the cases of its line, and only that rule."""
    broken = {rule.id for rule in wrong.broken()}
    assert {"CNT-RECORD-ID", "CNT-TRUTH"} <= broken
    assert {rule.id for rule in wrong.broken("must", known(("CNT-TRUTH", "*")))} == broken - {"CNT-TRUTH"}
    assert {rule.id for rule in wrong.broken("must", known(("CNT-TRUTH", "count/cop*")))} == broken - {"CNT-TRUTH"}
    assert {rule.id for rule in wrong.broken("must", known(("CNT-TRUTH", "form/*")))} == broken


def test_a_rule_that_holds_after_all_is_a_surprise(wrong: Check) -> None:
    """One that is broken is none, nor one that was not exercised, nor one of cases that were not played."""
    assert wrong.result(RULES["CNT-DIRECTION"]).exercised
    assert not wrong.result(RULES["CNT-PAGING"]).exercised
    lines = (("CNT-DIRECTION", "*"), ("CNT-DIRECTION", "form/*"), ("CNT-TRUTH", "*"), ("CNT-PAGING", "*"))
    assert wrong.surprises(known(*lines)) == [Known("CNT-DIRECTION", "*", "why", 1)]


def test_a_surprise_is_looked_for_among_chosen_rules_only() -> None:
    """A rule that was not judged has not passed."""
    found = check(ReferenceClient, Plan(("CNT-TRUTH",), ("count/copies",), 2, seed=3))
    assert not found.surprises(known(("CNT-DIRECTION", "*")))


def test_the_command_says_what_is_known_and_what_surprises(tmp_path: Path) -> None:
    """Known failures alone end with 0 and tell no story; one line that no longer holds ends with 1, said in words."""
    lines = "CNT-TRUTH # a\nCNT-RECORD-ID # b\nCNT-NOT-MSG-ID count/* # c\nCNT-PAGING # never exercised here\n"
    path = file_of(tmp_path, lines)
    done = run_here("check", "--client", DELIVERIES, *SMALL, "--known-failing", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "known to fail     CNT-NOT-MSG-ID in count/*: c" in done.stdout
    assert re.search(", 3 known to fail$", done.stdout, re.MULTILINE)
    assert not re.search(r"\b[1-9]\d* fail\b", done.stdout), "known failures are counted apart"
    assert "Shortest history" not in done.stdout
    assert "SURPRISE" not in done.stdout
    done = run_here("check", "--client", REFERENCE, *SMALL, "--known-failing", str(path))
    assert done.returncode == 1
    assert f"CNT-TRUTH holds, but {path}, line 1 says that it fails" in done.stdout


@pytest.mark.parametrize("content", [None, "CNT-NOTHING # x"])
def test_a_file_that_cannot_be_used_ends_a_check_before_it_begins(content: str | None, tmp_path: Path) -> None:
    """Exit code 2, no traceback."""
    if content is not None:
        file_of(tmp_path, content)
    done = run_here("check", "--client", REFERENCE, "--known-failing", "known.txt", cwd=tmp_path)
    assert done.returncode == 2
    expected = (
        "cannot read known.txt: No such file or directory" if content is None else "known.txt, line 1: there is no"
    )
    assert done.stderr.startswith(f"Error: {expected}")
    assert done.stdout == ""
