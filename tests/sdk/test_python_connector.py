"""The official Python SDK's API client, `tuya_connector.TuyaOpenAPI`, as pip installs it."""

from typing import Any

import pytest

from mock_server.profile import Profile
from tests.sdk.python_sdk import Heard, api_client, connected_client, pulsar, value_of
from tests.sdk.world import StartWorld, World, sync_body, wait_until
from tests.support import JIESHUN_LOT, LANE, LOT, SYNC_PATH

DEVICES = "/v1.0/expand/devices"


def test_connect_keeps_the_token_and_when_it_ends(world: World, openapi: Any) -> None:
    """connect() takes tokens and lifetime from the answer; expiry is `t` in ms plus `expire_time` in seconds."""
    token = openapi.token_info
    assert openapi.is_connect()
    assert (len(token.access_token), len(token.refresh_token)) == (32, 32)
    assert token.uid == world.project.uid
    assert 7_000_000 < token.expire_time - world.now_ms() <= 7_200_000


def test_two_clients_share_the_live_token(world: World, openapi: Any) -> None:
    """A second login of the same project gets the same token, so the first client is not thrown out."""
    with connected_client(world) as other:
        assert other.token_info.access_token == openapi.token_info.access_token
    assert openapi.get(DEVICES)["success"]


def test_a_failed_connect_returns_the_envelope(world: World) -> None:
    """connect() with a wrong secret raises nothing: it returns code 1004 and leaves the client unconnected."""
    with api_client(world, access_secret="0" * 32) as client:
        assert client.connect()["code"] == 1004
        assert not client.is_connect()


def test_connecting_twice_is_1004(world: World, openapi: Any) -> None:
    """A connected client signs its next login with its token, which token calls must not: 1004, and nothing changes."""
    assert openapi.connect()["code"] == 1004
    assert openapi.get(DEVICES)["success"]


def test_proactive_refresh(world: World) -> None:
    """In the last minute of its token the SDK refreshes before the call, which then succeeds with the new token."""
    world.age_token(remaining_s=30)
    with connected_client(world) as client:
        old = client.token_info.access_token
        assert client.get(DEVICES)["success"]
        assert client.token_info.access_token not in ("", old)
    assert world.summaries() == [("token", None), ("refresh", None), ("expand/devices", None)]


def test_no_refresh_before_the_last_minute(world: World) -> None:
    """With two minutes left the SDK uses its token as it is."""
    world.age_token(remaining_s=120)
    with connected_client(world) as client:
        assert client.get(DEVICES)["success"]
    assert world.summaries() == [("token", None), ("expand/devices", None)]


def test_refused_refresh_costs_one_call(world: World) -> None:
    """A refused refresh leaves the SDK with an empty token: the call fails with 1010, the next one works.

    The login that the SDK makes upon the refused refresh is overwritten by the refused answer.
    """
    world.age_token(remaining_s=30)
    with connected_client(world) as client:
        world.refresh_token_elsewhere()
        assert client.get(DEVICES)["code"] == 1010
        assert client.get(DEVICES)["success"]
    assert world.summaries()[1:] == [
        ("refresh", 1010),
        ("token", None),
        ("expand/devices", 1010),
        ("token", None),
        ("expand/devices", None),
    ]
    assert "access_token" not in world.calls()[3].headers


def test_1010_is_returned_and_the_next_call_works(world: World, openapi: Any) -> None:
    """On 1010 the SDK logs in again but does not repeat the call: its caller has to."""
    world.refresh_token_elsewhere()
    answer = openapi.post(SYNC_PATH, sync_body(world, 0))
    assert (answer["success"], answer["code"], answer["msg"]) == (False, 1010, "token invalid")
    assert not world.rereports()
    assert openapi.post(SYNC_PATH, sync_body(world, 0))["success"]
    assert [code for _, code in world.summaries()] == [None, 1010, None, None]


