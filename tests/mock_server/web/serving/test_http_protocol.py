import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_server.web.data_plane.api import MAX_BODY
from mock_server.web.serving.http_protocol import MAX_HEAD
from tests.mock_server.web.conftest import DEADLINE_S, Serve, Served
from tests.support import ACCESS_ID, SYNC_PATH, examples


def exchange(served: Served, *chunks: bytes, half_close: bool = True) -> bytes:
    """Send bytes to the API's port, then nothing more, and read until the server closes the connection."""
    address = urlsplit(served.server.api)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=DEADLINE_S) as connection:
        try:
            for chunk in chunks:
                connection.sendall(chunk)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while more := connection.recv(65536):
                received += more
        except (ConnectionResetError, BrokenPipeError):  # a closed connection is an answer too
            return b""
        return received


def answers(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Status line and envelope of each answer in the bytes that came back."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers["content-length"])
        found.append((lines[0], json.loads(rest[:length])))
        raw = rest[length:]
    return found


def codes(raw: bytes) -> list[int | None]:
    """The codes of the answers, each of which must be HTTP 200."""
    assert all(status == "HTTP/1.1 200 OK" for status, _ in answers(raw))
    return [envelope.get("code") for _, envelope in answers(raw)]


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"get /v1.0/token HTTP/1.1\r\n\r\n",
        b"GET /v1.0/t\xc3\xb6ken HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_like_everything(served: Served, garbage: bytes) -> None:
    """An envelope with code 1109 and a closed connection."""
    assert codes(exchange(served, garbage)) in ([1109], [1108])


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30), st.sampled_from((b"GET ", b"/v1.0/token", b" HTTP/1.1\r\n", b"\r\n", b"POST "))
        ),
        max_size=8,
    )
)
def test_any_bytes_get_envelopes_or_a_closed_connection(served: Served, chunks: list[bytes]) -> None:
    """Never a 5xx, and the server goes on."""
    assert set(codes(exchange(served, b"".join(chunks)))) <= {1105, 1108, 1109}
    assert codes(exchange(served, b"GET /v1.0/token HTTP/1.1\r\nConnection: close\r\n\r\n")) == [1105]


