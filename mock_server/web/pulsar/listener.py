"""Listens for native Pulsar clients: the first byte of a connection tells TLS from plain frames."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial

from mock_server.carriers.access import note_refusal
from mock_server.carriers.native import NativeConnections
from mock_server.cloud import Cloud
from mock_server.project import Project
from mock_server.web.pulsar.transport import CONNECT_S, PulsarTransport
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.listening import connection_limit

TLS_HANDSHAKE, FRAME = b"\x16", b"\x00"
"""The first byte of TLS (RFC 8446, 5.1: a handshake record), and of a frame of less than 16 MiB."""

_FAILED_ACCEPT_S = 1
"""Seconds until connections are accepted again after it has failed: the process may have too many files open."""


class PulsarListener:
    """The native queue's address. `make_context` is called when the first client wants TLS."""

    def __init__(
        self,
        cloud: Cloud,
        sockets: Sequence[socket.socket],
        make_context: Callable[[], ssl.SSLContext],
        committer: Committer | None = None,
    ) -> None:
        self._committer = committer
        self._sockets = sockets
        self._make_context = make_context
        self._connections = NativeConnections(cloud)
        self._limit = connection_limit()
        self._waiting: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def start(self) -> None:
        """Accept connections on the running loop."""
        for listener in self._sockets:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def stop(self) -> None:
        """Close every connection, free the address."""
        self._is_stopped = True
        for listener in self._sockets:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connections.abort_all()

    def abandon(self, project: Project) -> None:
        """Close every connection of a project that is removed."""
        self._connections.abort_of(project)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._make_context()

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            accepted, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError:
            loop.remove_reader(listener)
            loop.call_later(_FAILED_ACCEPT_S, self._accept_again, listener)
            return
        if self._connections.count + len(self._tasks) >= self._limit:  # a task lasts until TLS has shaken hands
            accepted.close()
            return
        accepted.setblocking(False)
        self._waiting.add(accepted)
        task = loop.create_task(self._welcome(accepted))
        self._tasks.add(task)
        task.add_done_callback(partial(self._forget, accepted))

    def _accept_again(self, listener: socket.socket) -> None:
        if not self._is_stopped:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _forget(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        """Close a connection that was not served: also where its task was cancelled before its first step."""
        self._tasks.discard(task)
        if accepted in self._waiting:
            self._waiting.discard(accepted)
            accepted.close()

    async def _welcome(self, accepted: socket.socket) -> None:
        """Serve a connection once it has said what it speaks. One that says nothing, or something else, is left."""
        with suppress(OSError, TimeoutError):  # a lost connection is an OSError
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = await asyncio.wait_for(_first_byte(accepted), CONNECT_S)
            if first == FRAME:
                await self._serve(accepted, None)
            elif first == TLS_HANDSHAKE:
                try:
                    await self._serve(accepted, self._context)
                except OSError as error:  # ssl.SSLError is one
                    note_refusal(self._connections.only, "native", "", "tls", _handshake_text(error))

    async def _serve(self, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        """Hand a connection to its transport, which closes it from here on. OSError if TLS cannot be agreed on."""
        self._waiting.discard(accepted)
        make = partial(PulsarTransport, self._connections, self._committer)
        limit = CONNECT_S if context else None
        await asyncio.get_running_loop().connect_accepted_socket(
            make, accepted, ssl=context, ssl_handshake_timeout=limit
        )


def _handshake_text(error: OSError) -> str:
    """Why TLS could not be agreed on, in a sentence. An alert is the client's own word, such as `unknown ca`."""
    reason = str(getattr(error, "reason", None) or "the connection was lost").lower().replace("_", " ")
    _, is_alert, alert = reason.rpartition(" alert ")
    if is_alert:
        advice = "have it trust the certificate, which --queue-cert gives, or not verify it"
        return f"the client has refused the TLS handshake ({alert}): {advice}"
    return f"the TLS handshake has failed ({reason})"


def _settle(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


async def _first_byte(accepted: socket.socket) -> bytes:
    """The first byte of a connection, which stays there to be read; none if its client has closed it."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(accepted, _settle, readable)
    try:
        await readable
    finally:
        loop.remove_reader(accepted)
    return accepted.recv(1, socket.MSG_PEEK)
