"""The server: three addresses, one event loop, one process.

uvicorn calls the Flask applications inline and runs the queue's WebSockets natively. Everything runs on the loop, so
the domain needs no lock. The reasons for this stack, with figures: `docs/serving.md`.
"""

import asyncio
import concurrent.futures
import contextlib
import errno
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn

from mock_server.cloud import Cloud
from mock_server.guide import Guide
from mock_server.model import JsonObject
from mock_server.project import Project
from mock_server.web.data_plane import api
from mock_server.web.lab.plane import LabPlane
from mock_server.web.queue.websocket import MessageSocket
from mock_server.web.serving.driver import ClockDriver
from mock_server.web.serving.http_protocol import VendorHttpProtocol
from mock_server.web.serving.inline import InlineWsgi

T = TypeVar("T")

MAX_FRAME = 64 * 1024
"""The longest WebSocket frame that is read, in bytes (our choice): an acknowledgement has about 50."""


class AddressInUseError(Exception):
    """An address that cannot be listened on: the flag that named it, and the reason."""

    def __init__(self, flag: str, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.flag = flag
        self.reason = reason


def listen(host: str, port: int, flag: str) -> socket.socket:
    """A listening socket; port 0 picks a free one. AddressInUseError if the address cannot be listened on."""
    if not host:  # a socket would listen on every address of the machine
        raise AddressInUseError("--host", host, port, "an address is needed")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else each kept-alive answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        is_foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        reason = error.strerror or str(error)
        raise AddressInUseError("--host" if is_foreign else flag, host, port, reason) from None
    listener.setblocking(False)
    return listener


def _loopback(host: str) -> str:
    """The host of a lab plane without a token: `host` if it is loopback, else 127.0.0.1."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # some other name
        is_loopback = False
    return host if is_loopback else "127.0.0.1"


class _QuietServer(uvicorn.Server):
    """A uvicorn server that does not handle signals: its caller does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signal."""
        yield


class Server:
    """The addresses of one cloud. It listens from its construction on, and serves between `start` and `stop`.

    AddressInUseError if an address cannot be listened on.
    """

    def __init__(
        self,
        cloud: Cloud,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        ws_port: int = 0,
        lab_port: int = 0,
        lab_token: str | None = None,
        guide: Guide | None = None,
    ) -> None:
        self.cloud = cloud
        with contextlib.ExitStack() as opened:
            self._sockets = [
                opened.enter_context(listen(address, each, flag))
                for address, each, flag in (
                    (host, port, "--port"),
                    (host, ws_port, "--ws-port"),
                    (host if lab_token else _loopback(host), lab_port, "--lab-port"),
                )
            ]
            opened.pop_all()
        self._api = InlineWsgi(api.create_api(cloud), api.MAX_BODY)
        self._messages = MessageSocket(cloud)
        self._lab = LabPlane(cloud, self.addresses, lab_token or None, guide)
        self._servers = [self._server(app, protocol) for app, protocol in self._applications()]
        self._tasks: list[asyncio.Task[None]] = []
        self._drivers: dict[str, ClockDriver] = {}

    @property
    def api(self) -> str:
        """The address of the vendor's API, without a trailing slash."""
        return f"http://{self._address(0)}"

    @property
    def ws(self) -> str:
        """The address of the message queue, with the trailing slash that the SDKs need."""
        return f"ws://{self._address(1)}/"

    @property
    def lab(self) -> str:
        """The address of the lab plane, without a trailing slash."""
        return f"http://{self._address(2)}"

    def addresses(self) -> tuple[str, str, str]:
        """The addresses of the API, the queue and the lab plane."""
        return self.api, self.ws, self.lab

    def exports(self, project: Project) -> JsonObject:
        """What a client needs to use a project: the object of `serve --json`."""
        return project.exports(*self.addresses())

    async def start(self) -> None:
        """Serve on the running loop. Returns when every address answers."""
        self.cloud.listen(self._drive, self._abandon)
        self._tasks = [
            asyncio.create_task(server.serve(sockets=[listener]))
            for server, listener in zip(self._servers, self._sockets, strict=True)
        ]
        # uvicorn has a flag here, no event
        while not all(server.started for server in self._servers):  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Answer waiting requests, let running ones end, close every WebSocket, free the addresses."""
        for driver in self._drivers.values():
            driver.stop()
        self._messages.close_all()
        self._lab.end_waits()
        self._api.end_waits()
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks)

    def close(self) -> None:
        """Free the addresses of a server that never started."""
        for listener in self._sockets:
            listener.close()

    def _drive(self, project: Project) -> None:
        self._drivers[project.access_id] = ClockDriver(project, asyncio.get_running_loop())

    def _abandon(self, project: Project) -> None:
        self._drivers.pop(project.access_id).stop()
        project.queue.close()

    def _applications(self) -> Iterator[tuple[Any, Any]]:
        yield self._api, VendorHttpProtocol
        yield self._messages, "auto"
        yield self._lab, "auto"

    def _server(self, app: Any, protocol: Any) -> _QuietServer:
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="websockets-sansio" if app is self._messages else "none",
            ws_max_size=MAX_FRAME,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
        )
        return _QuietServer(config)

    def _address(self, place: int) -> str:
        host, port = self._sockets[place].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class ThreadedServer:
    """A server on a loop and a thread of its own, for tests and the demo: a context manager."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="parking-mock", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop = None

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the server's loop, where projects must be used; return its result or raise its exception."""
        if self._loop is None:
            raise RuntimeError("the server does not run")
        if threading.current_thread() is self._thread:
            return work()
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def carry_out() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 raised in the thread that asked for the work
                done.set_exception(error)

        self._loop.call_soon_threadsafe(carry_out)
        return done.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self.server.start()
        self._ready.set()
        await self._stopping.wait()
        await self.server.stop()


def silence_uvicorn() -> None:
    """Turn uvicorn's log off: `serve` prints the addresses itself, and refused requests have an answer."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
