"""The official Java and Go SDKs do not run here: these requests are shaped exactly like theirs."""

from collections.abc import Callable

import pytest

from tests.sdk.raw import Sender, compact, go_sender, java_sender
from tests.sdk.world import MINUTE, Tap, World, sync_body
from tests.support import JIESHUN_LOT, SYNC_PATH

DEVICES = "/v1.0/expand/devices"

both = pytest.mark.parametrize("make", [java_sender, go_sender], ids=["java", "go"])


def _snake_body(world: World, claimed: int) -> bytes:
    """The body as Gson binds it for the Java SDK: always snake case."""
    now = world.now_ms()
    info = {"total_count": claimed, "start_time": now - 60 * MINUTE, "end_time": now, "pass_direction": 0}
    return compact({"data_type": 0, "record_sync_infos": [info]})


@both
def test_login_without_an_access_token_header(world: World, make: Callable[[World], Sender]) -> None:
    """Java and Go send no access_token on token calls at all."""
    envelope = make(world).log_in()
    assert envelope["success"]
    assert "access_token" not in world.calls()[0].headers


@both
def test_sync_with_a_snake_case_body(world: World, make: Callable[[World], Sender]) -> None:
    """A snake-case body causes the re-report of what was lost."""
    lost = world.add_passes(2, uplink="lose")
    sender = make(world)
    sender.log_in()
    sn = sender.send("POST", SYNC_PATH, _snake_body(world, 0))["result"]["sn"]
    (rereport,) = world.rereports()
    assert (rereport["sn"], rereport["record_ids"]) == (sn, lost)


@both
def test_get_without_a_body(world: World, make: Callable[[World], Sender]) -> None:
    """A GET is signed with the hash of nothing; Go's content type on it does no harm."""
    sender = make(world)
    sender.log_in()
    page = sender.send("GET", f"{DEVICES}?page_no=2&page_size=1")["result"]
    assert [device["device_id"] for device in page["list"]] == [JIESHUN_LOT]


@both
def test_query_is_signed_sorted_and_decoded(world: World, make: Callable[[World], Sender]) -> None:
    """Both sign the decoded query in the order of its keys, whatever order and encoding they send."""
    sender = make(world)
    sender.log_in()
    sent = f"{DEVICES}?product_type=a+b%2F%E8%BD%A6&page_no=1"
    assert sender.send("GET", sent, signed_target=f"{DEVICES}?page_no=1&product_type=a b/车")["success"]
    assert sender.send("GET", sent)["code"] == 1004


def test_go_signs_the_first_of_repeated_keys(world: World) -> None:
    """Of a repeated query key Go signs the first value only."""
    sender = go_sender(world)
    sender.log_in()
    sent = f"{DEVICES}?page_size=1&page_no=2&page_no=3"
    assert sender.send("GET", sent, signed_target=f"{DEVICES}?page_no=2&page_size=1")["success"]


def test_go_header_names_on_the_wire(world: World, tap_api: Tap) -> None:
    """Go canonicalises header names; neither underscores nor case matter to the server."""
    sender = go_sender(world)
    sender.address = f"http://127.0.0.1:{tap_api.port}"
    assert sender.log_in()["success"]
    names = {line.partition(":")[0] for line in tap_api.head()[1:]}
    assert {"Client_id", "Sign", "Sign_method", "T", "Nonce", "Content-Type", "Dev_lang"} <= names


def test_go_nonce_is_signed(world: World) -> None:
    """A nonce is part of the signed text: signed it passes, sent but not signed it answers 1004."""
    sender = go_sender(world)
    sender.log_in()
    assert sender.send("GET", DEVICES)["success"]
    sender.has_nonce = False
    sender.fixed["Nonce"] = "5138cc3a9033d69856923fd07b491173"
    assert sender.send("GET", DEVICES)["code"] == 1004


@both
def test_1010_then_a_login_then_the_same_call(world: World, make: Callable[[World], Sender]) -> None:
    """Both answer 1010 by a new grant_type=1 token, never by a refresh, and repeat the call once."""
    sender = make(world)
    sender.log_in()
    world.expire_token()
    body = compact(sync_body(world, 0))
    assert sender.send("POST", SYNC_PATH, body)["code"] == 1010
    sender.log_in()
    assert sender.send("POST", SYNC_PATH, body)["success"]


def test_java_takes_any_code_for_a_failure(world: World) -> None:
    """Java looks at `code` alone: no success carries one, not even as null."""
    sender = java_sender(world)
    login = sender.log_in()
    sync = sender.send("POST", SYNC_PATH, _snake_body(world, 0))
    command = sender.send("GET", f"/v1.0/expand/cmds/{sync['result']['sn']}")
    for envelope in (login, sync, command, sender.send("GET", DEVICES)):
        assert set(envelope) == {"result", "success", "t", "tid"}


def test_java_signed_headers_lack_their_last_newline(world: World) -> None:
    """Java joins signed headers without the trailing newline of the published vector: that answers 1004."""
    sender = java_sender(world)
    sender.log_in()
    sender.fixed |= {"Signature-Headers": "area_id:call_id", "area_id": "29a33e87", "call_id": "8afdb70a"}
    sender.signed_headers = "area_id:29a33e87\ncall_id:8afdb70a"
    assert sender.send("GET", DEVICES)["code"] == 1004
    sender.signed_headers += "\n"
    assert sender.send("GET", DEVICES)["success"]


@both
def test_refusals_are_envelopes(world: World, make: Callable[[World], Sender]) -> None:
    """Java throws upon any status but 2xx, Go needs JSON: a refusal is HTTP 200 with a whole-numbered code."""
    sender = make(world)
    sender.log_in()
    path = f"/v1.0/parking-control/{JIESHUN_LOT}/records/sync"
    refused = sender.send("POST", path, _snake_body(world, 0))
    assert (refused["success"], refused["code"], type(refused["code"])) == (False, 2003, int)
