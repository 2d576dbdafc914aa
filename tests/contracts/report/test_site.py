"""Tests of the page of many reports: what stands side by side, what has changed, and what is told of a failure."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest

from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.report.site import client_of, columns, site_html
from contracts.report.stored_report import REPORT, read_report
from contracts.report.write import write_report
from tests.command_line import run_here
from tests.contracts.report.support import PLAN, checked

EXAMPLE = Path(__file__).parents[3] / "docs" / "example-report"
COUNTING = ("CNT-TRUTH", "CNT-RECORD-ID")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Reports of two versions of a client, the first wrong, and one of another client between them."""
    clients = (("mine 1.0", CountsDeliveries), ("other", CountsOneMore), ("mine 1.1", ReferenceClient))
    for number, (agent, client) in enumerate(clients):
        write_report(tmp_path / str(number), f"m:{number}", PLAN, checked(client, rule_ids=COUNTING), agent)
    return [tmp_path / str(number) for number in range(3)]


def words(page: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", page)))


def edited(folder: Path, to: Path, **changes: object) -> Path:
    """A copy of a report with other members."""
    shutil.copytree(folder, to)
    data = json.loads((to / REPORT).read_bytes()) | changes
    (to / REPORT).write_text(json.dumps(data), encoding="utf-8")
    return to


def test_reports_of_one_client_stand_side_by_side(folders: list[Path]) -> None:
    """In the order in which they are named; what has changed from one to the next is told."""
    found = columns(folders)
    assert [each.report.agent for each in found] == ["mine 1.0", "mine 1.1", "other"]
    assert [each.before is not None for each in found] == [False, True, False]
    assert dict(found[1].changed)["fixed"] == list(COUNTING)
    text = words(site_html(found))
    assert "2 clients, 3 reports" in text
    assert "Since mine 1.0: new none; fixed CNT-TRUTH, CNT-RECORD-ID; still none; unseen none" in text


@pytest.mark.parametrize(
    ("agent", "client"),
    [("python-client 0.1.0", "python-client"), ("my client", "my client"), ("0.1", "0.1"), (" 1", " 1"), ("a 2", "a")],
)
def test_a_client_is_known_by_its_name_without_its_version(agent: str, client: str, folders: list[Path]) -> None:
    """What stands behind the last blank is a version if it begins with a digit."""
    found = read_report(edited(folders[0], folders[0].parent / "edited", agent=agent) / REPORT)
    assert client_of(found) == client


def test_each_failure_has_its_story() -> None:
    """From its file, folded; and a link from the table to it."""
    page = site_html(columns([EXAMPLE]))
    assert "<details><summary>The story</summary>" in page
    assert "Shortest history found" in page
    for anchor in re.findall(r'href="#(failure[^"]*)"', page):
        assert f'id="{anchor}"' in page


@pytest.mark.parametrize("history", [None, "failures/none.json", "../../secret.json", "/etc/passwd", "report.json"])
def test_a_failure_without_a_file_of_its_own_has_no_story(history: str | None, tmp_path: Path) -> None:
    """Nor does one whose file lies outside of the folder, or is none: its message is told."""
    (tmp_path / "secret.json").write_bytes(next((EXAMPLE / "failures").iterdir()).read_bytes())
    failure = {"case": "count/copies", "message": "said so", "history": history}
    rule = {"rule": "CNT-TRUTH", "verdict": "fail", "failures": [failure]}
    page = site_html(columns([edited(EXAMPLE, tmp_path / "deep" / "report", rules=[rule])]))
    assert "said so" in page
    assert "The story" not in page


def test_what_another_version_wrote_is_shown(tmp_path: Path) -> None:
    """A rule that there is not here, a verdict that there is not, members that are missing; names are text."""
    rules = [{"rule": "NEW-RULE", "verdict": "wonderful"}, {"rule": "CNT-TRUTH", "verdict": "pass"}]
    page = site_html(columns([edited(EXAMPLE, tmp_path / "report", rules=rules, agent="<script>x</script>")]))
    assert "Rules of other versions" in page
    assert "wonderful" in page
    assert "<script>" not in page


def test_what_decides_nothing_is_told_as_known(tmp_path: Path) -> None:
    """And the failure that decides is told where there are both."""
    failures = [{"case": "a/b", "message": "known", "decides": False}, {"case": "c/d", "message": "decides"}]
    rules = [
        {"rule": "CNT-TRUTH", "verdict": "fail", "failures": failures},
        {"rule": "CNT-RECORD-ID", "verdict": "fail", "failures": failures[:1]},
    ]
    (column,) = columns([edited(EXAMPLE, tmp_path / "report", rules=rules)])
    first, second = column.cells["CNT-TRUTH"], column.cells["CNT-RECORD-ID"]
    assert (first.counted_as, second.counted_as) == ("fail", "known to fail")
    assert first.told is not None
    assert first.told.message == "decides"


def test_the_command_writes_a_page(folders: list[Path], tmp_path: Path) -> None:
    """One file that needs no other, in a folder that need not be there."""
    page = tmp_path / "made" / "all.html"
    done = run_here("site", *map(str, folders), "--to", str(page))
    assert (done.returncode, done.stdout) == (0, f"Page: {page} (3 reports of 2 clients)\n")
    assert "mine 1.1" in words(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", [None, "", "[]", '{"rules": [{}]}', '{"rules": [1], "agent": "a", "version": "1"}'])
def test_a_folder_without_a_report_is_said_in_words(content: str | None, tmp_path: Path) -> None:
    """Exit code 2, no page."""
    if content is not None:
        (tmp_path / REPORT).write_text(content)
    done = run_here("site", str(tmp_path), "--to", str(tmp_path / "site.html"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "Error: cannot read" if content is None else f"Error: {tmp_path / REPORT} is no report"
    )
    assert not (tmp_path / "site.html").exists()


def test_a_page_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    """Exit code 2."""
    (tmp_path / "file").write_text("")
    done = run_here("site", str(EXAMPLE), "--to", str(tmp_path / "file" / "site.html"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: cannot write")
