"""Tests of real connections: what is kept open, and what becomes of a call without a whole answer."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contracts.client.link import RealLink
from tests.command_line import DEADLINE_S


class Handler(BaseHTTPRequestHandler):
    """Answers by the path: with the port of the connection, and `/gone`, `/cut`, `/mute` and `/loop` as they say."""

    protocol_version = "HTTP/1.1"
    released = threading.Event()

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/mute":
            self.released.wait()
        text = str(self.client_address[1]).encode()
        self.send_response(302 if self.path == "/loop" else 200)
        self.send_header("Location", "/loop")
        self.send_header("Content-Length", str(len(text) + (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = self.path in ("/gone", "/cut")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Says when it has closed a connection."""

    closed = threading.Event()

    def shutdown_request(self, request: Any) -> None:
        """Close it."""
        super().shutdown_request(request)
        self.closed.set()


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server."""
    Handler.released.clear()
    Server.closed.clear()
    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Handler.released.set()
        server.shutdown()
        running.join()


@pytest.fixture
def link() -> Iterator[RealLink]:
    """A link that is closed at the end."""
    link = RealLink()
    yield link
    link.close()


def test_a_connection_is_kept(link: RealLink, url: str) -> None:
    """Calls one after another share it; the signs of a target that no URL may have are encoded."""
    assert link.call("GET", f"{url}/", {}) == link.call("GET", f"{url}/a b/\u8f66?c=d%20e", {})


def test_a_connection_that_has_ended_is_replaced(link: RealLink, url: str) -> None:
    """The other side may close what nobody uses."""
    first, second = (link.call("GET", url + path, {}).body for path in ("", "/gone"))
    assert first == second
    assert Server.closed.wait(DEADLINE_S)
    assert link.call("GET", url, {}).body != second


def test_a_broken_answer_is_none(link: RealLink, url: str) -> None:
    """Half an answer is an error of the connection, and the next call has a new one."""
    with pytest.raises(ConnectionError, match="IncompleteRead"):
        link.call("GET", f"{url}/cut", {})
    assert link.call("GET", url, {}).status == 200


def test_an_answer_that_does_not_come_is_given_up(link: RealLink, url: str) -> None:
    """After the time that the caller gives."""
    with pytest.raises(TimeoutError):
        link.call("GET", f"{url}/mute", {}, timeout_s=0.01)


def test_redirects_that_never_end_are_given_up(url: str) -> None:
    """By who follows them."""
    link = RealLink()
    assert link.call("GET", f"{url}/loop", {}).status == 302
    link.follows_redirects = True
    with pytest.raises(ConnectionError, match="more than 30 redirects"):
        link.call("GET", f"{url}/loop", {})
    link.close()
