import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.history.events import RequestAnswered, RequestReceived, SyncAsked
from mock_server.history.log import Entry
from mock_server.lots.seed import default_seed
from mock_server.model import HOUR, Device
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.data_plane.api import MAX_BODY, create_api
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from tests.mock_server.web.raw import call, envelope
from tests.strategies import json_values, new_pass
from tests.support import ACCESS_ID, JIESHUN_LOT, LANE, LOT, NOON, SYNC_PATH, Api, examples, make_project, sync_info

METHODS = st.one_of(
    st.sampled_from(
        ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "PROPFIND")
    ),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", min_size=1, max_size=8),
)
KNOWN_PATHS = (
    "/v1.0/token",
    "/v1.0/token/x",
    SYNC_PATH,
    "/v1.0/expand/cmds/1",
    "/v1.0/expand/devices",
    "/v1.0/expand/devices/x",
)
LATIN = st.text(st.characters(codec="latin-1"), max_size=30)
PATHS = st.one_of(
    st.sampled_from(KNOWN_PATHS),
    st.builds(lambda known, more: known + more, st.sampled_from(KNOWN_PATHS), LATIN),
    LATIN,
    st.binary(max_size=20).map(lambda raw: "/" + quote(raw)),
    st.sampled_from(
        ("", "*", "//", "http://x/v1.0/token", "/v1.0//token", "/v1.0/token/", "/../", "/%", "/%00", "/%ff%fe")
    ),
)
HEADERS = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(
                (
                    "client_id",
                    "sign",
                    "t",
                    "sign_method",
                    "access_token",
                    "nonce",
                    "Signature-Headers",
                    "Content-Type",
                    "Host",
                )
            ),
            st.sampled_from(
                ("Content-Length", "Transfer-Encoding", "Accept", "Cookie", "X-HTTP-Method-Override", "Expect")
            ),
            st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=10),
        ),
        st.one_of(
            LATIN,
            st.sampled_from((ACCESS_ID, str(NOON), "HMAC-SHA256", "application/json", "a:b:c", "[::1", "ex ample")),
        ),
    ),
    max_size=10,
)


@settings(max_examples=examples(150))
@given(METHODS, PATHS, LATIN, HEADERS, st.binary(max_size=50))
def test_any_request_gets_an_envelope(
    method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """HTTP 200, JSON, bounded, never code 500, whatever is asked by whomever. A defect would be raised here."""
    api = Api(make_project())
    target = path.replace("?", "%3F") + (f"?{query}" if query else "")
    if method.upper() == "HEAD":
        status, _, content = call(api.client.application, method, target, headers, body)  # type: ignore[arg-type] # see raw.envelope
        assert status == "200 OK"
        assert b'"code":500' not in content
    else:
        envelope(api, method, target, headers, body)
    for entry in api.project.history.after():
        assert json.dumps(entry.to_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("method", "path", "changes", "code"),
    [
        ("POST", SYNC_PATH, {}, None),
        ("POST", SYNC_PATH, {"sign": "0" * 64}, 1004),
        ("POST", SYNC_PATH, {"access_token": "no"}, 1010),
        ("POST", SYNC_PATH, {"Content-Type": "text/plain"}, 1006),
        ("PUT", SYNC_PATH, {}, 1108),
        ("POST", f"/v1.0/parking-control/{JIESHUN_LOT}/records/sync", {}, 2003),
        ("POST", "/v1.0/parking-control/nobody/records/sync", {}, 1106),
    ],
)
def test_what_a_call_asks_is_in_the_history(method: str, path: str, changes: dict[str, str], code: int | None) -> None:
    """Right behind the request, whether the call is carried out or refused for whatever reason."""
    api = Api(make_project()).connect()
    body = json.dumps({"dataType": 0, "recordSyncInfos": [sync_info(7)]}).encode()
    answer = api.send(method, path, body, api.signed_headers(method, path, body, **changes))
    events = [entry.event for entry in api.project.history.after()]
    place = next(place for place, event in enumerate(events) if isinstance(event, SyncAsked))
    asked = events[place]
    assert isinstance(asked, SyncAsked)
    assert isinstance(events[place - 1], RequestReceived)
    assert (asked.request, asked.total, asked.device_id) == (place, 1, path.split("/")[3])
    assert [(entry.cell.start_time, entry.claimed) for entry in asked.entries if entry.cell] == [(NOON - HOUR, 7)]
    assert answer.get("code") == code


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b'{"recordSyncInfos": []}'])
def test_a_call_that_asks_nothing_is_in_the_history_too(body: bytes) -> None:
    """Without entries, and without fields if it has no JSON object."""
    api = Api(make_project()).connect()
    api.send("POST", SYNC_PATH, body, api.signed_headers("POST", SYNC_PATH, body))
    (asked,) = (entry.event for entry in api.project.history.after() if isinstance(entry.event, SyncAsked))
    assert (asked.fields, asked.total, asked.entries) == ({"recordSyncInfos": []} if b"Infos" in body else None, 0, ())


