"""What many tests need: a project on a virtual clock, and a client that signs by its own implementation."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import settings
from werkzeug.test import Client

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.lots.seed import NewRecord, Seed, default_seed
from mock_server.model import HOUR, Addresses, DataType, Fate, JsonObject, PassDirection, Record
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.data_plane.api import create_api

STORAGE = Path(__file__).parent.parent / ".hypothesis"
"""Where hypothesis keeps what it finds, in processes that tests start too."""

PLUGINS_OF_OURS = ("anyio", "requests_mock", "schemathesis", "syrupy", "time_machine")
"""Plugins of pytest in this environment that a user's project does not have: a second of imports for each run."""

AS_A_USER = tuple(word for name in PLUGINS_OF_OURS for word in ("-p", f"no:{name}"))
"""The options of pytest for a user's project that is run by a test."""

_FOR_THE_NETWORK = re.compile("(UV|PIP|SSL|CURL|REQUESTS|HTTPS?|ALL|NO)_.*", re.IGNORECASE)


def network_variables() -> dict[str, str]:
    """The variables of this process without which a machine may not reach its package index."""
    return {name: value for name, value in os.environ.items() if _FOR_THE_NETWORK.fullmatch(name)}


NOON = 1_652_788_800_000
"""2022-05-17 12:00 UTC: where virtual clocks of the tests start."""

ADDRESSES = Addresses(
    "http://127.0.0.1:8280", "ws://127.0.0.1:8285/", "pulsar://127.0.0.1:7285", "http://127.0.0.1:8290"
)
"""Those of a server at its default ports."""

LOT, JIESHUN_LOT, LANE = "6ce0000000000001", "6ce0000000000002", "6ce0000000000003"
SYNC_PATH = f"/v1.0/parking-control/{LOT}/records/sync"

# The documentation's example credentials.
ACCESS_ID = "1KAD46OrT9HafiKdsXeg"
ACCESS_SECRET = "4OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC"


def make_project(profile: Profile | None = None, seed: Seed | None = None, **settings: Any) -> Project:
    """A project with the default devices, on a virtual clock that starts at noon."""
    clock = settings.pop("clock", None) or VirtualClock(NOON)
    return Project(ACCESS_ID, ACCESS_SECRET, seed or default_seed(), clock, profile=profile, **settings)


def sign(secret: str, method: str, target: str, body: bytes, prefix: str, headers: str = "") -> str:
    """The v2 signature, written from the vendor's page and not from our code. `target` is what is signed as url."""
    to_sign = f"{method}\n{hashlib.sha256(body).hexdigest()}\n{headers}\n{target}"
    return hmac.new(secret.encode(), (prefix + to_sign).encode(), hashlib.sha256).hexdigest().upper()


@dataclass
class Api:
    """A client of one project's data plane, through Flask and without sockets."""

    project: Project
    token: str = ""
    garbled: bool = False
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Serve the project."""
        cloud = Cloud(self.project.clock)
        cloud.add(self.project)
        app = create_api(cloud)
        app.testing = True
        self.client = app.test_client()

    def signed_headers(self, method: str, target: str, body: bytes = b"", **changes: str) -> dict[str, str]:
        """The headers of a request as the SDKs send them; `changes` replaces some, an empty text removes one."""
        headers = {
            "client_id": self.project.access_id,
            "t": str(self.project.clock.now_ms()),
            "sign_method": "HMAC-SHA256",
            "access_token": "" if target.startswith("/v1.0/token") else self.token,
        }
        if body:
            headers["Content-Type"] = "application/json"
        headers |= changes
        prefix = headers["client_id"] + headers["access_token"] + headers["t"] + headers.get("nonce", "")
        headers.setdefault("sign", sign(self.project.access_secret, method, target, body, prefix))
        return {name: value for name, value in headers.items() if value}

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> JsonObject:
        """Send a request as it is; the answer must be HTTP 200 with an envelope.

        A `garbled` client takes an answer that is none for a failure without a code.
        """
        response = self.client.open(target, method=method, data=body, headers=dict(headers or {}))
        assert response.status_code == 200
        try:
            envelope = json.loads(response.data)
        except ValueError:
            assert self.garbled, response.data
            return {"success": False}
        assert isinstance(envelope, dict)
        return envelope

    def call(self, method: str, path: str, body: object = None, **query: object) -> JsonObject:
        """Send a signed request. `body` is sent as JSON, the query is sorted as it is signed."""
        plain = "&".join(f"{key}={query[key]}" for key in sorted(query))
        raw = b"" if body is None else json.dumps(body).encode()
        headers = self.signed_headers(method, path + (f"?{plain}" if plain else ""), raw)
        return self.send(method, path + (f"?{urlencode(query)}" if query else ""), raw, headers)

    def connect(self) -> "Api":
        """Get a token and keep it."""
        answer: Any = self.call("GET", "/v1.0/token", grant_type=1)
        self.token = answer["result"]["access_token"]
        return self

    def sync(self, *infos: JsonObject, data_type: int = 0, device_id: str = LOT) -> JsonObject:
        """POST records/sync with camel-case keys."""
        path = f"/v1.0/parking-control/{device_id}/records/sync"
        return self.call("POST", path, {"dataType": data_type, "recordSyncInfos": list(infos)})


def keep_passes(project: Project, *event_times: int, fate: Fate = None, plate_no: str = "京A12345") -> list[Record]:
    """Let the default lot keep one entering vehicle for each time."""
    new = (NewRecord(LOT, None, DataType.PASS, PassDirection.ENTER, at, plate_no, {}, fate) for at in event_times)
    return project.keep(list(new))


def published(project: Project) -> list[str]:
    """The record ids on the main subscription, in the order of their publication."""
    subjects = (message.subject for main in project.queue.mains for message in main.pending_messages())
    return [subject.record_id for subject in subjects if isinstance(subject, Record)]


def sync_info(total: int, start: int = NOON - HOUR, end: int = NOON, direction: int | None = 0) -> JsonObject:
    """One sync info in camel case; the window defaults to the hour before noon."""
    info: JsonObject = {"totalCount": total, "startTime": start, "endTime": end}
    return info if direction is None else info | {"passDirection": direction}


EXAMPLES = 30
"""Of each property that does not say how many it needs: drawing most of them takes longer than judging them."""

QUARTER = 4
"""`make test` draws a quarter of the examples of each property."""


def examples(number: int) -> int:
    """How many examples a property gets that needs so many, in this run."""
    return number if settings.default and settings.default.max_examples >= EXAMPLES else -(-number // QUARTER)


SEEDS: list[Any] = [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
"""Seeds of scenarios, as parameters of a test: what holds at any seed is tried at one of them by `make test`.

Seed 0 is that of `tests/contracts/proof/test_judge.py`, which plays the same cases to every known-bad client.
"""


def sampled(values: Iterable[Any], every: int) -> list[Any]:
    """Values as parameters of a test, of which every so many is quick and the others are slow."""
    return [pytest.param(each, marks=pytest.mark.slow if place % every else ()) for place, each in enumerate(values)]
