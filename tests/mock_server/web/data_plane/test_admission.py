import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.profile import Profile
from tests.mock_server.web.raw import envelope
from tests.support import ACCESS_SECRET, LOT, NOON, SYNC_PATH, Api, examples, make_project, sign, sync_info

DEVICES = "/v1.0/expand/devices"


@pytest.fixture
def clock(api: Api) -> VirtualClock:
    """The clock of the client's project."""
    assert isinstance(api.project.clock, VirtualClock)
    return api.project.clock


def code(api: Api, method: str = "GET", target: str = DEVICES, body: bytes = b"", **changes: str) -> Any:
    """The code of a signed request with other headers; None for a success."""
    return api.send(method, target, body, api.signed_headers(method, target, body, **changes)).get("code")


def test_the_earliest_fault_is_reported(api: Api) -> None:
    """A request that is wrong in every way, repaired step by step, goes through all codes in the order of checks."""
    wrong = {"path": "/v1.0/parking-control/nobody/records/sink", "t": "1", "token": "dead", "type": "text/plain"}
    wrong |= {"client_id": "stranger", "sign": "0" * 64, "sign_method": "", "body": "{"}
    good_body = json.dumps({"dataType": 0, "recordSyncInfos": [sync_info(0)]})
    repairs = [
        ("path", "/v1.0/parking-control/nobody/records/sync", 1108),
        ("sign_method", "HMAC-SHA256", 1105),
        ("client_id", api.project.access_id, 2009),
        ("t", str(NOON), 1013),
        ("sign", "", 1004),
        ("token", api.token, 1010),
        ("type", "application/json", 1006),
        ("body", "{}", 1109),
        ("body", good_body, 1100),
        ("path", SYNC_PATH, 1106),
    ]
    state = dict(wrong)
    for part, repaired, expected in repairs:
        assert wrong_request(api, state)["code"] == expected, f"before the repair of {part}"
        state[part] = repaired
    assert wrong_request(api, state)["success"] is True


def wrong_request(api: Api, state: dict[str, str]) -> Any:
    """Send what the state says; with no sign in it the request is signed as it is."""
    body = state["body"].encode()
    prefix = state["client_id"] + state["token"] + state["t"]
    headers = {
        "client_id": state["client_id"],
        "t": state["t"],
        "sign_method": state["sign_method"],
        "sign": state["sign"] or sign(ACCESS_SECRET, "POST", state["path"], body, prefix),
        "access_token": state["token"],
        "Content-Type": state["type"],
    }
    return envelope(api, "POST", state["path"], headers.items(), body)


@pytest.mark.parametrize(
    ("profile", "refusal"),
    [
        ({}, (2009, "clientId is invalid")),
        ({"unknown_client_code": 1005}, (1005, "clientId invalid")),
    ],
    ids=str,
)
def test_an_unknown_client_is_refused_as_observed_or_by_the_table(
    profile: dict[str, Any], refusal: tuple[int, str]
) -> None:
    """2009 with the text of practice by default; the profile answers by the vendor's table."""
    api = Api(make_project(Profile(**profile)))
    answer = api.send("GET", "/v1.0/token", headers=api.signed_headers("GET", "/v1.0/token", client_id="nobody"))
    assert (answer["code"], answer["msg"]) == refusal


@pytest.mark.parametrize(
    "path",
    [
        "//v1.0/expand/devices",
        "///v1.0/expand/devices",
        "/v1.0//expand/devices",
        "/v1.0/expand/devices/",
        f"/v1.0/expand/devices/{LOT}/",
        "/v1.0/./expand/devices",
        "/v1.0/x/../expand/devices",
        "/v1.0%2Fexpand/devices",
        "%2fv1.0/expand/devices",
        "/v1.0/expand/devices%2F" + LOT,
        "/v1.0/expand\\devices",
        "v1.0/expand/devices",
        "",
        "/V1.0/expand/devices",
        "//v1.0/token?grant_type=1",
        "/v1.0/token/?grant_type=1",
        "/v1.0%2Ftoken?grant_type=1",
    ],
)
def test_a_path_is_known_as_it_is_written_or_not_at_all(api: Api, path: str) -> None:
    """More or fewer slashes, dots, encoded slashes and other cases are other paths, however well they are signed."""
    assert envelope(api, "GET", path, api.signed_headers("GET", path).items())["code"] == 1108


def test_an_encoded_letter_of_a_path_is_that_letter(api: Api) -> None:
    """Both are one path by RFC 3986; the signature covers what was sent."""
    path = "/v1.0/expand/device%73"
    assert envelope(api, "GET", path, api.signed_headers("GET", path).items())["success"] is True