@settings(max_examples=examples(100))
@given(st.one_of(st.binary(max_size=100), json_values.map(lambda value: json.dumps(value).encode())))
def test_any_signed_body_gets_an_envelope(body: bytes) -> None:
    """Behind all credentials too."""
    api = Api(make_project()).connect()
    headers = api.signed_headers("POST", SYNC_PATH, body) | {"Content-Type": "application/json"}
    assert envelope(api, "POST", SYNC_PATH, headers.items(), body)["code"] in {1100, 1101, 1102, 1104, 1109}


@given(st.dictionaries(st.sampled_from(("page_no", "pageNo", "page_size", "product_type", "x")), st.text(max_size=10)))
def test_any_signed_query_gets_an_envelope(query: dict[str, str]) -> None:
    """A page, or a refusal of it."""
    api = Api(make_project()).connect()
    answer = api.call("GET", "/v1.0/expand/devices", **query)
    assert answer.get("code") in {None, 1101, 1104}


def test_the_answer_stays_small_however_much_is_wrong(api: Api) -> None:
    """A thousand bad infos are not told one by one."""
    body = json.dumps({"dataType": 0, "recordSyncInfos": [{}] * 1000}).encode()
    answer = envelope(api, "POST", SYNC_PATH, api.signed_headers("POST", SYNC_PATH, body).items(), body)
    assert answer["msg"].endswith("; and 3980 more")


