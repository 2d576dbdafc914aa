"""Tests of a history's calls as HAR: each with its answer, as far as the history knows it."""

import json
from typing import Any

import pytest
import requests

from mock_server.history.events import RequestAnswered, RequestReceived
from mock_server.history.har import GARBLED, TOLD, UNANSWERED, har_entries
from mock_server.history.log import Entry
from mock_server.lab_client import LabApiError, LabClient, LabProject
from tests.support import NOON

API = "http://127.0.0.1:8280"
ASK = RequestReceived("POST", "/v1.0/x", "a=1&b=", {"Content-Type": "application/json", "sign": "****"}, '{"k":"é"}')

REQUIRED: dict[str, Any] = {
    "startedDateTime": "",
    "time": 0,
    "request": dict.fromkeys(
        ("method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize")
    ),
    "response": dict.fromkeys(
        (
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
            "bodySize",
        )
    ),
    "cache": {},
    "timings": dict.fromkeys(("send", "wait", "receive")),
}
"""The members that HAR 1.2 requires of an entry."""


def made(*entries: Entry) -> list[Any]:
    """The calls of some entries."""
    found: list[Any] = list(har_entries(entries, API))
    for each in found:
        assert REQUIRED.keys() <= each.keys()
        for name in ("request", "response", "timings"):
            assert REQUIRED[name].keys() <= each[name].keys()
        json.dumps(each)
    return found


def test_a_call_has_its_answer() -> None:
    """Its times, address, header fields, query and body; of the answer what the history tells, which is said."""
    (call,) = made(Entry(3, NOON, ASK), Entry(5, NOON + 40, RequestAnswered(3, None, None, "135", "whole")))
    assert (call["startedDateTime"], call["time"], call["timings"]["wait"]) == ("2022-05-17T12:00:00.000Z", 40, 40)
    request = call["request"]
    assert (request["method"], request["url"]) == ("POST", f"{API}/v1.0/x?a=1&b=")
    assert request["headers"][1] == {"name": "sign", "value": "****"}
    assert request["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]
    assert request["postData"] == {"mimeType": "application/json", "text": '{"k":"é"}'}
    assert request["bodySize"] == 10
    content = call["response"]["content"]
    assert json.loads(content["text"]) == {"result": {"sn": "135"}, "success": True}
    assert (call["response"]["status"], content["comment"]) == (200, TOLD)


def test_refusals_and_what_did_not_go_out() -> None:
    """A refusal is in the body, as at the vendor's; without an answer the status is 0, and the call comes last."""
    answers = (
        RequestAnswered(1, 1004, "sign invalid", None, "whole"),
        RequestAnswered(2, None, None, None, "garbled"),
        RequestAnswered(3, None, None, None, "not"),
        RequestAnswered(99, None, None, None, "whole"),
    )
    asked = [Entry(number, NOON + number, ASK) for number in (4, 1, 2, 3)]
    calls = made(*asked, *(Entry(10 + place, NOON + 50, each) for place, each in enumerate(answers)))
    assert [call["comment"] for call in calls] == [f"line {number} of the history" for number in (1, 2, 3, 4)]
    refused, garbled, silent, waiting = calls
    assert json.loads(refused["response"]["content"]["text"])["code"] == 1004
    assert garbled["response"]["content"]["comment"] == GARBLED
    for call in (silent, waiting):
        assert (call["response"]["status"], call["response"]["content"]["comment"]) == (0, UNANSWERED)
    assert "postData" not in made(Entry(1, NOON, RequestReceived("GET", "/v1.0/token", "", {}, "")))[0]["request"]


def test_a_history_is_asked_for_as_har(lab: LabClient, world: LabProject) -> None:
    """With the calls alone, after a line as with JSON lines; another format is refused."""
    exports = world.exports()
    requests.get(f"{exports['api']}/v1.0/token?grant_type=1", headers={"client_id": world.access_id}, timeout=60)
    path = f"/_lab/projects/{world.access_id}/history"
    log = lab.call("GET", path, format="har")["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "parking-mock")
    (call,) = log["entries"]
    assert call["request"]["url"] == f"{exports['api']}/v1.0/token?grant_type=1"
    assert lab.call("GET", path, format="har", after=world.history()[-1]["seq"])["log"]["entries"] == []
    with pytest.raises(LabApiError, match="format must be lines or har") as refused:
        lab.call("GET", path, format="pcap")
    assert refused.value.status == 400