@pytest.mark.parametrize("missing", ["client_id", "sign", "t", "sign_method"])
def test_each_required_header_is_missed_by_name(api: Api, missing: str) -> None:
    """Absent or empty is the same."""
    for method, target in (("GET", DEVICES), ("GET", "/v1.0/token?grant_type=1")):
        headers = api.signed_headers(method, target)
        del headers[missing]
        for sent in (headers, headers | {missing: ""}):
            answer = envelope(api, method, target, sent.items())
            assert (answer["code"], answer["msg"]) == (1105, f"missing the header: {missing}")


@pytest.mark.parametrize("dashed", ["client-id", "access-token", "sign-method", "Client-Id", "ACCESS-TOKEN"])
def test_the_dashed_twin_of_a_header_is_another_header(api: Api, dashed: str) -> None:
    """WSGI would take one for the other; the vendor does not."""
    name = dashed.lower().replace("-", "_")
    headers = api.signed_headers("GET", DEVICES)
    twins = {dashed: headers.pop(name)}
    assert envelope(api, "GET", DEVICES, [*headers.items(), *twins.items()])["success"] is False
    real = api.signed_headers("GET", DEVICES)
    assert envelope(api, "GET", DEVICES, [(dashed, "other"), *real.items()])["success"] is True


@pytest.mark.parametrize("name", ["Client_id", "CLIENT_ID", "client_ID"])
def test_header_names_have_any_case(api: Api, name: str) -> None:
    """The Go SDK sends `Client_id`."""
    headers = api.signed_headers("GET", DEVICES)
    headers[name] = headers.pop("client_id")
    assert envelope(api, "GET", DEVICES, headers.items())["success"] is True


def test_a_header_sent_twice_is_not_believed(api: Api) -> None:
    """Neither value counts."""
    headers = api.signed_headers("GET", DEVICES)
    assert envelope(api, "GET", DEVICES, [*headers.items(), ("client_id", "x")])["code"] == 2009
    assert envelope(api, "GET", DEVICES, [*headers.items(), ("access_token", "x")])["code"] == 1004


@pytest.mark.parametrize("method", ["hmac-sha256", "HMAC-SHA1", "MD5"])
def test_another_sign_method_is_refused(api: Api, method: str) -> None:
    """There is one."""
    assert code(api, sign_method=method) == 1004


@pytest.mark.parametrize(
    ("off_ms", "expected"), [(0, None), (300_000, None), (-300_000, None), (300_001, 1013), (-300_001, 1013)]
)
def test_the_clock_may_be_five_minutes_off(api: Api, off_ms: int, expected: int | None) -> None:
    """Either way, to the millisecond."""
    assert code(api, t=str(NOON + off_ms)) == expected


