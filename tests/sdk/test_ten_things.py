"""The ten things that break an emulator first (the reference's section 0), one test each."""

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from websockets.sync.client import connect

from mock_server.profile import Profile
from mock_server.wire.encryption import queue_password
from tests.sdk.node_program import NodeProgram, StartNode
from tests.sdk.python_sdk import Heard, api_client, pulsar
from tests.sdk.raw import Sender, compact, envelope_of, go_sender, java_sender
from tests.sdk.world import DEADLINE_S, StartWorld, Tap, World, sync_body
from tests.support import SYNC_PATH, sign

DEVICES = "/v1.0/expand/devices"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_1_http_200_and_an_envelope_always(world: World, method: str) -> None:
    """Thing 1: whatever is asked, by whomever, the answer is HTTP 200 with a JSON envelope."""
    for path in ("/", "/v1.0/token", "/v1.0/token/", "/v1.0/token/x/y", SYNC_PATH, "/%00", "/%ff"):
        envelope = envelope_of(requests.request(method, world.api + path, timeout=DEADLINE_S))
        assert (envelope["success"], type(envelope["code"])) == (False, int), path


def test_1_what_another_status_does(world: World, start_node: StartNode) -> None:
    """Thing 1, the reason: upon a 404, which only the lab plane answers, Python trips over itself and Node throws."""
    lab = world.threaded.server.lab
    with api_client(world, address=lab) as client, pytest.raises(AttributeError, match="body"):
        client.connect()
    connector = start_node.connector(world, baseUrl=lab)
    assert connector.ask("init") == {"error": "Request failed with status code 404"}


def test_1_http_200_for_what_is_no_http(world: World) -> None:
    """Thing 1, at its end: bytes that are no request get an envelope as well."""
    address = urlsplit(world.api)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=DEADLINE_S)
    connection.connect()
    connection.sock.sendall(b"no such thing\r\n\r\n")
    response = http.client.HTTPResponse(connection.sock)
    response.begin()
    assert response.status == 200
    assert json.loads(response.read())["code"] == 1109
    response.close()
    connection.close()


def test_2_raw_bytes_are_hashed(world: World, openapi: Any, connector: NodeProgram) -> None:
    """Thing 2: Python's spaces and escapes, Node's compact UTF-8 and its `{}` on a GET are all signed as sent."""
    body = {**sync_body(world, 0), "note": "京A"}
    assert openapi.post(SYNC_PATH, body)["success"]
    assert connector.request("POST", SYNC_PATH, body=body)["success"]
    assert connector.request("GET", DEVICES)["success"]
    bodies = [call.body for call in world.calls() if call.path != "/v1.0/token"]
    assert bodies == [json.dumps(body), compact(body).decode(), "{}"]
    assert "\\u4eac" in bodies[0]


def test_3_query_is_verified_sorted_and_decoded(world: World, openapi: Any) -> None:
    """Thing 3: the signature is over the sorted, decoded query; the wire keeps the client's order and encoding."""
    assert openapi.get(DEVICES, {"product_type": "b a", "page_no": 1})["success"]
    assert world.calls()[-1].query == "product_type=b+a&page_no=1"


@pytest.mark.parametrize("shape", ["client_id", "Client_id", "CLIENT_ID"])
def test_4_header_names_have_underscores_and_any_case(world: World, shape: str) -> None:
    """Thing 4: `client_id`, `Client_id` and `CLIENT_ID` are one header, and none is dropped for its underscore."""
    change = {"client_id": str.lower, "Client_id": str.capitalize, "CLIENT_ID": str.upper}[shape]
    names = {name: change(name) for name in ("client_id", "sign", "sign_method", "t", "access_token")}
    sender = Sender(world, names=names)
    sender.log_in()
    assert sender.send("GET", DEVICES)["success"]


def test_4_dashes_are_not_underscores(world: World) -> None:
    """Thing 4, its other side: `client-id` is another header, although many servers map both to one name."""
    sender = Sender(world, names={"client_id": "client-id"})
    assert sender.send("GET", "/v1.0/token?grant_type=1")["code"] == 1105


def test_5_access_token_on_token_calls(world: World, openapi: Any, connector: NodeProgram) -> None:
    """Thing 5: on token calls it is empty (Python), old (Node's refresh) or absent (Java, Go): each passes."""
    assert openapi.is_connect()
    connector.ask("init")
    world.expire_token()
    assert connector.request("GET", DEVICES)["success"]
    assert go_sender(world).log_in()["success"]
    assert java_sender(world).log_in()["success"]
    tokens = [call.headers.get("access_token") for call in world.calls() if "/token" in call.path]
    assert [token is not None for token in tokens] == [False, False, True, False, False]


