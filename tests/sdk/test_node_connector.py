"""The official Node SDK, `@tuya/tuya-connector-nodejs`, as npm installs it."""

from typing import Any

import pytest

from mock_server.profile import Profile
from tests.sdk.node_program import NodeProgram, StartNode
from tests.sdk.world import StartWorld, World, sync_body, wait_until
from tests.support import JIESHUN_LOT, LANE, LOT, SYNC_PATH

DEVICES = "/v1.0/expand/devices"


def test_token(world: World, connector: NodeProgram) -> None:
    """init() gets a token pair with its lifetime in seconds."""
    token = connector.ask("init")["value"]["result"]
    assert 7190 <= token["expire_time"] <= 7200
    assert (len(token["access_token"]), len(token["refresh_token"])) == (32, 32)
    assert world.summaries() == [("token", None)]


def test_token_before_the_first_call(world: World, connector: NodeProgram) -> None:
    """Without a token the first call gets one by itself."""
    assert connector.request("GET", DEVICES)["success"]
    assert world.summaries() == [("token", None), ("expand/devices", None)]


def test_get_with_a_body(world: World, connector: NodeProgram) -> None:
    """A GET carries the two bytes `{}` and signs them."""
    device = connector.request("GET", f"{DEVICES}/{LOT}")["result"]
    assert (device["device_id"], device["supplier_code"]) == (LOT, "tuya")
    assert (world.calls()[-1].method, world.calls()[-1].body) == ("GET", "{}")


def test_a_failed_login_throws(world: World, start_node: StartNode) -> None:
    """A refused login is an exception that names code and text of the envelope."""
    connector = start_node.connector(world, secretKey="0" * 32)
    assert connector.ask("init") == {"error": "GET_TOKEN_FAILED 1004, sign invalid"}


def test_refresh_on_1010_and_repeat(world: World, connector: NodeProgram) -> None:
    """On 1010 the SDK refreshes, signed the old way and with the dead token in the header, and repeats the call."""
    connector.ask("init")
    world.expire_token()
    assert connector.request("POST", SYNC_PATH, body=sync_body(world, 0))["success"]
    failed, refresh, repeated = world.calls()[1:]
    assert (failed.code, refresh.summary, repeated.code) == (1010, ("refresh", None), None)
    assert refresh.headers["access_token"] == failed.headers["access_token"]
    assert repeated.headers["access_token"] != failed.headers["access_token"]
    assert repeated.body == failed.body
    assert len(world.history("count.compared")) == 1


def test_refused_refresh_falls_back_to_a_login(world: World, connector: NodeProgram) -> None:
    """When another process has refreshed the shared token, the SDK logs in again and repeats the call."""
    connector.ask("init")
    world.refresh_token_elsewhere()
    assert connector.request("GET", DEVICES)["success"]
    assert world.summaries()[1:] == [
        ("expand/devices", 1010),
        ("refresh", 1010),
        ("token", None),
        ("expand/devices", None),
    ]


def test_refresh_where_the_old_signature_is_refused(start_world: StartWorld, start_node: StartNode) -> None:
    """With profile signature_v1="never" the refresh answers 1004, and the SDK recovers by a login."""
    world = start_world(Profile(signature_v1="never"))
    connector = start_node.connector(world)
    connector.ask("init")
    world.expire_token()
    assert connector.request("GET", DEVICES)["success"]
    assert [code for _, code in world.summaries()] == [None, 1010, 1004, None, None]


def test_a_call_is_repeated_once_only(world: World, connector: NodeProgram) -> None:
    """With retry off, 1010 comes back to the caller."""
    connector.ask("init")
    world.expire_token()
    assert connector.request("GET", DEVICES, retry=False)["code"] == 1010


def test_sync_and_rereport(world: World, connector: NodeProgram) -> None:
    """A wrong count posted by the SDK makes the lot report the window's records again."""
    lost = world.add_passes(2, uplink="lose")
    sn = connector.request("POST", SYNC_PATH, body=sync_body(world, 0))["result"]["sn"]
    (rereport,) = world.rereports()
    assert (rereport["sn"], rereport["record_ids"]) == (sn, lost)


def test_body_is_compact_utf8(world: World, connector: NodeProgram) -> None:
    """The SDK sends compact JSON in plain UTF-8, and the signature covers those bytes."""
    body = {**sync_body(world, 0), "note": "京A 12345"}
    assert connector.request("POST", SYNC_PATH, body=body)["success"]
    assert '"note":"京A 12345"}' in world.calls()[-1].body


