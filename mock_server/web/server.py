"""The server: four addresses, one event loop, one process.

uvicorn calls the Flask applications inline and runs the queue's WebSockets natively. Everything runs on the loop, so
the domain needs no lock. The reasons for this stack, with figures: `docs/serving.md`.
"""

import asyncio
import concurrent.futures
import contextlib
import itertools
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

import uvicorn

from mock_server.cloud import Cloud
from mock_server.guide import Guide
from mock_server.ledger import Ledger
from mock_server.model import Addresses, JsonObject
from mock_server.project import Project
from mock_server.web.data_plane import api
from mock_server.web.lab.plane import LabPlane
from mock_server.web.pulsar.certificate import CertificateFiles, context_of, own_context
from mock_server.web.pulsar.listener import PulsarListener
from mock_server.web.queue.websocket import MessageSocket
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.driver import ClockDriver
from mock_server.web.serving.http_protocol import (
    BoundedHttpProtocol,
    HttpLimits,
    LabHttpProtocol,
    VendorHttpProtocol,
)
from mock_server.web.serving.inline import InlineWsgi
from mock_server.web.serving.listening import (
    connection_limit,
    is_wildcard,
    listen_all,
    loopback,
    read_little,
    url_host,
)
from mock_server.web.serving.loop import new_event_loop
from mock_server.web.serving.websocket_protocol import MAX_FRAME, BoundedWebSocketProtocol

T = TypeVar("T")

_STOP_S = 60
"""Seconds that a server in a thread gets to stop: uvicorn closes what is open after 2, a busy machine takes longer."""


class _QuietServer(uvicorn.Server):
    """A uvicorn server that does not handle signals: its caller does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signal."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`. RuntimeError where uvicorn would end the process, as this one is not its own."""
        try:
            await super().serve(sockets)
        except SystemExit as error:
            raise RuntimeError(f"uvicorn could not start and would have exited with {error.code}") from error


