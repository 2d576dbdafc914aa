import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse, run_wsgi_app

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.lots.seed import Seed, default_seed
from mock_server.model import HOUR, Cell, DataType, Device, PassDirection, SyncInfo
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.web.lab.app import create_lab
from mock_server.web.lab.request import MAX_BODY
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from tests.mock_server.web.raw import call
from tests.strategies import json_values, new_pass
from tests.support import ACCESS_ID, ACCESS_SECRET, ADDRESSES, JIESHUN_LOT, LANE, LOT, NOON, examples, make_project

BASE = f"/_lab/projects/{ACCESS_ID}"
RECORDS = f"{BASE}/devices/{LOT}/records"
PASS = {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1}
BILL = {"data_type": 1, "event_time": NOON - 1}


class Lab:
    """A client of the lab plane, through Flask and without sockets."""

    def __init__(self, seed: Seed | None = None) -> None:
        self.project: Project = make_project(seed=seed)
        cloud = Cloud(self.project.clock)
        cloud.add(self.project)
        self.app = create_lab(cloud, lambda: ADDRESSES)
        self.app.testing = True
        self.client = self.app.test_client()

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        response = self.client.get(path)
        assert response.status_code == 200
        return response.get_json()

    def send(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of a call with a JSON body."""
        response = self.client.open(path, method=method, json=body)
        return response.status_code, response.get_json()


@pytest.fixture
def lab() -> Lab:
    """A lab with one project."""
    return Lab()


def refusal(response: TestResponse) -> tuple[int, str, str]:
    """Status, code and message of a refusal, which has nothing else."""
    body = response.get_json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return response.status_code, body["error"]["code"], body["error"]["message"]


def test_health(lab: Lab) -> None:
    """For whoever waits for the server."""
    assert lab.get("/healthz")["status"] == "ok"


def test_projects_are_listed(lab: Lab) -> None:
    """By access id."""
    assert lab.get("/_lab/projects") == [ACCESS_ID]


def test_a_project_tells_what_it_is(lab: Lab) -> None:
    """The exports of `serve --json`, its clock, and how many records each device keeps."""
    lab.project.keep([new_pass(), new_pass()])
    shown = lab.get(BASE)
    assert shown["records"] == {LOT: 2, JIESHUN_LOT: 0, LANE: 0}
    assert (shown["now_ms"], shown["history"]) == (NOON, lab.project.history.last)
    assert (shown["api"], shown["ws"], shown["pulsar"], shown["lab"]) == ADDRESSES
    assert (shown["access_id"], shown["access_secret"]) == (ACCESS_ID, ACCESS_SECRET)
    assert [device["device_id"] for device in shown["devices"]] == [LOT, JIESHUN_LOT, LANE]
    assert shown["devices"] == lab.get(f"{BASE}/devices")


def test_a_reset_goes_back_to_the_seed() -> None:
    """Records of the seed stay, those added since and changed devices go; the answer is the exports."""
    lab = Lab(Seed(default_seed().devices, (new_pass("seeded"),)))
    lab.send("POST", RECORDS, [PASS, BILL])
    lab.send("PATCH", f"{BASE}/devices/{LOT}", {"online": False})
    lab.send("POST", f"{BASE}/devices", {"device_id": "new"})
    response = lab.client.post(f"{BASE}/reset")
    assert response.get_json()["devices"] == lab.get(f"{BASE}/devices")
    shown = lab.get(BASE)
    assert shown["records"] == {LOT: 1, JIESHUN_LOT: 0, LANE: 0}
    assert all(device["online"] for device in shown["devices"])


def test_a_device_is_added(lab: Lab) -> None:
    """With an id of its own or a given one; everything has a default."""
    status, device = lab.send("POST", f"{BASE}/devices", {})
    assert status == 201
    assert device == {
        "device_id": "6ce0000000000004",
        "device_name": "6ce0000000000004",
        "supplier_code": "tuya",
        "kind": "lot",
        "online": True,
    }
    whole = {"device_id": "d", "device_name": "名", "supplier_code": "x", "kind": "lane", "online": False}
    assert lab.send("POST", f"{BASE}/devices", whole) == (201, whole)
    assert lab.get(f"{BASE}/devices")[-2:] == [device, whole]


def test_a_device_is_changed(lab: Lab) -> None:
    """Only what is given."""
    path = f"{BASE}/devices/{LOT}"
    before = lab.get(f"{BASE}/devices")[0]
    assert lab.send("PATCH", path, {"online": False}) == (200, before | {"online": False})
    assert lab.send("PATCH", path, {"supplier_code": "jieshun"})[1]["supplier_code"] == "jieshun"
    assert lab.send("PATCH", path, {"device_name": ""})[1]["device_name"] == ""
    assert lab.send("PATCH", path, {}) == (
        200,
        before | {"online": False, "supplier_code": "jieshun", "device_name": ""},
    )


def test_one_record_is_answered_with_one_object(lab: Lab) -> None:
    """It repeats what was sent, with the record id."""
    details = {"plate_no": "京A12345", "car_type": 0, "lane_device_id": LANE}
    assert lab.send("POST", RECORDS, PASS | details) == (
        201,
        {"record_id": "pass-000001", "device_id": LOT, **PASS, **details},
    )


def test_a_list_of_records_is_answered_with_a_list(lab: Lab) -> None:
    """In its order; each fate is repeated and happens."""
    fates: list[Any] = ["deliver", "lose", "duplicate", {"delay_ms": 5}]
    status, kept = lab.send(
        "POST", RECORDS, [BILL | {"record_id": f"b{n}", "uplink": fate} for n, fate in enumerate(fates)]
    )
    assert status == 201
    assert [record["uplink"] for record in kept] == fates
    assert all("pass_direction" not in record for record in kept)
    assert len(lab.project.queue.main.pending_messages()) == 3
    assert lab.send("POST", RECORDS, []) == (201, [])


@pytest.mark.parametrize(
    "bad",
    [{}, None, PASS | {"event_time": -1}, PASS | {"uplink": "burn"}, BILL | {"pass_direction": 0}, PASS | {"x": 1}],
)
def test_one_bad_record_spoils_the_list(lab: Lab, bad: object) -> None:
    """All or nothing: no record is kept, no message published, no id used up; the message says which one it was."""
    before = lab.project.history.last
    status, code, message = refusal(lab.client.post(RECORDS, json=[PASS, bad, BILL]))
    assert (status, code) == (400, "invalid")
    assert "[1]" in message
    assert "[0]" not in message
    assert (len(lab.project.store), lab.project.queue.pending, lab.project.history.last) == (0, 0, before)
    assert lab.send("POST", RECORDS, PASS)[1]["record_id"] == "pass-000001"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "words"),
    [
        ("GET", "/", None, 404, "not_found", "/openapi.json lists what there is"),
        ("GET", "/_lab", None, 404, "not_found", "/openapi.json lists what there is"),
        ("GET", "/_lab/projects/none", None, 404, "no_project", f"there are: {ACCESS_ID}"),
        ("POST", "/_lab/projects/none/reset", None, 404, "no_project", f"there are: {ACCESS_ID}"),
        ("GET", f"{BASE}/reset", None, 405, "method_not_allowed", "POST"),
        ("DELETE", f"{BASE}/devices", None, 405, "method_not_allowed", "GET, HEAD, POST"),
        ("POST", f"{BASE}/devices/none/records", PASS, 404, "no_device", f"there are: {LOT}, {JIESHUN_LOT}, {LANE}"),
        ("PATCH", f"{BASE}/devices/none", {}, 404, "no_device", f"there are: {LOT}"),
        ("POST", f"{BASE}/devices/{LANE}/records", PASS, 409, "not_a_lot", "records belong to a lot"),
        ("POST", f"{BASE}/devices", {"device_id": LOT}, 409, "device_exists", "PATCH it instead"),
        ("POST", f"{BASE}/devices", [], 400, "invalid", "must be an object, not a list"),
        ("POST", f"{BASE}/devices", {"kind": "garage"}, 400, "invalid", "body.kind must be lot or lane"),
        ("POST", f"{BASE}/devices", {"colour": 1}, 400, "invalid", "known are device_id, device_name"),
        ("POST", f"{BASE}/devices", {"\ud800": 1}, 400, "invalid", "is not known"),
        ("PATCH", f"{BASE}/devices/{LOT}", [], 400, "invalid", "must be an object such as"),
        (
            "PATCH",
            f"{BASE}/devices/{LOT}",
            {"kind": "lane"},
            400,
            "invalid",
            "known are device_name, supplier_code, online",
        ),
        ("PATCH", f"{BASE}/devices/{LOT}", {"online": None}, 400, "invalid", "online must not be null"),
        ("POST", RECORDS, {}, 400, "invalid", "body.data_type is required"),
        ("GET", f"{BASE}/idle?timeout_ms=soon", None, 400, "invalid", "timeout_ms must be a number from 0 to 60000"),
        ("GET", f"{BASE}/idle?timeout_ms=60001", None, 400, "invalid", "timeout_ms must be a number from 0 to 60000"),
        ("GET", f"{BASE}/history?after=-1", None, 400, "invalid", "after must be a number from 0"),
    ],
)
def test_a_refusal_says_what_to_do(
    lab: Lab, method: str, path: str, body: object, status: int, code: str, words: str
) -> None:
    """A stable code, and a sentence that helps."""
    raw: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    response = lab.client.open(path, method=method, **raw)
    found_status, found_code, message = refusal(response)
    assert (found_status, found_code) == (status, code)
    assert words in message


@pytest.mark.parametrize(
    ("content_type", "body", "status", "words"),
    [
        ("text/plain", b"{}", 415, "send Content-Type: application/json"),
        (None, b"{}", 415, "send Content-Type: application/json"),
        ("application/json", b"", 400, "the body is not JSON"),
        ("application/json", b"{'a': 1}", 400, "the body is not JSON"),
        ("application/json", b"\xff", 400, "the body is not UTF-8"),
    ],
)
def test_a_body_must_be_json(lab: Lab, content_type: str | None, body: bytes, status: int, words: str) -> None:
    """And say so."""
    for method, path in (("POST", RECORDS), ("PATCH", f"{BASE}/devices/{LOT}")):
        found_status, code, message = refusal(
            lab.client.open(path, method=method, data=body, content_type=content_type)
        )
        assert (found_status, code) == (status, "not_json")
        assert words in message


def test_a_body_that_is_too_long_is_refused(lab: Lab) -> None:
    """With the limit."""
    environ = build_environ("POST", RECORDS, "", [("content-type", "application/json")], b"") | {TOO_LARGE: True}
    answer = json.loads(b"".join(run_wsgi_app(lab.app, environ)[0]))
    assert answer["error"]["code"] == "too_large"
    assert str(MAX_BODY) in answer["error"]["message"]


def test_what_a_project_holds_is_bounded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directed faults, devices, and the values of one body: 4xx, and nothing of the call is done."""
    monkeypatch.setattr("mock_server.web.lab.world.MAX_DIRECTED", 5)
    monkeypatch.setattr("mock_server.web.lab.world.MAX_DEVICES", 3)
    monkeypatch.setattr("mock_server.web.lab.request.MAX_VALUES", 50)
    fault = {"kind": "answer.busy"}
    assert lab.send("POST", f"{BASE}/faults", [fault] * 4)[0] == 201
    status, answer = lab.send("POST", f"{BASE}/faults", [fault] * 2)
    assert (status, answer["error"]["code"]) == (409, "too_many")
    assert len(lab.get(f"{BASE}/faults")["directed"]) == 4
    assert lab.send("POST", f"{BASE}/devices", {})[0] == 409
    status, answer = lab.send("POST", RECORDS, [{}] * 60)
    assert (status, answer["error"]["message"]) == (413, "send at most 50 values at once")


def test_a_refused_method_names_the_others(lab: Lab) -> None:
    """In `Allow`, as HTTP wants."""
    response = lab.client.get(f"{BASE}/reset")
    assert response.headers["Allow"] == "POST"


@settings(max_examples=examples(80))
@given(
    st.sampled_from((RECORDS, f"{BASE}/devices", f"{BASE}/devices/{LOT}", f"{BASE}/idle", f"{BASE}/history")),
    st.sampled_from(("GET", "POST", "PATCH", "DELETE")),
    st.one_of(json_values.map(lambda value: json.dumps(value).encode()), st.binary(max_size=30)),
    st.text(st.characters(codec="latin-1"), max_size=10),
)
def test_any_call_is_answered(path: str, method: str, body: bytes, query: str) -> None:
    """A success or a refusal in JSON, never a 5xx; a defect would be raised here."""
    lab = Lab()
    headers = [("content-type", "application/json")]
    status, _, content = call(lab.app, method, f"{path}?after={query}&timeout_ms=0", headers, body)
    assert int(status[:3]) < 500
    if status >= "4":
        assert set(json.loads(content)) == {"error"}


def test_idle_tells_what_is_pending(lab: Lab) -> None:
    """Messages that nobody has acknowledged, and timers that have not run."""
    nothing = {"idle": True, "now_ms": NOON, "pending": {"messages": 0, "timers": 0}, "waits_for": []}
    assert lab.get(f"{BASE}/idle") == nothing
    lab.send("POST", RECORDS, [PASS, PASS | {"uplink": {"delay_ms": 10}}])
    messages = f"messages not acknowledged on {lab.project.access_id}-sub of event (1, 0 of them with a consumer)"
    waits_for = [messages, "delayed message (in 10 ms)"]
    pending = {"pending": {"messages": 1, "timers": 1}, "waits_for": waits_for}
    assert lab.get(f"{BASE}/idle") == {"idle": False, "now_ms": NOON} | pending
    consumer = Consumer(
        "c", lambda message, _: (lab.project.queue.main.acknowledge(consumer, message.message_id), None)[1]
    )
    lab.project.queue.main.connect(consumer)
    clock = lab.project.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(10)
    assert lab.get(f"{BASE}/idle?timeout_ms=0")["idle"] is True


def test_rereports_are_told_oldest_first(lab: Lab) -> None:
    """With the cell, both counts, the records and their new messages."""
    lab.send("POST", RECORDS, [PASS | {"record_id": "r1"}])
    cell = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)
    sn = [lab.project.sync(LOT, [SyncInfo(cell, claimed)]).sn for claimed in (0, 5)]
    rereports = lab.get(f"{BASE}/rereports")
    assert [(each["sn"], each["claimed"]) for each in rereports] == [(sn[0], 0), (sn[1], 5)]
    assert rereports[0] == {
        "sn": sn[0],
        "time": NOON,
        "cell": {
            "device_id": LOT,
            "data_type": 0,
            "pass_direction": 0,
            "start_time": NOON - HOUR,
            "end_time": NOON,
        },
        "claimed": 0,
        "counted": 1,
        "record_ids": ["r1"],
        "message_ids": [lab.project.queue.main.pending_messages()[1].message_id],
    }


def history(lab: Lab, query: str = "") -> list[Any]:
    """The lines of the history."""
    response = lab.client.get(f"{BASE}/history{query}")
    assert (response.status_code, response.content_type) == (200, "application/x-ndjson")
    return [json.loads(line) for line in response.data.splitlines()]


def test_the_history_can_be_read_on(lab: Lab) -> None:
    """`after` is the number of the last line that the reader has."""
    everything = history(lab)
    assert [line["seq"] for line in everything] == [1, 2, 3, 4]
    assert [line["kind"] for line in everything] == ["device", "device", "device", "faults"]
    lab.send("POST", RECORDS, PASS)
    assert [line["kind"] for line in history(lab, "?after=4")] == ["record.kept", "message.published"]
    assert history(lab, "?after=6") == []
    assert history(lab, "?after=9999") == []


def test_odd_names_come_out_as_they_went_in(lab: Lab) -> None:
    """Ids and names are any text; a path takes them percent-encoded."""
    lab.project.put_device(Device("a b?ü%", "名"))
    status, record = lab.send("POST", f"{BASE}/devices/a%20b%3F%C3%BC%25/records", PASS | {"record_id": "京 "})
    assert (status, record["device_id"], record["record_id"]) == (201, "a b?ü%", "京 ")