def test_an_expired_token_is_1010(world: World, openapi: Any) -> None:
    """A token that died of age answers 1010, and the login that follows brings a new one."""
    old = openapi.token_info.access_token
    world.expire_token()
    assert openapi.get(DEVICES)["code"] == 1010
    assert openapi.token_info.access_token not in ("", old)


def test_calling_without_connect_is_1010(world: World) -> None:
    """An empty access token with a right signature answers 1010, which is what makes the SDK log in."""
    with api_client(world) as client:
        assert client.get(DEVICES)["code"] == 1010
        assert client.get(DEVICES)["success"]


def test_equal_counts_report_nothing(world: World, openapi: Any) -> None:
    """records/sync answers an `sn`; a right count causes no re-report."""
    world.add_passes(3)
    answer = openapi.post(SYNC_PATH, sync_body(world, 3))
    assert answer["result"]["sn"].startswith("135")
    world.wait_for("count.compared", claimed=3, counted=3, equal=True)
    assert world.rereports() == []


def test_lost_records_come_again_by_the_queue(world: World, openapi: Any) -> None:
    """The whole story: a client counts what it got, posts the count, and gets the window's records again."""
    heard = Heard()
    with pulsar(world, heard):
        lost = world.add_passes(2, uplink="lose")
        got = world.add_passes(3, plate_no="京A12345")
        assert heard.next_record_ids(3) == got

        sn = openapi.post(SYNC_PATH, sync_body(world, 3))["result"]["sn"]

        again = heard.next_record_ids(5)
        assert sorted(again) == sorted(lost + got)
        (rereport,) = world.rereports()
        assert (rereport["sn"], rereport["claimed"], rereport["counted"]) == (sn, 3, 5)
        assert again == rereport["record_ids"]
        result = value_of(heard.next())
        assert (result["sn"], result["processStatus"]) == (sn, 3)
        world.wait_until_idle()
    assert heard.nothing()


def test_snake_case_body(world: World, openapi: Any) -> None:
    """The parameter tables' spelling is accepted as well as the examples'."""
    now = world.now_ms()
    info = {"total_count": 0, "start_time": now - 1000, "end_time": now, "pass_direction": 1}
    assert openapi.post(SYNC_PATH, {"data_type": 0, "record_sync_infos": [info]})["success"]


def test_command_status(world: World, openapi: Any) -> None:
    """The command of an `sn` passes through sending and sent to succeeded, and can be asked for at any time."""
    sn = openapi.post(SYNC_PATH, sync_body(world, 0))["result"]["sn"]

    def finished() -> Any:
        command = openapi.get(f"/v1.0/expand/cmds/{sn}")["result"]
        return command if command["process_status"] > 2 else None

    command = wait_until(finished, "the command has an outcome")
    assert (command["sn"], command["device_id"], command["process_status"]) == (sn, LOT, 3)
    assert [entry["status"] for entry in world.history("command", sn=sn)] == [1, 2, 3]


def test_query_in_params_is_sorted_by_the_sdk(openapi: Any) -> None:
    """Parameters in the params dict may have any order: the SDK signs them sorted and sends them as inserted."""
    page = openapi.get(DEVICES, {"page_size": 1, "page_no": 2})["result"]
    assert (page["page_no"], page["page_size"], page["total"]) == (2, 1, 3)
    assert [device["device_id"] for device in page["list"]] == [JIESHUN_LOT]


def test_query_values_are_signed_decoded(openapi: Any) -> None:
    """Spaces, signs and non-ASCII values are signed as they are and sent percent-encoded."""
    odd = {"product_type": "a b&c=d/é 车场", "page_no": 1}
    assert openapi.get(DEVICES, odd)["result"]["total"] == 0


def test_query_typed_into_the_path_must_be_sorted(openapi: Any) -> None:
    """A query typed into the path is signed as typed: unsorted it answers 1004, sorted it works."""
    assert openapi.get(f"{DEVICES}?page_size=1&page_no=2")["code"] == 1004
    assert openapi.get(f"{DEVICES}?page_no=2&page_size=1")["success"]