@pytest.mark.parametrize(("choice", "code"), [("refresh", None), ("always", None), ("never", 1004)])
def test_6_node_refreshes_with_the_old_signature(
    start_world: StartWorld, start_node: StartNode, choice: Any, code: int | None
) -> None:
    """Thing 6: the refresh signed the old way passes or answers 1004, by the profile; the SDK survives both."""
    world = start_world(Profile(signature_v1=choice))
    connector = start_node.connector(world)
    connector.ask("init")
    world.expire_token()
    assert connector.request("GET", DEVICES)["success"]
    assert ("refresh", code) in world.summaries()


@pytest.mark.parametrize("dead", ["", "0" * 32, "garbage", "expired", "revoked"])
def test_7_only_1010_brings_clients_back(world: World, dead: str) -> None:
    """Thing 7: an empty, unknown, expired or revoked token answers 1010 and nothing else."""
    sender = Sender(world)
    sender.log_in()
    if dead == "expired":
        world.expire_token()
    elif dead == "revoked":
        world.refresh_token_elsewhere()
    else:
        sender.token = dead
    refused = sender.send("GET", DEVICES)
    assert (refused["code"], refused["msg"]) == (1010, "token invalid")


def test_7_no_token_header_at_all(world: World) -> None:
    """Thing 7, at its edge: a business call without the access_token header answers 1010 as well."""
    t = str(world.now_ms())
    right = sign(world.access_secret, "GET", DEVICES, b"", world.access_id + t)
    headers = {"client_id": world.access_id, "sign": right, "sign_method": "HMAC-SHA256", "t": t}
    assert envelope_of(requests.get(world.api + DEVICES, headers=headers, timeout=DEADLINE_S))["code"] == 1010


def test_8_token_answer(world: World) -> None:
    """Thing 8: a token answer has `success`, `t` in milliseconds, and the lifetime in seconds."""
    envelope = Sender(world).log_in()
    assert envelope["success"] is True
    assert abs(envelope["t"] - world.now_ms()) < DEADLINE_S * 1000
    result = envelope["result"]
    assert set(result) == {"access_token", "refresh_token", "expire_time", "uid"}
    assert 7190 <= result["expire_time"] <= 7200


def test_8_the_lifetime_is_what_remains(world: World) -> None:
    """Thing 8, for a shared token: asked again, the lifetime is what remains of it, so no SDK uses it for too long."""
    world.age_token(remaining_s=100)
    with api_client(world) as client:
        assert 90 <= client.connect()["result"]["expire_time"] <= 100
        assert client.get(DEVICES)["success"]


def test_9_success_has_no_code(world: World) -> None:
    """Thing 9: a success carries neither `code` nor `msg`; a failure carries both and no `result`."""
    sender = Sender(world)
    sender.log_in()
    assert set(sender.send("GET", DEVICES)) == {"result", "success", "t", "tid"}
    assert set(sender.send("GET", "/v1.0/expand/cmds/1")) == {"code", "msg", "success", "t", "tid"}


def test_10_frames_have_properties(world: World) -> None:
    """Thing 10: a frame has `properties`, an object, beside id and payload; the payload's JSON is pure ASCII."""
    world.add_passes(1, plate_no="京A12345")
    path = f"ws/v2/consumer/persistent/{world.access_id}/out/event/{world.access_id}-sub"
    password = queue_password(world.access_id, world.access_secret)
    headers = {"username": world.access_id, "password": password}
    with connect(world.ws + path, additional_headers=headers, proxy=None) as socket:
        frame = json.loads(socket.recv(DEADLINE_S))
    assert frame["properties"] == {"em": "aes_ecb"}
    assert base64.b64decode(frame["payload"], validate=True).isascii()
    assert set(frame) == {"messageId", "payload", "properties", "publishTime", "redeliveryCount", "key"}


def test_10_two_connection_headers(world: World, tap_ws: Tap) -> None:
    """Thing 10, its other half: Python's handshake has two `Connection: Upgrade` lines, and is accepted."""
    heard = Heard()
    with pulsar(world, heard, address=f"ws://127.0.0.1:{tap_ws.port}/"):
        sent = world.add_passes(1)
        assert heard.next_record_ids(1) == sent
    assert tap_ws.head().count("Connection: Upgrade") == 2
