"""Fixtures of a real server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import requests

from mock_server.clock import SystemClock
from mock_server.cloud import Cloud
from mock_server.lots.seed import default_seed
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.server import Server, ThreadedServer
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT

Found = TypeVar("Found")
DEADLINE_S = 60.0


@dataclass
class Served:
    """A project behind a real server. Its world belongs to the server's loop: look at it through the lab plane."""

    project: Project
    server: Server

    def lab(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a call of the lab plane for the project."""
        url = f"{self.server.lab}/_lab/projects/{self.project.access_id}{path}"
        response = requests.request(method, url, json=body, timeout=DEADLINE_S)
        assert response.ok, response.text
        return response.json()

    def history(self) -> list[Any]:
        """Every line of the history."""
        url = f"{self.server.lab}/_lab/projects/{self.project.access_id}/history"
        return [json.loads(line) for line in requests.get(url, timeout=DEADLINE_S).text.splitlines()]

    def publish(self, count: int = 1, **fields: object) -> list[str]:
        """Let the lot have some passes now; return their record ids."""
        record = {"data_type": 0, "pass_direction": 0, "event_time": self.project.clock.now_ms(), **fields}
        kept = self.lab("POST", f"/devices/{LOT}/records", [record] * count)
        return [each["record_id"] for each in kept]


Serve = Callable[[Profile | None], Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers for a profile; all of them stop after the test."""
    running: list[ThreadedServer] = []

    def start(profile: Profile | None = None) -> Served:
        project = Project(ACCESS_ID, ACCESS_SECRET, default_seed(), SystemClock(), profile=profile)
        cloud = Cloud()
        cloud.add(project)
        threaded = ThreadedServer(Server(cloud))
        running.append(threaded.__enter__())
        return Served(project, threaded.server)

    yield start
    for threaded in running:
        threaded.__exit__(None, None, None)


@pytest.fixture
def served(serve: Serve) -> Served:
    """A server with one project of the default profile."""
    return serve(None)
