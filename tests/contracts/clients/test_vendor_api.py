"""Tests of the reference client's calls: signatures, tokens, and what every answer means."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from contracts.client.interface import HttpAnswer, Socket, Stream
from contracts.clients.vendor_api import KEYS_CODES, KINDS, AnswerKind, CallError, VendorApi
from contracts.play.scenario import MIDNIGHT
from mock_server.model import JsonObject
from mock_server.wire.signature import SignedRequest, verify_v2

EXPORTS = {"api": "https://openapi.tuyacn.com", "access_id": "id", "access_secret": "secret"}
TOKEN = {"access_token": "token-1", "expire_time": 7200, "refresh_token": "x", "uid": "u"}


class Wire:
    """A link that answers what it is given, and notes what was asked."""

    def __init__(self, *answers: JsonObject | bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", _timeout_s: float = 10
    ) -> HttpAnswer:
        """The next answer."""
        self.asked.append((method, url, dict(headers), body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return HttpAnswer(200, {}, content)

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """There is no queue here."""
        raise ConnectionRefusedError(f"{url} {headers}")

    def open(self, url: str) -> Stream:
        """Nor here."""
        raise ConnectionRefusedError(url)


def success(result: Any, t: int = MIDNIGHT) -> JsonObject:
    """An envelope of a success."""
    return {"success": True, "t": t, "result": result}


def failure(code: int, t: int = MIDNIGHT) -> JsonObject:
    """An envelope of a failure."""
    return {"success": False, "t": t, "code": code, "msg": "no"}


def api_of(wire: Wire, clock: Callable[[], int] = lambda: MIDNIGHT) -> VendorApi:
    """Calls over a wire."""
    return VendorApi(EXPORTS, wire, clock)


def test_the_very_bytes_that_are_sent_are_signed() -> None:
    """The signature is right for the emulator's own verification, which knows nothing of the client."""
    wire = Wire(success(TOKEN), success({"sn": "1"}))
    api_of(wire).post("/v1.0/parking-control/lot/records/sync", {"plate": "京A12345"})
    _, _, headers, body = wire.asked[1]
    path = "/v1.0/parking-control/lot/records/sync"
    request = SignedRequest("POST", path, "", body, "id", "token-1", headers["t"])
    assert verify_v2("secret", request, headers["sign"])
    assert headers["Content-Type"] == "application/json"


def test_a_token_is_asked_for_once_and_renewed_before_it_dies() -> None:
    """It serves many calls; a minute before its end a new one is asked for."""
    now = [MIDNIGHT]
    wire = Wire(success(TOKEN), success({}), success({}), success(TOKEN, MIDNIGHT + 7_141_000), success({}))
    api = api_of(wire, lambda: now[0])
    api.business("GET", "/a")
    api.business("GET", "/a")
    now[0] += 7_141_000
    api.business("GET", "/a")
    assert [url.rsplit("/", 1)[1] for _, url, _, _ in wire.asked] == [
        "token?grant_type=1",
        "a",
        "a",
        "token?grant_type=1",
        "a",
    ]


def test_a_dead_token_is_replaced_once() -> None:
    """Not in a loop: a second refusal comes out."""
    wire = Wire(success(TOKEN), failure(1010), success(TOKEN), failure(1010))
    with pytest.raises(CallError) as error:
        api_of(wire).business("GET", "/a")
    assert error.value.code == 1010
    assert len(wire.asked) == 4


def test_a_wrong_clock_is_set_right_by_the_answer() -> None:
    """The refusal tells the cloud's time, with which the second attempt is signed."""
    wire = Wire(success(TOKEN), failure(1013, MIDNIGHT + 600_000), success({}, MIDNIGHT + 600_000))
    api = api_of(wire)
    api.business("GET", "/a")
    assert wire.asked[2][2]["t"] == str(MIDNIGHT + 600_000)
    assert api.now_ms() == MIDNIGHT + 600_000


@pytest.mark.parametrize(("code", "kind"), [*KINDS.items(), *((code, AnswerKind.LATER) for code in (500, 90_210))])
def test_every_code_has_a_kind(code: int, kind: AnswerKind) -> None:
    """What is not known is temporary."""
    with pytest.raises(CallError) as error:
        api_of(Wire(success(TOKEN), failure(code))).business("GET", "/a")
    assert error.value.kind is kind


@pytest.mark.parametrize("code", KEYS_CODES)
def test_a_code_of_one_device_is_one_of_the_keys_on_the_call_for_a_token(code: int) -> None:
    """2009 is an unknown client id there, and 2007 a foreign region: no lot is to blame, and nothing will work."""
    with pytest.raises(CallError) as error:
        api_of(Wire(failure(code))).business("GET", "/a")
    assert (error.value.kind, error.value.code) == (AnswerKind.STOP, code)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b'{"success": tr',
        b"[]",
        b"null",
        {"success": True},
        {"success": "true", "t": MIDNIGHT, "result": {}},
        {"success": True, "t": MIDNIGHT, "result": []},
        {"success": True, "t": MIDNIGHT},
        TimeoutError("slow"),
        ConnectionResetError("gone"),
    ],
    ids=repr,
)
def test_an_unusable_answer_is_a_failure_to_try_again(answer: Any) -> None:
    """Whatever it is, it is never a success and never another exception."""
    with pytest.raises(CallError) as error:
        api_of(Wire(success(TOKEN), answer)).business("GET", "/a")
    assert error.value.kind is AnswerKind.LATER
    assert error.value.code is None


def test_a_token_answer_without_a_token_is_a_failure_too() -> None:
    """`result` may be an empty object."""
    with pytest.raises(CallError, match="no token"):
        api_of(Wire(success({}))).live_token()


def test_another_status_than_200_is_a_failure() -> None:
    """A proxy's answer is not the vendor's, whatever its body says."""

    class Proxy(Wire):
        def call(
            self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
        ) -> HttpAnswer:
            """A bad gateway."""
            return super().call(method, url, headers, body, timeout_s)._replace(status=502)

    with pytest.raises(CallError, match="502"):
        api_of(Proxy(success(TOKEN))).live_token()
