"""Two hundred projects on one server, under load from several clients, never mix."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.lab_client import LabClient, LabProject
from mock_server.model import HOUR
from mock_server.web.server import Server, ThreadedServer
from tests.support import NOON, sign

PROJECTS = 200
WORKERS = 8


@pytest.fixture
def lab() -> Iterator[LabClient]:
    """The lab plane of a server without a project."""
    with ThreadedServer(Server(Cloud())) as threaded, LabClient(threaded.server.lab) as client:
        yield client


def lot_of(number: int) -> str:
    """The lot's device id: every project has the same ids, which is the hard case."""
    return "6ce0000000000001" if number % 2 else "6ce0000000000009"


def make(lab: LabClient, number: int) -> LabProject:
    """A project whose lot has `number` lost records with ids of its own."""
    project = lab.create_project(
        access_id=f"team-{number:03d}",
        access_secret=f"{number:03d}-secret-of-this-team-only",
        devices=[{"device_id": lot_of(number)}],
        clock="virtual",
        now_ms=NOON,
        seed=number,
    )
    records = [record(number, place) for place in range(number % 5 + 1)]
    project.add_records(lot_of(number), records)
    return project


def record(number: int, place: int) -> dict[str, Any]:
    """One lost record of a project."""
    return {
        "record_id": f"team-{number:03d}-{place}",
        "data_type": 0,
        "pass_direction": 0,
        "event_time": NOON - HOUR + place,
        "uplink": "lose",
    }


def call(api: str, number: int, method: str, target: str, body: bytes = b"", token: str = "") -> Any:
    """One signed call of a project's client."""
    access_id, secret = f"team-{number:03d}", f"{number:03d}-secret-of-this-team-only"
    signed = sign(secret, method, target, body, access_id + token + str(NOON))
    headers = {"client_id": access_id, "t": str(NOON), "sign_method": "HMAC-SHA256", "sign": signed}
    headers |= {"access_token": token, "Content-Type": "application/json"}
    return requests.request(method, api + target, data=body, headers=headers, timeout=60).json()


def sync(api: str, number: int) -> tuple[int, Any]:
    """Get a token and claim 0: the lot has more, so it re-reports its own records."""
    token = call(api, number, "GET", "/v1.0/token?grant_type=1")["result"]["access_token"]
    body = (
        f'{{"dataType":0,"recordSyncInfos":[{{"totalCount":0,"startTime":{NOON - HOUR},'
        f'"endTime":{NOON},"passDirection":0}}]}}'
    ).encode()
    target = f"/v1.0/parking-control/{lot_of(number)}/records/sync"
    return number, call(api, number, "POST", target, body, token)


@pytest.mark.slow
def test_two_hundred_projects_never_mix(lab: LabClient) -> None:
    """Every project re-reports exactly its own records, and its history knows no other team."""
    projects = [make(lab, number) for number in range(PROJECTS)]
    api = projects[0].exports()["api"]
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = dict(pool.map(lambda number: sync(api, number), range(PROJECTS)))
    assert all(answer["success"] for answer in answers.values())
    for number, project in enumerate(projects):
        own = [f"team-{number:03d}-{place}" for place in range(number % 5 + 1)]
        assert [rereport["record_ids"] for rereport in project.rereports()] == [own]
        told = str(project.history())
        assert not any(f"team-{other:03d}-" in told for other in range(PROJECTS) if other != number)


def test_a_foreign_token_is_no_token(lab: LabClient) -> None:
    """A live token of one project is refused by another, although the signature is right."""
    api = make(lab, 1).exports()["api"]
    make(lab, 3)
    token = call(api, 1, "GET", "/v1.0/token?grant_type=1")["result"]["access_token"]
    assert call(api, 3, "GET", "/v1.0/expand/devices", token=token)["code"] == 1010


def test_clocks_and_faults_are_a_projects_own(lab: LabClient) -> None:
    """Moving one clock or directing one fault leaves the neighbour as it was."""
    one, other = make(lab, 1), make(lab, 3)
    one.advance(HOUR)
    one.add_fault(FaultKind.ANSWER_BUSY, times=9)
    assert other.show()["now_ms"] == NOON
    assert sync(other.exports()["api"], 3)[1]["success"] is True
    one.reset()
    assert len(other.rereports()) == 1