def test_command_status(connector: NodeProgram, world: World) -> None:
    """The command of an `sn` can be asked for until it has succeeded."""
    sn = connector.request("POST", SYNC_PATH, body=sync_body(world, 0))["result"]["sn"]

    def finished() -> Any:
        command = connector.request("GET", f"/v1.0/expand/cmds/{sn}")["result"]
        return command if command["process_status"] > 2 else None

    command = wait_until(finished, "the command has an outcome")
    assert (command["sn"], command["device_id"], command["process_status"]) == (sn, LOT, 3)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (DEVICES, {"page_size": 1, "page_no": 2}),
        (f"{DEVICES}?page_size=1&page_no=2", {}),
        (f"{DEVICES}?page_size=1", {"page_no": 2}),
    ],
)
def test_query_in_any_place_and_order(connector: NodeProgram, path: str, query: dict[str, int]) -> None:
    """The SDK sorts the query, also one that is typed into the path."""
    page = connector.request("GET", path, query=query)["result"]
    assert [device["device_id"] for device in page["list"]] == [JIESHUN_LOT]
    assert page["total"] == 3


def test_query_values_are_signed_decoded(world: World, connector: NodeProgram) -> None:
    """Spaces and non-ASCII values are sent percent-encoded, a space as %20, and signed as they are."""
    assert connector.request("GET", DEVICES, query={"product_type": "a b=c/é 车场"})["result"]["total"] == 0
    assert world.calls()[-1].query == "product_type=a%20b%3Dc%2F%C3%A9%20%E8%BD%A6%E5%9C%BA"


def test_custom_headers_are_1004(connector: NodeProgram) -> None:
    """The SDK announces custom headers as signed but leaves them out of what it signs."""
    assert connector.request("GET", DEVICES, headers={"area_id": "29a33e8796834b1efa6"})["code"] == 1004


def test_custom_nonce_is_1004(connector: NodeProgram) -> None:
    """A nonce given as a custom header is sent but not signed."""
    assert connector.request("GET", DEVICES, headers={"nonce": "5138cc3a9033d698"})["code"] == 1004


def test_lower_case_method_is_1004(world: World, connector: NodeProgram) -> None:
    """The SDK signs the method as its caller spelt it, and sends it in upper case."""
    assert connector.request("post", SYNC_PATH, body=sync_body(world, 0))["code"] == 1004


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1.0/expand/cmds/135", 1000),
        ("POST", SYNC_PATH, 1100),
        ("GET", f"{DEVICES}/6ce9999999999999", 1106),
        ("GET", "/no/such/path", 1108),
        ("PUT", SYNC_PATH, 1108),
        ("DELETE", SYNC_PATH, 1108),
    ],
)
def test_refusals_do_not_throw(connector: NodeProgram, method: str, path: str, code: int) -> None:
    """Every refusal is HTTP 200 with an envelope: upon any other status the SDK would throw."""
    answer = connector.request(method, path)
    assert (answer["success"], answer["code"]) == (False, code)


@pytest.mark.parametrize(("device_id", "code"), [(JIESHUN_LOT, 2003), (LANE, 2009), ("6ce9999999999999", 1106)])
def test_devices_that_cannot_sync(world: World, connector: NodeProgram, device_id: str, code: int) -> None:
    """A Jieshun lot, a lane device and an unknown device refuse the command, each with its own code."""
    path = f"/v1.0/parking-control/{device_id}/records/sync"
    assert connector.request("POST", path, body=sync_body(world, 0))["code"] == code


def test_v1_connector_where_v1_is_accepted(start_world: StartWorld, start_node: StartNode) -> None:
    """A connector built with version "v1" works for an old project: profile signature_v1="always"."""
    world = start_world(Profile(signature_v1="always"))
    connector = start_node.connector(world, version="v1")
    assert connector.request("POST", SYNC_PATH, body=sync_body(world, 0))["success"]
    world.expire_token()
    assert connector.request("GET", f"{DEVICES}?page_size=1&page_no=2")["success"]


def test_v1_connector_is_1004_by_default(world: World, start_node: StartNode) -> None:
    """Projects made after 2021-06-30 refuse the old signature: a "v1" connector does not get past its login."""
    connector = start_node.connector(world, version="v1")
    outcome = connector.ask("request", method="GET", path=DEVICES)
    assert outcome == {"error": "GET_TOKEN_FAILED 1004, sign invalid"}
