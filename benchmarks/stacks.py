"""Serving stacks compared, to choose one: the same empty Flask view on each, in turns, at 1 and 16 connections.

`python -m benchmarks.stacks [--quick]`. A stack whose packages are missing is left out; granian is none of ours:
run this with the Python of a scratch environment that has flask, uvicorn, uvloop, httptools, websockets, cryptography
and granian, from the repository's folder. It also asks each stack whether the header `client_id` reaches the view
(WSGI cannot tell it from `client-id`, so some servers drop it; the vendor's API needs it).
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

from flask import Flask, request

from benchmarks.client import SyncCall
from benchmarks.floor import empty_app
from benchmarks.load import Load, load
from benchmarks.processes import rss_mb
from benchmarks.requests import print_loads
from mock_server.web.serving.environ import build_environ
from mock_server.web.serving.http_protocol import VendorHttpProtocol
from mock_server.web.serving.inline import InlineWsgi

OURS = "uvicorn httptools uvloop, inline"
MAX_BODY = 1024 * 1024
CALL = SyncCall(
    path="/v1.0/parking-control/6ce0000000000001/records/sync",
    headers={"Content-Type": "application/json", "client_id": "parkingmockdefault01"},
    body=b'{"dataType": 0, "recordSyncInfos": [{"totalCount": 10, "startTime": 1652777782808, '
    b'"endTime": 1652779976771, "passDirection": 0}]}',
)


def application() -> Flask:
    """The empty view, and one that tells whether it got the header."""
    app = empty_app()

    @app.get("/header")
    def header() -> dict[str, bool]:
        return {"got": "HTTP_CLIENT_ID" in request.environ}

    return app


def uvicorn_inline(port: int, loop: str, http: Any) -> None:
    """Flask on the loop, as we serve it."""
    import uvicorn  # noqa: PLC0415 a stack imports its own packages

    app = InlineWsgi(application(), MAX_BODY)
    uvicorn.run(app, port=port, loop=loop, http=http, log_config=None, access_log=False, lifespan="off")


def werkzeug_threaded(port: int) -> None:
    """Flask's development server, a thread a connection, HTTP/1.1."""
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 a stack imports its own packages

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """Log nothing: others do not either."""

    make_server("127.0.0.1", port, application(), threaded=True, request_handler=Quiet).serve_forever()


def granian(port: int, target: str, interface: str) -> None:
    """Granian with one worker and one thread for Python."""
    from granian.constants import Interfaces, Loops  # noqa: PLC0415 a stack imports its own packages
    from granian.server import Server  # noqa: PLC0415 a stack imports its own packages

    Server(
        f"benchmarks.stacks:{target}",
        port=port,
        interface=Interfaces(interface),
        loop=Loops.uvloop,
        blocking_threads=1,
        log_enabled=False,
    ).serve()


class RsgiInline:
    """granian's own protocol: Flask called on its loop."""

    def __init__(self) -> None:
        self._app: Any = application()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Serve one request."""
        body = await protocol()
        environ = build_environ(scope.method, scope.path, scope.query_string, scope.headers.items(), body)
        started: list[tuple[str, list[tuple[str, str]]]] = []
        parts = self._app(environ, lambda status, headers, _=None: started.append((status, headers)))
        status, headers = started[-1]
        protocol.response_bytes(int(status[:3]), [(name.lower(), value) for name, value in headers], b"".join(parts))


def __getattr__(name: str) -> Any:
    """The applications that granian imports, made when it asks for them."""
    makers: dict[str, Callable[[], Any]] = {"wsgi": application, "rsgi": RsgiInline}
    if name not in makers:
        raise AttributeError(name)
    return makers[name]()


STACKS: dict[str, tuple[tuple[str, ...], Callable[[int], None]]] = {
    OURS: (("uvicorn", "httptools", "uvloop"), lambda port: uvicorn_inline(port, "uvloop", VendorHttpProtocol)),
    "uvicorn httptools asyncio, inline": (
        ("uvicorn", "httptools"),
        lambda port: uvicorn_inline(port, "asyncio", VendorHttpProtocol),
    ),
    "uvicorn h11 asyncio, inline": (("uvicorn", "h11"), lambda port: uvicorn_inline(port, "asyncio", "h11")),
    "werkzeug threaded": (("werkzeug",), werkzeug_threaded),
    "granian RSGI uvloop, inline": (("granian", "uvloop"), lambda port: granian(port, "rsgi", "rsgi")),
    "granian WSGI, 1 thread": (("granian",), lambda port: granian(port, "wsgi", "wsgi")),
}


def main() -> None:
    """Serve one stack (`--serve`), or compare all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stacks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--serve", nargs=2, metavar=("STACK", "PORT"), help="serve one stack and measure nothing")
    asked = parser.parse_args()
    if asked.serve:
        STACKS[asked.serve[0]][1](int(asked.serve[1]))
    else:
        compare(*((2, 1) if asked.quick else (5, 2)))


def compare(rounds: int, seconds: int) -> None:
    """Load every stack in turn, round by round; one process a stack, all of them idle but the one under load."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Served(name)) for name in STACKS if is_installed(name)}
        for connections in (1, 16):
            loads: dict[str, list[Load]] = defaultdict(list)
            for round_number in range(rounds + 1):
                for name, server in servers.items():
                    done = load(server.api, CALL, connections, seconds if round_number else 1)
                    if round_number:
                        loads[name].append(done)
            print_loads(loads, OURS, f"{connections} connection(s), {rounds} rounds of {seconds} s in turns")
        for name, server in servers.items():
            print(f"  {name}: client_id reaches the view: {server.gets_header()}; RSS {server.rss_mb():.0f} MB")


def is_installed(name: str) -> bool:
    """Whether a stack can be started; says so if not."""
    missing = [package for package in STACKS[name][0] if find_spec(package) is None]
    if missing:
        print(f"left out, not installed: {name} ({', '.join(missing)})")
    return not missing


class Served:
    """One stack in a process of its own."""

    def __init__(self, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{port}"
        self._command = (sys.executable, "-m", "benchmarks.stacks", "--serve", name, str(port))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command)
        for _ in range(500):
            try:
                self.gets_header()
            except (URLError, ConnectionError):
                time.sleep(0.02)
            else:
                return self
        self.__exit__()
        raise TimeoutError(f"{' '.join(self._command)} does not answer")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def gets_header(self) -> bool:
        """Whether the header `client_id` reaches the view."""
        asked = Request(f"{self.api}/header", headers={"client_id": "x"})  # noqa: S310 http only
        with urlopen(asked, timeout=5) as answer:  # noqa: S310 http only
            return bool(json.load(answer)["got"])

    def rss_mb(self) -> float:
        """The resident memory of the process and of its children."""
        path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        with open(path, encoding="ascii") as children:  # noqa: PTH123 a file of the kernel
            pids = [self._process.pid, *map(int, children.read().split())]
        return sum(map(rss_mb, pids))


if __name__ == "__main__":
    main()