@pytest.mark.parametrize(
    "t", [str(NOON // 1000), f"{NOON}0", f"+{NOON}"[:13], "now", f"{NOON}.0", "١" * 13, "-1652788800000"]
)
def test_a_time_has_13_digits(api: Api, t: str) -> None:
    """Seconds, microseconds, signs and other alphabets are refused."""
    headers = api.signed_headers("GET", DEVICES, t="1")
    headers["t"] = t.encode().decode("latin-1")
    assert envelope(api, "GET", DEVICES, headers.items())["code"] == 1013


def test_the_tolerance_is_the_profiles() -> None:
    """A stricter cloud is stricter."""
    api = Api(make_project(Profile(time_tolerance_ms=10))).connect()
    assert (code(api, t=str(NOON + 10)), code(api, t=str(NOON + 11))) == (None, 1013)


def test_a_token_is_needed_and_may_be_dead(api: Api, clock: VirtualClock) -> None:
    """Empty, garbage, expired and revoked tokens are all 1010, the only code that SDKs react to."""
    assert code(api) is None
    for token in ("", "garbage", api.token.upper()):
        assert code(api, access_token=token) == 1010
    clock.advance(7_200_000)
    assert code(api) == 1010
    api.connect()
    assert code(api) is None
    api.project.tokens.expire()
    assert code(api) == 1010


def test_token_calls_ignore_the_access_token(api: Api) -> None:
    """Present and dead, present and empty, absent: the SDKs do all three."""
    for token in ("", "dead", api.token):
        target = "/v1.0/token?grant_type=1"
        headers = api.signed_headers("GET", target)
        assert envelope(api, "GET", target, [*headers.items(), ("access_token", token)])["success"] is True


@pytest.mark.parametrize(
    ("profile", "passes_on_refresh", "passes_elsewhere"),
    [("refresh", True, False), ("always", True, True), ("never", False, False)],
)
def test_the_old_signature_passes_where_the_profile_says(
    profile: str,
    passes_on_refresh: bool,  # noqa: FBT001 a test parameter
    passes_elsewhere: bool,  # noqa: FBT001 a test parameter
) -> None:
    """By default on the refresh call, which the Node SDK signs so in every version."""
    api = Api(make_project(Profile(signature_v1=profile))).connect()  # type: ignore[arg-type] # parameters are texts
    v1_business = old_sign(api, api.token)
    assert (code(api, sign=v1_business) is None) == passes_elsewhere
    v1_token = old_sign(api, "")
    assert (code(api, target="/v1.0/token?grant_type=1", sign=v1_token) is None) == passes_elsewhere
    refresh = f"/v1.0/token/{api.project.tokens.grant().refresh_token}"
    assert (code(api, target=refresh, sign=v1_token) is None) == passes_on_refresh


def old_sign(api: Api, token: str) -> str:
    """The v1 signature at noon."""
    text = api.project.access_id + token + str(NOON)
    return hmac.new(ACCESS_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


@settings(max_examples=examples(60))
@given(
    query=st.dictionaries(st.text(max_size=6), st.text(max_size=8), max_size=4),
    device_id=st.text(min_size=1, max_size=8).filter(lambda text: "/" not in text),
    nonce=st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=10),
    body=st.binary(max_size=30),
    value=st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=10),
    name=st.sampled_from(("area_id", "X-Call-Id", "Content-Type", "Host")),
)
def test_whatever_is_signed_right_is_admitted(
    query: dict[str, str], device_id: str, nonce: str, body: bytes, value: str, name: str
) -> None:
    """Over the wire: encoded query and path, raw body, nonce and signed headers in UTF-8."""
    api = Api(make_project()).connect()
    plain = "&".join(f"{key}={query[key]}" for key in sorted(query))
    path = f"/v1.0/expand/devices/{device_id}"
    wire = f"/v1.0/expand/devices/{quote(device_id, safe='')}"
    wire += "?" + "&".join(f"{quote(key)}={quote(query[key])}" for key in query) if query else ""
    prefix = api.project.access_id + api.token + str(NOON) + nonce
    headers = {
        "client_id": api.project.access_id,
        "t": str(NOON),
        "sign_method": "HMAC-SHA256",
        "access_token": api.token,
        "nonce": nonce,
        "Signature-Headers": name,
        name: value,
        "sign": sign(ACCESS_SECRET, "GET", path + (f"?{plain}" if plain else ""), body, prefix, f"{name}:{value}\n"),
    }
    over_the_wire = [(key, text.encode().decode("latin-1")) for key, text in headers.items()]
    answer = envelope(api, "GET", wire, over_the_wire, body)
    assert answer.get("code") == (None if device_id in api.project.devices else 1106)


def test_a_body_is_signed_byte_by_byte(api: Api) -> None:
    """The same JSON with other spaces has another signature."""
    body = json.dumps({"dataType": 0, "recordSyncInfos": [sync_info(0)]}).encode()
    headers = api.signed_headers("POST", SYNC_PATH, body)
    assert api.send("POST", SYNC_PATH, body.replace(b" ", b""), headers)["code"] == 1004
    assert api.send("POST", SYNC_PATH, body, headers)["success"] is True


def test_an_unsorted_query_is_signed_sorted(api: Api) -> None:
    """Signing it as typed is the commonest mistake of all."""
    unsorted = f"{DEVICES}?page_size=5&page_no=1"
    assert code(api, target=unsorted) == 1004
    headers = api.signed_headers("GET", f"{DEVICES}?page_no=1&page_size=5")
    assert api.send("GET", unsorted, b"", headers)["success"] is True


def test_two_clients_share_the_projects_token(api: Api) -> None:
    """And a refresh by one strands the other."""
    other = Api(api.project).connect()
    assert other.token == api.token
    refresh = api.project.tokens.grant().refresh_token
    answer: Any = other.call("GET", f"/v1.0/token/{refresh}")
    assert answer["result"]["expire_time"] == 7200
    assert code(api) == 1010
    assert other.call("GET", f"/v1.0/token/{refresh}")["code"] == 1010, "a refresh token works once"


def test_the_device_is_the_last_to_be_looked_at(api: Api) -> None:
    """A bad body for an unknown device is a bad body."""
    answer = api.call("POST", "/v1.0/parking-control/nobody/records/sync", {"dataType": 0})
    assert answer["code"] == 1100
    assert api.call("POST", f"/v1.0/parking-control/{LOT}/records/sync", {"dataType": 0})["code"] == 1100
