"""The typed client of the lab API."""

from typing import Any, get_type_hints

import pytest
import requests

from mock_server.lab_client import (
    CellJson,
    DeviceJson,
    Exports,
    IdleJson,
    LabApiError,
    LabClient,
    LabProject,
    PendingWork,
    RereportJson,
)
from mock_server.model import HOUR
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.server import Server
from tests.mock_server.web.lab_consumer import consuming
from tests.support import ADDRESSES, LOT, NOON, sign

PASS: dict[str, Any] = {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1}


def send(exports: Exports, method: str, target: str, token: str = "", body: bytes = b"") -> dict[str, Any]:
    """A signed call of the data plane; its result."""
    prefix = f"{exports['access_id']}{token}{NOON}"
    headers = {
        "client_id": exports["access_id"],
        "t": str(NOON),
        "sign_method": "HMAC-SHA256",
        "sign": sign(exports["access_secret"], method, target, body, prefix),
        "Content-Type": "application/json",
    } | ({"access_token": token} if token else {})
    answer = requests.request(method, exports["api"] + target, data=body, headers=headers, timeout=60).json()
    result: dict[str, Any] = answer["result"]
    return result


def test_a_whole_story(world: LabProject) -> None:
    """A lost record, a wrong count, a re-report: each is seen from the lab plane."""
    exports = world.exports()
    world.add_record(LOT, **PASS, uplink="lose")
    token = send(exports, "GET", "/v1.0/token?grant_type=1")["access_token"]
    path = f"/v1.0/parking-control/{LOT}/records/sync"
    info = f'{{"totalCount":0,"startTime":{NOON - HOUR},"endTime":{NOON},"passDirection":0}}'
    body = f'{{"dataType":0,"recordSyncInfos":[{info}]}}'.encode()
    with consuming(exports) as consumer:
        sn = send(exports, "POST", path, token, body)["sn"]
        assert world.advance(HOUR)["idle"]
        received = list(consumer.message_ids)
    (rereport,) = world.rereports()
    cell = {"device_id": LOT, "data_type": 0, "pass_direction": 0, "start_time": NOON - HOUR, "end_time": NOON}
    assert rereport == {
        "sn": sn,
        "time": NOON,
        "cell": cell,
        "claimed": 0,
        "counted": 1,
        "record_ids": ["pass-000001"],
        "message_ids": received[:1],
    }
    assert len(received) == 2


def test_following(world: LabProject) -> None:
    """`follow` gives what happens as it happens, from wherever one likes."""
    last = world.show()["history"]
    stream = world.follow(after=last)
    world.add_record(LOT, **PASS, uplink="lose")
    assert [next(stream)["kind"], next(stream)["kind"]] == ["record.kept", "record.lost"]
    world.reset()
    assert next(stream) == {"kind": "history.reset", "seq": 0}
    world.delete()
    assert list(stream)


def test_errors_tell(lab: LabClient) -> None:
    """A refusal is an exception with status, code and message."""
    with pytest.raises(LabApiError) as refused:
        lab.project("nobody").show()
    error = refused.value
    assert (error.status, error.code) == (404, "no_project")
    assert str(error) == f"404 no_project: {error.message}"


def test_an_answer_from_somebody_else(lab_server: Server) -> None:
    """A refusal that is not the lab API's is still one."""
    with LabClient(lab_server.ws.replace("ws://", "http://")) as wrong, pytest.raises(LabApiError) as refused:
        wrong.health()
    assert refused.value.code == "unknown"


def test_a_slash_at_the_end_of_the_address(lab_server: Server) -> None:
    """The address may be written with a slash at its end."""
    with LabClient(lab_server.lab + "/") as lab:
        assert lab.projects() == []


@pytest.mark.parametrize(
    ("typed", "name"), [(DeviceJson, "Device"), (Exports, "Exports"), (PendingWork, "Pending"), (IdleJson, "Idle")]
)
def test_types_are_the_documents(typed: Any, name: str) -> None:
    """The client's types have the fields that the OpenAPI document promises."""
    document: Any = openapi(ADDRESSES)
    schema = document["components"]["schemas"][name]
    assert sorted(get_type_hints(typed)) == sorted(schema["required"])


def test_the_type_of_a_rereport_is_the_documents() -> None:
    """And so have a re-report and its cell."""
    document: Any = openapi(ADDRESSES)
    schema = document["components"]["schemas"]["Rereport"]
    assert sorted(get_type_hints(RereportJson)) == sorted(schema["required"])
    assert sorted(get_type_hints(CellJson)) == sorted(schema["properties"]["cell"]["required"])


def test_every_operation_has_a_method() -> None:
    """Whatever the lab plane can be asked, the client can ask."""
    document: Any = openapi(ADDRESSES)
    names = {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "lab plane" in operation.get("tags", [])
    }
    methods = {
        "health": LabClient.health,
        "openapi": LabClient.openapi,
        "asyncapi": LabClient.asyncapi,
        "llms": LabClient.llms,
        "listProjects": LabClient.projects,
        "createProject": LabClient.create_project,
        "showGuide": LabClient.guide,
        "steerGuide": LabClient.steer_guide,
        "showProject": LabProject.show,
        "deleteProject": LabProject.delete,
        "resetProject": LabProject.reset,
        "snapshot": LabProject.snapshot,
        "exportProject": LabProject.export,
        "importProject": LabClient.import_project,
        "listCheckpoints": LabProject.checkpoints,
        "addCheckpoint": LabProject.checkpoint,
        "deleteCheckpoint": LabProject.delete_checkpoint,
        "restoreCheckpoint": LabProject.restore,
        "forkProject": LabProject.fork,
        "listRereports": LabProject.rereports,
        "readHistory": LabProject.history,
        "listProjectDevices": LabProject.devices,
        "addDevice": LabProject.add_device,
        "changeDevice": LabProject.change_device,
        "listSubscriptions": LabProject.subscriptions,
        "addSubscription": LabProject.add_subscription,
        "addRecords": LabProject.add_records,
        "removeRecord": LabProject.remove_record,
        "listFaults": LabProject.faults,
        "addFaults": LabProject.add_fault,
        "clearFaults": LabProject.calm,
        "setChaos": LabProject.set_chaos,
        "moveClock": LabProject.advance,
        "idle": LabProject.idle,
    }
    assert names == set(methods)
