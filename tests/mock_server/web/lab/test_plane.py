"""The lab plane as an HTTP server: what it refuses and how."""

from typing import Any

import pytest
import requests

from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient, LabProject
from mock_server.web.server import Server, ThreadedServer
from tests.support import LOT

JSON_TYPE = {"Content-Type": "application/json"}


def error_of(response: requests.Response) -> tuple[int, str, str]:
    """Status, code and message of a refusal."""
    error: dict[str, Any] = response.json()["error"]
    return response.status_code, error["code"], error["message"]


def test_health(lab: LabClient) -> None:
    """`/healthz` says ok and which version."""
    assert lab.health()["status"] == "ok"


@pytest.mark.parametrize("path", ["/_lab", "/_lab/", "/_lab/projects/", "/_lab//projects", "/x%2fy"])
def test_no_such_page(lab_server: Server, path: str) -> None:
    """An unknown path is told so and where the known ones are listed; nobody is sent elsewhere."""
    status, code, message = error_of(requests.get(lab_server.lab + path, allow_redirects=False, timeout=60))
    assert (status, code) == (404, "not_found")
    assert "/openapi.json" in message


def test_no_such_method(lab_server: Server) -> None:
    """A wrong method is told the right ones, in Allow too."""
    response = requests.put(f"{lab_server.lab}/_lab/projects", timeout=60)
    status, _, message = error_of(response)
    assert status == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"
    assert "GET, HEAD, POST" in message


def test_reading_changes_nothing(lab_server: Server, world: LabProject) -> None:
    """GET and HEAD of every page leave the history as it was."""
    before = world.history()
    for page in ("", "/snapshot", "/rereports", "/history", "/devices", "/faults", "/idle?timeout_ms=0"):
        for method in ("GET", "HEAD"):
            url = f"{lab_server.lab}/_lab/projects/{world.access_id}{page}"
            assert requests.request(method, url, timeout=60).status_code == 200
    assert world.history() == before


def test_a_body_that_is_not_json(lab_server: Server, world: LabProject) -> None:
    """Content type and syntax of a body are each refused for what they are."""
    url = f"{lab_server.lab}/_lab/projects/{world.access_id}/devices/{LOT}/records"
    status, _, message = error_of(requests.post(url, data=b"{}", timeout=60))
    assert (status, message) == (415, "send Content-Type: application/json")
    for body, why in ((b"{", "not JSON"), (b'"\xff"', "UTF-8"), (b"[" * 40 + b"]" * 40, "deeper"), (b"NaN", "NaN")):
        status, _, message = error_of(requests.post(url, data=body, headers=JSON_TYPE, timeout=60))
        assert status == 400
        assert why in message


def test_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over the limit is refused with what the limit is, however it is sent; nothing is made."""
    monkeypatch.setattr("mock_server.web.lab.plane.MAX_BODY", 1_000)
    with ThreadedServer(Server(Cloud())) as threaded:
        url = f"{threaded.server.lab}/_lab/projects"
        long = b'{"seed": %s1}' % (b" " * 1_000)
        for body in (long, iter([long[:500], long[500:]])):
            status, code, message = error_of(requests.post(url, data=body, headers=JSON_TYPE, timeout=60))
            assert (status, code) == (413, "too_large")
            assert "bytes" in message
        assert requests.get(url, timeout=60).json() == []


def test_an_answer_without_a_body_has_no_type(lab_server: Server, world: LabProject) -> None:
    """204 is 204 and nothing else."""
    response = requests.delete(f"{lab_server.lab}/_lab/projects/{world.access_id}/faults", timeout=60)
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers


def test_a_defect_is_an_error_in_json(lab_server: Server, world: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a view fail, the answer is still JSON, and the server goes on."""
    monkeypatch.setattr("mock_server.project.Project.snapshot_records", lambda _: 1 / 0)
    response = requests.get(f"{lab_server.lab}/_lab/projects/{world.access_id}/snapshot", timeout=60)
    assert error_of(response)[0] == 500
    assert world.devices()
