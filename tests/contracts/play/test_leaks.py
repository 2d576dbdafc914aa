"""Tests of what must not be in a client's output."""

from pathlib import Path

import pytest

from contracts.play.leaks import leaks, log_lines, masked
from contracts.play.log_tail import LINE_KEPT, LINES_KEPT, LogTail
from contracts.play.recording import OutputFinding

SECRET, TOKEN, PLATE = OutputFinding.SECRET, OutputFinding.TOKEN, OutputFinding.PLATE
SECRETS = {
    "9c1d0000aaaa": SECRET,
    "tok-12345": TOKEN,
    "京A12345": PLATE,
    "x": PLATE,
}


@pytest.mark.parametrize(
    ("line", "kinds", "text"),
    [
        ("starting", [], ""),
        ("key=9c1d0000aaaa", [SECRET], "key=***"),
        ("{'plateNo': '京A12345'}", [PLATE], "{'plateNo': '***'}"),
        (r'{"plateNo": "\u4eacA12345"}', [PLATE], '{"plateNo": "***"}'),
        ("tok-12345 and 9c1d0000aaaa", [SECRET, TOKEN], "*** and ***"),
        ("an x is no plate", [], ""),
    ],
    ids=["nothing", "secret", "plate", "escaped", "both", "short"],
)
def test_a_line_that_tells_something(line: str, kinds: list[str], text: str) -> None:
    """Each kind is found in whatever form it is written, and is masked where it is told."""
    found = list(leaks([line], SECRETS, 7))
    assert [finding.kind for finding in found] == kinds
    assert all((finding.text, finding.seq) == (text, 7) for finding in found)


def test_each_kind_is_told_once() -> None:
    """However often it is written; a long line is cut, and nothing in it moves a cursor."""
    (found,) = leaks(["tok-12345\x1b[2J" + "y" * 1000] * 50, SECRETS, 1)
    assert found.text.startswith("***?[2Jyyy")
    assert len(found.text) < 200


def test_a_secret_within_another_is_masked_whole() -> None:
    """The longer one first."""
    assert masked("abcdefgh", {"abcde": SECRET, "abcdefgh": TOKEN}) == "***"


def test_the_newest_lines_of_a_log_are_kept() -> None:
    """Bounded in number and length, each with the time at which it was read, and without a half of a secret."""
    tail = LogTail()
    tail.add((f"line {number}" for number in range(10 * LINES_KEPT)), 5)
    tail.add([f"{'x' * (LINE_KEPT - 5)}tok-12345"], 7)
    kept = tail.masked(SECRETS)
    assert (len(kept), kept[0]) == (LINES_KEPT, (5, f"line {9 * LINES_KEPT + 1}"))
    assert (kept[-1].time, len(kept[-1].text), "tok" in kept[-1].text) == (7, LINE_KEPT - 2, False)


@pytest.mark.parametrize(
    ("text", "is_searched"),
    [
        ("2026-03-02 08:00:00 token tok-12345\n", True),
        ("[08:00:00] token tok-12345\n", True),
        ("started\nWARN: token tok-12345\n", True),
        ('{"level": "info", "msg": "token tok-12345"}\n', True),
        ('{"token": "tok-12345", "plateNo": "京A12345"}\n', False),
        ("\x00\x07info tok-12345\n", False),
        ("京A12345,1772438400000,0\n", False),
    ],
    ids=["time", "time of day", "level", "structured", "journal", "binary", "table"],
)
def test_a_file_is_a_log_by_what_it_holds(text: str, is_searched: bool, tmp_path: Path) -> None:  # noqa: FBT001 a column
    """A store in numbered `.log` segments may hold the token that it uses."""
    (tmp_path / "000001.log").write_text(text, encoding="utf-8")
    (tmp_path / "other.txt").write_text("2026-03-02 08:00:00 tok-12345", encoding="utf-8")
    assert list(log_lines(tmp_path)) == (text.splitlines() if is_searched else [])
