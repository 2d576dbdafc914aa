"""The dashboard as it is served."""

import re
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mock_server.cloud import Cloud
from mock_server.guide import Caption, Guide
from mock_server.model import HOUR, Cell, DataType, PassDirection, SyncInfo
from mock_server.project import Project
from mock_server.web.dashboard.app import PATHS, create_dashboard
from mock_server.web.server import Server
from tests.support import ACCESS_ID, LOT, NOON, examples, keep_passes, make_project

CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)


@pytest.fixture
def project() -> Project:
    """A project that the page shows."""
    return make_project()


def client_of(project: Project, guide: Guide | None = None) -> Any:
    """Flask's test client of a dashboard with one project."""
    cloud = Cloud(project.clock)
    cloud.add(project)
    app = create_dashboard(cloud, guide)
    app.testing = True
    return app.test_client()


def text_of(project: Project, query: str = "", guide: Guide | None = None) -> str:
    """The page without its tags."""
    answer = client_of(project, guide).get(f"/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.text))


def test_the_page_tells_the_story_without_scripts(project: Project) -> None:
    """Counts, verdict, events and commands are in the page as it is served."""
    keep_passes(project, NOON - 2)
    keep_passes(project, NOON - 1, fate="lose")
    command = project.sync(LOT, [SyncInfo(CELL, 1)])
    told = text_of(project)
    assert "The client claimed 1, the lot counted 2: a mismatch." in told
    assert "re-reports 2 of entering 19:00 – 20:00: claimed 1, has 2" in told
    assert f"command {command.sn}: sending" in told
    assert "lost before the queue: pass-000002 (uplink)" in told


def test_plates_are_masked(project: Project) -> None:
    """No plate in full."""
    keep_passes(project, NOON - 2, plate_no="京A12345")
    page = client_of(project).get("/").text
    assert "京A***5" in page
    assert "A12345" not in page


def test_headers(project: Project) -> None:
    """A strict policy on every answer: own scripts and styles only, no frame, no sniffing; pages are not stored."""
    client = client_of(project)
    for path in ("/", "/dashboard/dashboard.js", "/?project=none", "/dashboard/none.js"):
        headers = client.get(path, buffered=True).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/").headers["Cache-Control"] == "no-store"


def test_nothing_is_inline_or_elsewhere(project: Project) -> None:
    """The page has no script, style or handler of its own, and asks no other host for anything."""
    keep_passes(project, NOON - 2)
    page = client_of(project).get("/").text
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page) == []
    assert set(re.findall(r'(?:src|href|action)="(\w+:)?//', page)) == set()
    for path in re.findall(r'(?:src|href)="(/dashboard/[^"]+)"', page):
        assert client_of(project).get(path, buffered=True).status_code == 200


def test_only_files_that_are_there(project: Project) -> None:
    """Templates and whatever else lies around are not served."""
    client = client_of(project)
    for path in ("/dashboard/../templates/frame.html", "/dashboard/%2e%2e/templates/frame.html", "/dashboard/none"):
        assert client.get(path).status_code == 404
    assert not PATHS.fullmatch("/dashboard/../x")
    assert client.post("/").status_code == 405


@pytest.mark.parametrize("query", ["?project=nobody", "?project=%00", "?project=" + "x" * 5000])
def test_a_project_that_is_not_there(project: Project, query: str) -> None:
    """An unknown project is a 404 that names those there are."""
    answer = client_of(project).get(f"/{query}")
    assert answer.status_code == 404
    assert ACCESS_ID in answer.text


def test_no_project_at_all() -> None:
    """A server without projects has a page that says so."""
    assert create_dashboard(Cloud()).test_client().get("/").status_code == 404


NUMBERS = st.one_of(st.integers(-5, 2**70).map(str), st.text(max_size=3))


@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "lot": st.one_of(st.just(LOT), st.text(max_size=5)),
            "cell": st.one_of(st.lists(NUMBERS, max_size=5).map(".".join), st.text(max_size=9)),
            "before": NUMBERS,
            "show": st.sampled_from(["records", "losses", "nothing", ""]),
        },
    ),
    event_time=st.sampled_from([0, NOON, 2**63 - 1]),
    claimed=st.integers(0, 3),
)
@settings(max_examples=examples(30), deadline=None)
def test_whatever_is_asked_is_answered(query: dict[str, str], event_time: int, claimed: int) -> None:
    """No query and no time, however odd, is more than the page can show."""
    project = make_project()
    keep_passes(project, event_time)
    project.sync(LOT, [SyncInfo(structs.replace(CELL, end_time=2**63 - 1, start_time=2**63 - 2), claimed)])
    assert client_of(project).get("/", query_string=query).status_code == 200


def test_a_chosen_cell_is_shown(project: Project) -> None:
    """The address may name a lot, a cell, and how far back to begin."""
    keep_passes(project, NOON - 1)
    assert "leaving, 19:00 – 20:00" in text_of(project, f"?lot={LOT}&cell=0.1.{NOON - HOUR}.{NOON}")
    assert "bills, 19:00 – 20:00" in text_of(project, f"?lot={LOT}&cell=1..{NOON - HOUR}.{NOON}")
    assert "No record and no sync yet." in text_of(project, f"?lot={LOT}&before={NOON - HOUR}")
    keep_passes(project, *(NOON - 1 - hours * HOUR for hours in range(30)))
    assert "Earlier windows" in text_of(project)


def test_the_story_is_told_on_its_project_only(project: Project) -> None:
    """Captions stand beside the project that they are about, and say which cell to look at."""
    keep_passes(project, NOON - 1)
    guide = Guide(ACCESS_ID, ["a story", "another"])
    guide.tell(Caption("lot", "Look at <this>", ("a line",), structs.replace(CELL, pass_direction=PassDirection.LEAVE)))
    told = text_of(project, guide=guide)
    assert "1/2 a story" in told
    assert "Look at &lt;this&gt;" in told
    assert "leaving, 19:00 – 20:00" in told
    assert "a story" not in text_of(project)
    guide.access_id = "somebody else"
    assert "a story" not in text_of(project, f"?project={ACCESS_ID}", guide=guide)


def test_a_server_that_tells_no_story(lab_server: Server) -> None:
    """Without a story its route says what would tell one."""
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{lab_server.lab}/_lab/guide", json={"order": "play"}, timeout=60)
        assert answer.status_code == 404
        assert "parking-mock demo" in answer.json()["error"]["message"]


def test_it_is_served_on_the_lab_plane(lab_server: Server) -> None:
    """The page is at `/` of the lab plane, behind its guard, and on no other address."""
    assert "parking-mock" in requests.get(lab_server.lab, timeout=60).text
    assert requests.get(lab_server.lab, headers={"Host": "attacker.test"}, timeout=60).status_code == 403
    assert requests.get(lab_server.api, timeout=60).json()["code"] == 1108


def test_a_long_history_is_read_in_turns(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history longer than one turn is read to its end, whether others can have their turns or not."""
    monkeypatch.setattr("mock_server.web.dashboard.app.ENTRIES_A_STEP", 3)
    keep_passes(project, *range(NOON - 20, NOON))
    assert "20 records" in text_of(project)
