"""The same seed, profile and calls give the same history to the byte, in process and over HTTP."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from mock_server.cloud import Cloud
from mock_server.faults.catalogue import CATALOGUE, FaultKind
from mock_server.model import HOUR
from mock_server.web.data_plane.api import create_api
from mock_server.web.lab.app import create_lab
from mock_server.web.server import Server, ThreadedServer
from tests.support import ACCESS_ID, ACCESS_SECRET, ADDRESSES, LOT, NOON, SYNC_PATH, examples, sign

LAB = f"/_lab/projects/{ACCESS_ID}"
AGENT = {"User-Agent": "test", "Accept": "", "Accept-Encoding": "", "Connection": ""}
HELD_OR_DROPPED = {FaultKind.ANSWER_LATE, FaultKind.ANSWER_LOSE}
"""Faults that a plan leaves out: in process nobody can hold an answer back, or a connection close."""

Send = Callable[[str, str, str, bytes, dict[str, str]], bytes]


def lab(method: str, path: str, body: object = None) -> tuple[str, str, object]:
    """One call of the lab API."""
    return (method, path, body)


RECORD = st.builds(
    lambda at, direction: lab(
        "POST", f"/devices/{LOT}/records", {"data_type": 0, "pass_direction": direction, "event_time": NOON - HOUR + at}
    ),
    st.integers(0, HOUR),
    st.integers(0, 1),
)
FAULT = st.builds(
    lambda kind, times, skip: lab("POST", "/faults", {"kind": kind, "times": times, "skip": skip}),
    st.sampled_from(sorted(set(CATALOGUE) - HELD_OR_DROPPED)),
    st.integers(1, 3),
    st.integers(0, 2),
)
CLOCK = st.builds(lambda by_ms: lab("POST", "/clock", {"advance_ms": by_ms}), st.integers(0, 2 * HOUR))
SYNC = st.builds(lambda total: ("SYNC", total), st.integers(0, 5))
CALM = st.just(lab("DELETE", "/faults"))
PLANS = st.lists(st.one_of(RECORD, RECORD, FAULT, CLOCK, SYNC, SYNC, CALM), min_size=5, max_size=25)


@dataclass
class Actor:
    """Carries out a plan against one server, wherever it is, and reads the history."""

    send: Send
    token: str = ""
    now_ms: int = NOON
    headers: dict[str, str] = field(default_factory=lambda: dict(AGENT))

    def carry_out(self, plan: list[tuple[object, ...]], profile: str) -> bytes:
        """Make the project anew, do everything, return the history."""
        self.now_ms = NOON
        keys = {"access_id": ACCESS_ID, "access_secret": ACCESS_SECRET}
        made = keys | {"clock": "virtual", "now_ms": NOON, "seed": 3, "profile": profile}
        self.lab("POST", "/_lab/projects", made)
        self.connect()
        for step in plan:
            if step[0] == "SYNC":
                self.sync(step[1])
            else:
                self.lab(str(step[0]), LAB + str(step[1]), step[2])
        history = self.lab("GET", f"{LAB}/history")
        self.lab("DELETE", LAB)
        return history

    def lab(self, method: str, path: str, body: object = None) -> bytes:
        """One call of the lab API."""
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.send("lab", method, path, raw, {"Content-Type": "application/json"} if raw else {})
        if path.endswith("/clock"):
            self.now_ms = json.loads(answer)["now_ms"]
        return answer

    def connect(self) -> None:
        """Get a token."""
        answer = json.loads(self.api("GET", "/v1.0/token?grant_type=1", b"", ""))
        self.token = answer["result"]["access_token"]

    def sync(self, total: object) -> None:
        """Post a count; get a new token when the old one is dead."""
        info = {"totalCount": total, "startTime": NOON - HOUR, "endTime": NOON, "passDirection": 0}
        body = json.dumps({"dataType": 0, "recordSyncInfos": [info]}).encode()
        if b'"code":1010' in self.api("POST", SYNC_PATH, body, self.token):
            self.connect()

    def api(self, method: str, target: str, body: bytes, token: str) -> bytes:
        """One signed call of the vendor's API."""
        t = str(self.now_ms)
        signed = sign(ACCESS_SECRET, method, target, body, ACCESS_ID + token + t)
        headers = {"client_id": ACCESS_ID, "t": t, "sign_method": "HMAC-SHA256", "sign": signed, **self.headers}
        if token:
            headers["access_token"] = token
        if body:
            headers["Content-Type"] = "application/json"
        return self.send("api", method, target, body, headers)


def in_process() -> Actor:
    """An actor that calls the Flask applications."""
    cloud = Cloud()
    clients: dict[str, Client] = {
        "api": create_api(cloud).test_client(),
        "lab": create_lab(cloud, lambda: ADDRESSES).test_client(),
    }

    def send(plane: str, method: str, target: str, body: bytes, headers: dict[str, str]) -> bytes:
        answer = bytes(clients[plane].open(target, method=method, data=body, headers=headers).data)
        for project in cloud:
            while project.clock.run_due():
                pass
        return answer

    return Actor(send)


@pytest.fixture(scope="module")
def over_http() -> Iterator[Actor]:
    """An actor that calls a real server."""
    with ThreadedServer(Server(Cloud())) as threaded, requests.Session() as session:
        addresses = {"api": threaded.server.api, "lab": threaded.server.lab}

        def send(plane: str, method: str, target: str, body: bytes, headers: dict[str, str]) -> bytes:
            return session.request(method, addresses[plane] + target, data=body, headers=headers, timeout=60).content

        yield Actor(send)


@given(plan=PLANS, profile=st.sampled_from(["default", "slow-rereport", "gcm", "closed-windows"]))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
def test_in_process_twice(plan: list[tuple[object, ...]], profile: str) -> None:
    """Two runs of one plan in process write the same bytes."""
    assert in_process().carry_out(plan, profile) == in_process().carry_out(plan, profile)


@given(plan=PLANS, profile=st.sampled_from(["default", "slow-rereport"]))
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_in_process_and_over_http(over_http: Actor, plan: list[tuple[object, ...]], profile: str) -> None:
    """A plan over HTTP writes the bytes that it writes in process."""
    assert over_http.carry_out(plan, profile) == in_process().carry_out(plan, profile)


def test_another_seed_is_another_history() -> None:
    """The comparison can fail: another plan writes other bytes."""
    plan: list[tuple[object, ...]] = [lab("POST", "/chaos-not-there"), ("SYNC", 1)]
    assert in_process().carry_out(plan, "default") != in_process().carry_out(plan[:1], "default")