def test_a_defect_is_answered_like_the_vendor_does(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Code 500 in an envelope, the trace in the log; under test it is raised instead."""
    app: Any = api.client.application

    def broken() -> object:
        raise ZeroDivisionError

    api.project.tokens.grant = broken  # type: ignore[method-assign, assignment] # a defect on purpose
    headers = api.signed_headers("GET", "/v1.0/token?grant_type=1").items()
    with pytest.raises(ZeroDivisionError):
        call(app, "GET", "/v1.0/token?grant_type=1", headers)
    app.testing = False
    status, _, content = call(app, "GET", "/v1.0/token?grant_type=1", headers)
    assert (status, json.loads(content)["code"]) == ("200 OK", 500)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/v1.0/token/"),
        ("GET", "/v1.0//token"),
        ("GET", "/v1.0/token/a/b"),
        ("POST", "/v1.0/token"),
        ("HEAD", "/v1.0/token"),
        ("OPTIONS", "/v1.0/token"),
        ("GET", SYNC_PATH),
        ("PUT", SYNC_PATH),
        ("POST", SYNC_PATH + "/"),
        ("POST", "/v1.0/parking-control//records/sync"),
        ("POST", f"/v1.0/parking-control/{LOT}/cars/lock"),
        ("DELETE", "/v1.0/expand/devices"),
        ("GET", "/V1.0/token"),
        ("GET", "/healthz"),
        ("GET", "/_lab/projects"),
    ],
)
def test_unknown_paths_and_wrong_methods_are_1108(api: Api, method: str, target: str) -> None:
    """Before anything about credentials, no redirect, nothing of the lab plane."""
    for headers in ({}, api.signed_headers(method, target)):
        if method == "HEAD":
            status, answered, content = call(api.client.application, method, target, headers.items())  # type: ignore[arg-type] # see raw.envelope
            assert (status, content) == ("200 OK", b"")
            assert "Location" not in answered
        else:
            assert envelope(api, method, target, headers.items())["code"] == 1108


def test_a_token(api: Api) -> None:
    """32 hex digits each, seconds that remain, the same pair again."""
    first: Any = api.call("GET", "/v1.0/token", grant_type=1)
    result = first["result"]
    assert set(result) == {"access_token", "refresh_token", "expire_time", "uid"}
    assert result["expire_time"] == 7200
    assert {len(result["access_token"]), len(result["refresh_token"])} == {32}
    assert first["t"] == NOON
    clock = api.project.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(1_767_500)
    second: Any = api.call("GET", "/v1.0/token", grant_type=1)
    assert second["result"] == result | {"expire_time": 5432}


@pytest.mark.parametrize(
    ("query", "code"),
    [({}, 1003), ({"grant_type": ""}, 1003), ({"grant_type": "3"}, 1003), ({"grant_type": "2"}, 1107)],
)
def test_other_grant_types_are_refused(api: Api, query: dict[str, str], code: int) -> None:
    """This cloud has no users, so it has no codes."""
    assert api.call("GET", "/v1.0/token", **query)["code"] == code


def test_a_sync_answers_with_a_serial_number_only(api: Api) -> None:
    """Whether the counts are equal is none of the answer's business."""
    api.project.keep([new_pass()])
    for total in (0, 1):
        answer: Any = api.sync(sync_info(total))
        assert answer["success"] is True
        assert set(answer["result"]) == {"sn"}
        assert isinstance(answer["result"]["sn"], str)


@pytest.mark.parametrize(
    ("device_id", "profile", "code"),
    [
        ("nobody", {}, 1106),
        ("nobody", {"unknown_device_code": 2010}, 2010),
        (LANE, {}, 2009),
        (JIESHUN_LOT, {}, 2003),
        (JIESHUN_LOT, {"jieshun_code": 2008}, 2008),
        (JIESHUN_LOT, {"jieshun_code": 2009}, 2009),
        (JIESHUN_LOT, {"jieshun": "accept-then-fail"}, None),
        (LOT, {}, 2001),
        (LOT, {"offline": "accept-then-unknown"}, None),
    ],
)
def test_what_a_device_answers(device_id: str, profile: dict[str, Any], code: int | None) -> None:
    """Unknown, lane, Jieshun and off-line devices, as the profile wants."""
    api = Api(make_project(Profile(**profile))).connect()
    api.project.put_device(Device(LOT, "off", online=False))
    assert api.sync(sync_info(0), device_id=device_id).get("code") == code


def test_a_command_can_be_watched(api: Api) -> None:
    """Sending, sent, succeeded; the record of it has the documented fields."""
    answer: Any = api.sync(sync_info(0))
    sn = answer["result"]["sn"]
    clock = api.project.clock
    assert isinstance(clock, VirtualClock)
    seen = []
    for step in (0, 50, 150):
        clock.advance(step)
        record: Any = api.call("GET", f"/v1.0/expand/cmds/{sn}")["result"]
        seen.append(record["process_status"])
    assert seen == [1, 2, 3]
    assert record == {
        "sn": sn,
        "happen_time": NOON,
        "message": "The command succeeded",
        "device_id": LOT,
        "process_status": 3,
    }
    assert api.call("GET", "/v1.0/expand/cmds/999")["code"] == 1000


def test_devices_are_listed_in_pages(api: Api) -> None:
    """With the total; a page behind the end is empty; a type filters."""

    def page(**query: object) -> tuple[list[str], int]:
        result: Any = api.call("GET", "/v1.0/expand/devices", **query)["result"]
        return [device["device_id"] for device in result["list"]], result["total"]

    assert page() == ([LOT, JIESHUN_LOT, LANE], 3)
    assert page(page_no=2, page_size=2) == ([LANE], 3)
    assert page(pageNo=3, pageSize=2) == ([], 3)
    assert page(product_type="wf_parking_lane") == ([LANE], 1)
    assert page(product_type="none") == ([], 0)
    assert page(product_type="") == ([LOT, JIESHUN_LOT, LANE], 3)


def test_a_device_has_the_documented_fields(api: Api) -> None:
    """Numbers for the two statuses, text for `extend_data`."""
    api.project.put_device(Device("ä/ö".replace("/", " "), "", online=False))
    device: Any = api.call("GET", f"/v1.0/expand/devices/{LOT}")["result"]
    assert set(device) == {
        *("device_id", "device_name", "product_id", "product_type", "supplier_code", "gateway_id", "cid"),
        *("active_status", "online_status", "install_location", "device_ip", "mac_address", "project_id"),
        *("extend_data", "create_time", "uid"),
    }
    assert (device["supplier_code"], device["active_status"], device["online_status"]) == ("tuya", 1, 1)
    assert json.loads(device["extend_data"]) == {}
    path = quote("/v1.0/expand/devices/ä ö")
    odd = envelope(api, "GET", path, api.signed_headers("GET", path).items())
    assert (odd["result"]["device_id"], odd["result"]["online_status"]) == ("ä ö", 0)
    assert api.call("GET", "/v1.0/expand/devices/nobody")["code"] == 1106


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_body_must_say_that_it_is_json(api: Api, content_type: str) -> None:
    """Parameters and case do not matter."""
    body = json.dumps({"dataType": 0, "recordSyncInfos": [sync_info(0)]}).encode()
    headers = api.signed_headers("POST", SYNC_PATH, body)
    assert api.send("POST", SYNC_PATH, body, headers | {"Content-Type": content_type})["code"] == 1006
    good = headers | {"Content-Type": "Application/JSON; charset=utf-8"}
    assert api.send("POST", SYNC_PATH, body, good)["success"] is True


def test_a_body_that_is_too_long_is_refused_unread(api: Api) -> None:
    """The server says so in the environment; the limit is named."""
    app: Any = api.client.application
    environ = build_environ("POST", SYNC_PATH, "", api.signed_headers("POST", SYNC_PATH).items(), b"") | {
        TOO_LARGE: True
    }
    content = b"".join(app(environ, lambda *_: None))
    assert json.loads(content)["code"] == 1109
    assert str(MAX_BODY) in json.loads(content)["msg"]


def test_requests_and_answers_are_in_the_history(api: Api) -> None:
    """The answer names its request; a success has a serial number, a failure code and text."""
    before = api.project.history.last
    answer: Any = api.sync(sync_info(0))
    api.call("GET", "/v1.0/nothing")
    entries: list[Entry] = [
        entry
        for entry in api.project.history.after(before)
        if isinstance(entry.event, (RequestReceived, RequestAnswered))
    ]
    first, answered, second, refused = entries
    assert isinstance(first.event, RequestReceived)
    assert (first.event.method, first.event.path) == ("POST", SYNC_PATH)
    assert '"totalCount": 0' in first.event.body
    assert answered.event == RequestAnswered(first.seq, None, None, answer["result"]["sn"], "whole")
    assert refused.event == RequestAnswered(second.seq, 1108, "uri path invalid", None, "whole")


def test_a_stranger_leaves_no_trace_in_a_project(api: Api) -> None:
    """Without a known client id there is nobody's history to write into."""
    before = api.project.history.last
    assert envelope(api, "GET", "/v1.0/token", [("client_id", "stranger")])["code"] == 1105
    assert api.project.history.last == before


def test_every_answer_has_a_trace_id_of_its_own(api: Api) -> None:
    """Also for strangers."""
    tids = {
        envelope(api, "GET", "/", headers)["tid"] for headers in ((), (), [("client_id", ACCESS_ID)]) for _ in range(3)
    }
    assert len(tids) == 9


def test_projects_are_apart() -> None:
    """A token of one project is none of the other's, though both are served by one cloud."""
    cloud = Cloud(VirtualClock(NOON))
    one = cloud.add(make_project(clock=cloud.clock))
    two = cloud.add(Project("other", "s" * 32, default_seed(), cloud.clock, random_seed=2))
    app = create_api(cloud)
    app.testing = True
    apis = [Api(one), Api(two)]
    for each in apis:
        each.client = app.test_client()
        each.connect()
    assert apis[0].token != apis[1].token
    apis[1].token = apis[0].token
    assert apis[1].call("GET", "/v1.0/expand/devices")["code"] == 1010