def test_empty_body_is_1004(openapi: Any) -> None:
    """post(path, {}) sends the two bytes `{}` but signs the hash of nothing, so the signature is wrong."""
    assert openapi.post(SYNC_PATH, {})["code"] == 1004


def test_no_body_is_signed_right(openapi: Any) -> None:
    """post(path) sends nothing and signs nothing: the signature is right, the content type is not."""
    assert openapi.post(SYNC_PATH)["code"] == 1006


def test_jieshun_refuses(world: World, openapi: Any) -> None:
    """A Jieshun lot does not support the command: code 2003, no `sn`, nothing compared."""
    answer = openapi.post(f"/v1.0/parking-control/{JIESHUN_LOT}/records/sync", sync_body(world, 0))
    assert (answer["success"], answer["code"]) == (False, 2003)
    assert "result" not in answer
    assert world.history("count.compared") == []


def test_jieshun_takes_the_command_and_fails_it(start_world: StartWorld) -> None:
    """With the profile's other answer the call gets an `sn` and the command ends in status 4."""
    world = start_world(Profile(jieshun="accept-then-fail"))
    with connected_client(world) as client:
        answer = client.post(f"/v1.0/parking-control/{JIESHUN_LOT}/records/sync", sync_body(world, 0))
        world.wait_for("command", sn=answer["result"]["sn"], status=4)


def _sync(device_id: str) -> str:
    return f"/v1.0/parking-control/{device_id}/records/sync"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("get", "/v1.0/expand/cmds/135", None, 1000),
        ("post", SYNC_PATH, {"dataType": 0}, 1100),
        ("post", SYNC_PATH, {"dataType": 2, "recordSyncInfos": []}, 1101),
        ("post", SYNC_PATH, {"dataType": None}, 1102),
        ("post", SYNC_PATH, {"dataType": "0"}, 1104),
        ("post", _sync("6ce9999999999999"), "right", 1106),
        ("get", "/v1.0/expand/devices/6ce9999999999999", None, 1106),
        ("get", "/no/such/path", None, 1108),
        ("get", "", None, 1108),
        ("put", SYNC_PATH, {"dataType": 0}, 1108),
        ("delete", SYNC_PATH, None, 1108),
        ("post", SYNC_PATH, {"dataType": 0, "record_sync_infos": []}, 1109),
        ("post", _sync(LANE), "right", 2009),
    ],
)
def test_refusals_are_http_200(world: World, openapi: Any, method: str, path: str, body: object, code: int) -> None:
    """Every refusal is HTTP 200 with an envelope: upon any other status the SDK would raise AttributeError."""
    sent = sync_body(world, 0) if body == "right" else body
    answer = getattr(openapi, method)(path, sent)
    assert (answer["success"], answer["code"]) == (False, code)
    assert answer["msg"]
    assert answer["t"] > 0
    assert len(answer["tid"]) == 32


@pytest.mark.parametrize(("query", "code"), [({"grant_type": 7}, 1003), ({"grant_type": 2, "code": "x"}, 1107)])
def test_other_grants_are_http_200(world: World, query: dict[str, object], code: int) -> None:
    """Grant types other than 1 are refused with an envelope."""
    with api_client(world) as client:
        assert client.get("/v1.0/token", query)["code"] == code


def test_unknown_client_is_http_200(world: World) -> None:
    """An access id that nobody has answers 2009 as an envelope."""
    with api_client(world, access_id="nobody") as client:
        assert client.connect()["code"] == 2009


def test_off_line_lot_is_http_200(world: World, openapi: Any) -> None:
    """A lot without a line answers 2001 as an envelope."""
    world.take_lot_off_line()
    assert openapi.post(SYNC_PATH, sync_body(world, 0))["code"] == 2001


@pytest.mark.parametrize("ahead_ms", [360_000, -360_000])
def test_wrong_clock_is_1013(start_world: StartWorld, ahead_ms: int) -> None:
    """A client whose clock is six minutes off gets 1013, from the first login on."""
    with api_client(start_world(ahead_ms=ahead_ms)) as client:
        assert client.connect()["code"] == 1013
