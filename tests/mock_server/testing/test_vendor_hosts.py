"""What a client that is not answered in process gets: a refusal with a way out, instead of the real vendor."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import requests
import uvloop
import websocket
from websockets.sync.client import connect

from mock_server import ServedParking, mock_parking
from mock_server.testing.vendor_hosts import RealVendorError, is_vendor

API = "https://openapi.tuyacn.com/v1.0/token"
QUEUE = "wss://mqe.tuyacn.com:8285/ws"
TRIED: list[object] = []


def unreachable(*args: object, **_: object) -> Any:
    """Stands for the real resolver: no test may ask it for a vendor's host."""
    TRIED.append(args)
    raise socket.gaierror(socket.EAI_NONAME, "the real resolver was asked")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked of the real resolver is noted and fails."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **named: (
            real(host, *args, **named) if host in ("127.0.0.1", "localhost") else unreachable(host)
        ),
    )
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    TRIED.clear()


async def by_async_httpx() -> None:
    """A call of httpx's other client."""
    async with httpx.AsyncClient() as client:
        await client.get(API)


async def by_streams() -> None:
    """Connect with asyncio alone."""
    await asyncio.open_connection("openapi.tuyacn.com", 80)


def by_uvloop() -> None:
    """The same on a loop that resolves names itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(by_streams())


def by_socket() -> None:
    """A socket that is given a name."""
    with socket.socket() as plain:
        plain.connect(("openapi.tuyacn.com", 443))


CALLS: dict[str, Callable[[], object]] = {
    "httpx": lambda: httpx.get(API),
    "httpx, asynchronous": lambda: asyncio.run(by_async_httpx()),
    "asyncio": lambda: asyncio.run(by_streams()),
    "uvloop": by_uvloop,
    "websocket-client": lambda: websocket.create_connection(QUEUE),
    "websockets": lambda: connect(QUEUE),
    "a socket": by_socket,
    "create_connection": lambda: socket.create_connection(("mqe.tuyacn.com", 8285)),
    "requests, a host that is not answered": lambda: requests.get("https://images.tuyacn.com/", timeout=5),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_client_of_another_kind_is_refused(call: Callable[[], object]) -> None:
    """It gets its library's own connection error, whose text names the fixture that would answer it."""
    with mock_parking(), pytest.raises(Exception, match="parking_server") as refused:
        call()
    assert "stands in for it" in str(refused.value)
    assert TRIED == []


def test_how_libraries_call_it() -> None:
    """An error that a client would handle, not a stranger: httpx has ConnectError, websocket-client its own."""
    with mock_parking():
        with pytest.raises(httpx.ConnectError, match="parking_server"):
            httpx.get(API)
        with pytest.raises(OSError, match="parking_server"):
            by_socket()


@pytest.mark.parametrize(
    "host", ["openapi.tuyacn.com", "OpenAPI.TuyaUS.com.", b"mqe.tuyaeu.com", bytearray(b"tuyain.com"), "a.iotbing.com"]
)
def test_every_spelling_of_a_host(host: Any) -> None:
    """Bytes, capitals and the root's dot change nothing."""
    assert is_vendor(host)
    with mock_parking():
        for resolve in (socket.getaddrinfo, lambda name, _: socket.gethostbyname(name)):
            with pytest.raises(RealVendorError):
                resolve(host, 443)


@pytest.mark.parametrize("host", ["tuyacn.com.example.org", "xtuyacn.com", "127.0.0.1", "", None, b"", "\ud800", 7])
def test_other_hosts(host: Any) -> None:
    """What only looks like a vendor's host is none."""
    assert not is_vendor(host)


def test_other_hosts_are_left_alone() -> None:
    """A server of one's own can be called while a parking is open."""
    with mock_parking(), socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        with pytest.raises(httpx.ConnectError, match="the real resolver was asked"):
            httpx.get("http://example.org/")


def test_only_while_a_parking_is_open() -> None:
    """Before and behind it, and between `start` and `stop` of nested ones, names are resolved as ever."""
    before = [vars(socket)["getaddrinfo"], vars(socket.socket).get("connect"), ssl.SSLContext.wrap_bio]
    outer, inner = mock_parking().start(), mock_parking().start()
    outer.stop()
    with pytest.raises(RealVendorError):
        socket.getaddrinfo("openapi.tuyacn.com", 443)
    inner.stop()
    assert [vars(socket)["getaddrinfo"], vars(socket.socket).get("connect"), ssl.SSLContext.wrap_bio] == before
    with pytest.raises(socket.gaierror, match="the real resolver"):
        socket.getaddrinfo("openapi.tuyacn.com", 443)


def test_in_another_thread() -> None:
    """The guard is the process's: a client in a thread of its own is refused as well."""
    errors: list[BaseException] = []

    def call() -> None:
        with pytest.raises(httpx.ConnectError) as refused:
            httpx.get(API)
        errors.append(refused.value)

    with mock_parking():
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert "parking_server" in str(errors[0])


def test_it_can_be_let_through() -> None:
    """Whoever wants the real vendor beside the fake asks for it; `requests` is answered here all the same."""
    with mock_parking(real_vendor="pass"):
        with pytest.raises(httpx.ConnectError, match="the real resolver was asked"):
            httpx.get(API)
        assert requests.get(API, timeout=5).json()["success"] is False
    with pytest.raises(ValueError, match='real_vendor must be "refuse" or "pass"'):
        mock_parking(real_vendor="maybe")  # type: ignore[arg-type]  # that is what is refused


def test_a_served_parking_guards_nothing(parking_server: ServedParking) -> None:
    """A server has addresses of its own: whoever calls the vendor beside it is not our business."""
    with pytest.raises(httpx.ConnectError, match="the real resolver was asked"):
        httpx.get(API)


@contextmanager
def connect_proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that says yes to CONNECT and notes whatever comes then."""
    came: list[bytes] = []

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            came.append(connection.recv(4096))
            connection.sendall(b"HTTP/1.1 200 yes\r\n\r\n")
            came.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        thread.join()


def test_through_a_proxy_that_resolves_names() -> None:
    """The proxy hears the name, but no TLS begins, so nothing of the request leaves."""
    with (
        mock_parking(),
        connect_proxy() as (address, came),
        httpx.Client(proxy=address) as client,
        pytest.raises(httpx.ConnectError, match="parking_server"),
    ):
        client.get(API)
    assert came == [came[0], b""]
