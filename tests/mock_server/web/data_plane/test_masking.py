import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.web.data_plane.masking import masked_body, masked_headers, masked_path, masked_query
from mock_server.words import mask
from tests.mock_server.web.raw import call
from tests.strategies import new_bill, new_pass
from tests.support import ACCESS_SECRET, SYNC_PATH, Api, sync_info

PLATE = "京A98765"
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=6, max_size=20)


@given(WORDS, WORDS)
def test_a_mask_tells_equal_from_different_and_nothing_more(one: str, other: str) -> None:
    """Re-use can be seen, the value cannot."""
    assert (mask(one) == mask(other)) == (one == other)
    assert one not in mask(one)
    assert len(mask(one)) == 11
    assert mask("") == ""


def test_credentials_in_headers_are_masked() -> None:
    """What matters is shown, what is secret is masked, what is unknown is left out."""
    sent = {"client_id": "id", "t": "1", "sign": "S" * 64, "access_token": "T" * 32, "cookie": "c", "nonce": "n" * 300}
    shown = masked_headers(lambda name: sent.get(name, ""))
    assert shown == {
        "client_id": "id",
        "t": "1",
        "nonce": "n" * 200,
        "sign": mask("S" * 64),
        "access_token": mask("T" * 32),
    }


@given(WORDS)
def test_a_refresh_token_in_the_path_is_masked_however_it_is_written(token: str) -> None:
    """Also when the path before it is percent-encoded, which the router reads all the same."""
    for path in (
        f"/v1.0/token/{token}",
        f"/v1.0/%74oken/{token}",
        f"/v1.0/token%2F{quote(token)}",
        f"//v1.0/token/{token}",
    ):
        assert masked_path(path) == f"/v1.0/token/{mask(token)}"


def test_other_paths_are_shown_cut() -> None:
    """A path of any length is a line of the history."""
    assert masked_path("/v1.0/token") == "/v1.0/token"
    assert masked_path("/" + "x" * 5000) == "/" + "x" * 999


@given(WORDS)
def test_a_credential_that_strayed_into_query_or_body_is_masked(secret: str) -> None:
    """Clients put them there by mistake; the rest of both stays readable."""
    masked = mask(quote(secret))
    query = f"sign={quote(secret)}&page_no=1&access_token={quote(secret)}&design=x"
    assert masked_query(query) == f"sign={masked}&page_no=1&access_token={masked}&design=x"
    body = json.dumps({"plate_no": secret, "n": [{"plateNo": secret}], "design": "x"}, ensure_ascii=False)
    assert json.loads(masked_body(body.encode())) == {
        "plate_no": mask(secret),
        "n": [{"plateNo": mask(secret)}],
        "design": "x",
    }


@given(st.binary(max_size=50))
def test_a_body_is_always_text(raw: bytes) -> None:
    """Bytes that are no text do not stop it."""
    shown = masked_body(raw)
    assert shown.encode().decode() == shown


@given(st.integers(min_value=1, max_value=50))
def test_the_cut_end_of_a_secret_is_masked_too(left: int) -> None:
    """A long body is cut at 16,384 bytes, wherever that is."""
    head = b'{"sign": "'
    shown = masked_body(b" " * (16_384 - len(head) - left) + head + b"s" * 100)
    assert "ss" not in shown
    assert shown.endswith(mask("s" * left))
    assert masked_body(b"x" * 20_000) == "x" * 16_384


@pytest.fixture
def busy(api: Api) -> Api:
    """A client that has done everything that leaves a trace, and some of it wrong."""
    project = api.project
    project.keep([new_pass(plate_no=PLATE), new_bill(), new_pass(plate_no=PLATE, fate="lose")])
    api.sync(sync_info(0))
    pair = project.tokens.grant()
    refresh = f"/v1.0/%74oken/{pair.refresh_token}"
    headers = api.signed_headers("GET", f"/v1.0/token/{pair.refresh_token}")
    app: Any = api.client.application
    _, _, content = call(app, "GET", refresh, headers.items())
    assert json.loads(content)["success"] is True
    api.call("GET", f"/v1.0/token/{project.tokens.grant().refresh_token}x")
    strayed = api.signed_headers("GET", "/v1.0/expand/devices")
    call(app, "GET", f"/v1.0/expand/devices?access_token={api.token}&sign={strayed['sign']}", strayed.items())
    body = json.dumps({"plate_no": PLATE}, ensure_ascii=False).encode()
    call(app, "POST", "/v1.0/parking-control/6ce0000000000001/cars/lock", strayed.items(), body)
    call(app, "POST", SYNC_PATH, strayed.items(), json.dumps({"access_token": api.token}).encode())
    lost = strayed | {"user-agent": f"{ACCESS_SECRET} 1.0", "nonce": ACCESS_SECRET}
    key = json.dumps({"key": [ACCESS_SECRET, project.queue_password]}).encode()
    call(app, "POST", f"/v1.0/{ACCESS_SECRET}?key={ACCESS_SECRET}", lost.items(), key)
    return api


def test_the_history_gives_nothing_away(busy: Api) -> None:
    """Neither a token nor a sign nor the secret nor a full plate is anywhere in its text."""
    history = "\n".join(json.dumps(entry.to_json(), ensure_ascii=False) for entry in busy.project.history.after())
    pair = busy.project.tokens.grant()
    assert history.count('"path": "/v1.0/token/#') == 2, "one refresh that worked, and one that did not"
    assert "%74oken" not in history
    sign = busy.signed_headers("GET", "/v1.0/expand/devices")["sign"]
    assert len(history) > 1000
    for secret in (
        ACCESS_SECRET,
        busy.project.queue_password,
        pair.access_token,
        pair.refresh_token,
        busy.token,
        sign,
        PLATE,
        "京A12345",
    ):
        assert secret not in history
        assert json.dumps(secret)[1:-1] not in history
    assert mask(busy.token) in history, "re-use of a token can be seen"