@pytest.mark.parametrize("chunk", [b"x" * 8192, b"a: b\r\n" * 1000])
def test_a_head_without_an_end_is_cut_off(served: Served, chunk: bytes) -> None:
    """After 64 KiB, whether it is one line or many."""
    sent = [b"GET /v1.0/token HTTP/1.1\r\nx: ", *[chunk] * (2 * MAX_HEAD // len(chunk))]
    assert codes(exchange(served, *sent, half_close=False)) in ([1109], [])


def test_a_later_head_without_an_end_is_cut_off_too(served: Served) -> None:
    """On a connection that has served a request; what came in one read with that request does not count."""
    first = b"GET /v1.0/token HTTP/1.1\r\n\r\n"
    sent = [first, b"GET /v1.0/token HTTP/1.1\r\nx: ", *[b"x" * 8192] * (8 * MAX_HEAD // 8192)]
    assert codes(exchange(served, *sent, half_close=False)) in ([1105, 1109], [])


def test_a_long_body_that_comes_with_its_head_is_a_body(served: Served) -> None:
    """However much arrives at once: only the head is limited, not the first packet."""
    size = 3 * MAX_HEAD
    head = f"POST {SYNC_PATH} HTTP/1.1\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    for _ in range(5):
        assert codes(exchange(served, head + b" " * size, half_close=False)) == [1105]


def test_a_huge_body_is_read_to_its_end_and_refused(served: Served) -> None:
    """So that its sender gets to read the answer."""
    size = 4 * MAX_BODY
    head = f"POST {SYNC_PATH} HTTP/1.1\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    [(status, envelope)] = answers(exchange(served, head, b"x" * size, half_close=False))
    assert (status, envelope["code"]) == ("HTTP/1.1 200 OK", 1109)
    assert str(MAX_BODY) in envelope["msg"]


def test_the_largest_body_is_read(served: Served) -> None:
    """One byte more is too much."""
    for size, code in ((MAX_BODY, 1105), (MAX_BODY + 1, 1109)):
        head = f"POST {SYNC_PATH} HTTP/1.1\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
        assert codes(exchange(served, head, b"x" * size, half_close=False)) == [code]


def test_a_chunked_body_is_a_body(served: Served) -> None:
    """In pieces of any size."""
    head = f"POST {SYNC_PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    head += f"Connection: close\r\nclient_id: {ACCESS_ID}\r\n\r\n"
    exchange(served, head.encode(), b"2\r\nab\r\n", b"3\r\ncde\r\n0\r\n\r\n", half_close=False)
    [request] = [line for line in served.history() if line["kind"] == "request"]
    assert request["body"] == "abcde"


def test_head_has_no_body(served: Served) -> None:
    """HTTP 200 with the length that a body would have."""
    received = exchange(served, b"HEAD /v1.0/token HTTP/1.1\r\nConnection: close\r\n\r\n", half_close=False)
    head, end, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")


def test_an_absolute_target_is_its_path(served: Served) -> None:
    """As proxies send it."""
    raw = b"GET http://openapi.tuyacn.com/v1.0/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert codes(exchange(served, raw, half_close=False)) == [1105]


@pytest.mark.parametrize("target", [b"//v1.0/token", b"http://openapi.tuyacn.com//v1.0/token", b"/v1.0%2Ftoken"])
def test_a_path_reaches_the_routes_with_all_its_slashes(served: Served, target: bytes) -> None:
    """None is dropped on the way, and no encoded one is taken for a separator: such paths are unknown."""
    raw = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert codes(exchange(served, raw, half_close=False)) == [1108]


def test_an_upgrade_on_the_api_port_is_no_upgrade(served: Served) -> None:
    """A WebSocket is an unknown route of the API."""
    raw = (
        b"GET /v1.0/token HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert codes(exchange(served, raw)) == [1108]


def test_an_offer_of_http2_is_ignored(served: Served) -> None:
    """Java's HttpClient makes it with every call: its body is read, and the connection goes on as it is."""
    raw = (
        f"POST {SYNC_PATH} HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 2\r\nHost: x\r\n"
        f"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nclient_id: {ACCESS_ID}\r\n\r\n"
    ).encode()
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert codes(exchange(served, raw, b"{}", last, half_close=False))[1:] == [1108]
    (call, *_) = (entry for entry in served.history() if entry["kind"] == "request" and entry["path"] == SYNC_PATH)
    assert call["body"] == "{}"


def test_connect_is_no_tunnel(served: Served) -> None:
    """An envelope like any other wrong method."""
    assert codes(exchange(served, b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")) in ([1108], [1109])


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    """Each by itself; garbage behind them does not harm them."""
    one = b"GET /v1.0/token HTTP/1.1\r\nHost: x\r\n\r\n"
    other = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert codes(exchange(served, one + other + one + last, half_close=False)) == [1105, 1108, 1105, 1108]


@pytest.mark.parametrize("size", [0, 5])
def test_half_a_request_is_no_request(served: Served, size: int) -> None:
    """Who closes the connection in the middle of a body gets nothing and leaves no trace."""
    before = served.history()
    head = f"POST {SYNC_PATH} HTTP/1.1\r\nContent-Length: 10\r\nclient_id: {ACCESS_ID}\r\n\r\n".encode()
    assert codes(exchange(served, head + b"x" * size)) == []
    assert codes(exchange(served, b"GET /v1.0/tok")) == []
    assert served.history() == before


def test_an_old_http_version_is_answered(served: Served) -> None:
    """And the connection closed."""
    assert codes(exchange(served, b"GET /v1.0/token HTTP/1.0\r\n\r\n", half_close=False)) == [1105]


def test_the_second_request_of_a_connection_may_be_long_too(serve: Serve) -> None:
    """The limit counts each head by itself, not all heads of a connection."""
    served = serve(None)
    request = b"GET /v1.0/token HTTP/1.1\r\nx: " + b"y" * (MAX_HEAD // 2) + b"\r\n\r\n"
    last = b"GET /v1.0/token HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert codes(exchange(served, *[request] * 5, last, half_close=False)) == [1105] * 6