class Server:
    """The addresses of one cloud. It listens from its construction on, and serves between `start` and `stop`.

    `public_host` is the name by which clients reach `host`; without one a wildcard address is exported as loopback.
    `certificate` is that of the native queue; without one it makes its own. `ledger` keeps what changes; without one
    nothing survives the server. AddressInUseError if an address cannot be
    listened on, CertificateError if the certificate cannot be used.
    """

    def __init__(  # noqa: PLR0913 one argument a flag
        self,
        cloud: Cloud,
        host: str = "127.0.0.1",
        *,
        port: int = 0,
        ws_port: int = 0,
        pulsar_port: int = 0,
        lab_port: int = 0,
        lab_token: str | None = None,
        guide: Guide | None = None,
        public_host: str | None = None,
        certificate: CertificateFiles | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.cloud = cloud
        self._committer = committer = Committer(ledger)
        lab_host = host if lab_token else loopback(host)
        context = context_of(certificate) if certificate else None
        self._hosts = _Planes(*(_public(each, host, public_host) for each in (host, host, host, lab_host)))
        self._sockets = _listen(
            _Planes(
                api=(host, port, "--port"),
                ws=(host, ws_port, "--ws-port"),
                pulsar=(host, pulsar_port, "--pulsar-port"),
                lab=(lab_host, lab_port, "--lab-port"),
            )
        )
        read_little([*self._sockets.ws, *self._sockets.pulsar])
        self._pulsar = PulsarListener(
            cloud, self._sockets.pulsar, lambda: context or own_context(self._names()), committer
        )
        self._api = InlineWsgi(api.create_api(cloud), api.MAX_BODY, committer, partial(api.store_failed, cloud.clock))
        self._messages = MessageSocket(cloud, committer)
        self._lab = LabPlane(cloud, self.addresses, lab_token or None, guide, committer)
        self._servers = [self._server(app, protocol) for app, protocol in self._applications()]
        self._tasks: list[asyncio.Task[None]] = []
        self._drivers: dict[str, ClockDriver] = {}

    @property
    def api(self) -> str:
        """The address of the vendor's API, without a trailing slash."""
        return self.addresses().api

    @property
    def ws(self) -> str:
        """The address of the message queue, with the trailing slash that the SDKs need."""
        return self.addresses().ws

    @property
    def pulsar(self) -> str:
        """The address of the native message queue."""
        return self.addresses().pulsar

    @property
    def lab(self) -> str:
        """The address of the lab plane, without a trailing slash."""
        return self.addresses().lab

    def addresses(self) -> Addresses:
        """The addresses by which clients reach it."""
        api, ws, pulsar, lab = map(_address, self._sockets, self._hosts)
        return Addresses(f"http://{api}", f"ws://{ws}/", f"pulsar://{pulsar}", f"http://{lab}")

    def exports(self, project: Project) -> JsonObject:
        """What a client needs to use a project: the object of `serve --json`."""
        return project.exports(self.addresses())

    async def start(self) -> None:
        """Serve on the running loop. Returns when every address answers; frees all of them if that fails.

        The exception that ended a serving task is raised.
        """
        self._committer.start(self.lab)
        self.cloud.listen(self._drive, self._abandon)
        self._tasks = [
            asyncio.create_task(server.serve(sockets=listeners))
            for server, listeners in zip(self._servers, self._http_sockets(), strict=True)
        ]
        try:
            # uvicorn has a flag here, no event
            while not all(server.started for server in self._servers):
                self._raise_failure()
                await asyncio.sleep(0)
            self._pulsar.start()
        except BaseException:  # also where the start is cancelled
            await self._give_up()
            raise

    async def stop(self) -> None:
        """Answer waiting requests, let running ones end, close every consumer's connection, free the addresses."""
        for driver in self._drivers.values():
            driver.stop()
        self._messages.close_all()
        self._lab.end_waits()
        self._api.end_waits()
        for server in self._servers:
            server.should_exit = True
        await self._pulsar.stop()
        await asyncio.gather(*self._tasks)
        self._committer.close()

    def _raise_failure(self) -> None:
        """Raise the exception of a serving task that has ended. RuntimeError if it ended without one."""
        for task in self._tasks:
            if task.done():
                task.result()
                raise RuntimeError("a serving task ended before it listened")

    async def _give_up(self) -> None:
        """End the serving tasks of a start that failed, and free the addresses."""
        for driver in self._drivers.values():
            driver.stop()
        for server, task in zip(self._servers, self._tasks, strict=True):
            server.should_exit = True
            if not server.started:  # it would not look at `should_exit`
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.close()

    def close(self) -> None:
        """Free the addresses of a server that never started."""
        for listener in itertools.chain(*self._sockets):
            listener.close()

    def _drive(self, project: Project) -> None:
        self._drivers[project.access_id] = ClockDriver(project, asyncio.get_running_loop())

    def _abandon(self, project: Project) -> None:
        self._drivers.pop(project.access_id).stop()
        project.queue.close()
        self._pulsar.abandon(project)

    def _applications(self) -> Iterator[tuple[Any, Any]]:
        yield self._api, VendorHttpProtocol
        yield self._messages, BoundedHttpProtocol
        yield self._lab, LabHttpProtocol

    def _server(self, app: Any, protocol: Any) -> _QuietServer:
        config = uvicorn.Config(
            app,
            http=partial(protocol, limits=HttpLimits(connections=connection_limit())),  # type: ignore[arg-type]  # a factory
            ws=BoundedWebSocketProtocol if app is self._messages else "none",
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

    def _http_sockets(self) -> tuple[list[socket.socket], ...]:
        """The sockets of what uvicorn serves, in the order of the applications."""
        return self._sockets.api, self._sockets.ws, self._sockets.lab

    def _names(self) -> list[str]:
        """By which names clients may reach the native queue: what its certificate is for."""
        listening = [str(each.getsockname()[0]) for each in self._sockets.pulsar]
        return ["localhost", "127.0.0.1", "::1", *listening, *([self._hosts.pulsar] if self._hosts.pulsar else [])]


class _Planes(NamedTuple, Generic[T]):
    """Something for each plane of a server, in the order of its addresses."""

    api: T
    ws: T
    pulsar: T
    lab: T


def _address(sockets: list[socket.socket], public: str | None) -> str:
    """Host and port by which clients reach sockets."""
    host, port = sockets[0].getsockname()[:2]
    return f"{url_host(public or host)}:{port}"


def _public(host: str, asked: str, public_host: str | None) -> str | None:
    """The host that an address is exported with; None for the one that its socket has.

    `public_host` stands for the host that was asked for: a lab plane that stays on loopback keeps its own.
    """
    if public_host and host == asked:
        return public_host
    return "127.0.0.1" if is_wildcard(host) else None


def _listen(wanted: _Planes[tuple[str, int, str]]) -> _Planes[list[socket.socket]]:
    """The sockets of each (host, port, flag): all of them or none."""
    with contextlib.ExitStack() as opened:
        found = []
        for host, port, flag in wanted:
            found.append(listen_all(host, port, flag))
            for listener in found[-1]:
                opened.enter_context(listener)
        opened.pop_all()
        return _Planes(*found)


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
        self._thread.join(_STOP_S)
        self._loop = None
        if self._thread.is_alive() and error is None:
            raise RuntimeError(f"the server has not stopped within {_STOP_S} s; its thread ends with the process")

    def is_current_thread(self) -> bool:
        """Whether the caller runs on the server's loop."""
        return threading.current_thread() is self._thread

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the server's loop, where projects must be used; return its result or raise its exception."""
        if self._loop is None:
            raise RuntimeError("the server does not run")
        if self.is_current_thread():
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
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.is_set():  # nobody waits for it any more: the thread's excepthook reports it
                raise
            self._failure = error
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
