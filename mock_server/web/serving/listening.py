"""Listening sockets, and how many connections each address may have."""

import contextlib
import errno
import ipaddress
import socket
import sys
from collections.abc import Iterator, Sequence

MAX_CONNECTIONS = 1_000
"""The most open connections of one address (our choice): more than any client's pool, and few enough to be served."""

_BACKLOG = 2048
_RESERVED_FILES = 100
_ADDRESSES = 4
_FREE_PORT_TRIES = 20
_NO_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

READ_BUFFER = 16 * 1024
"""The receive buffer of the queue's connections, in bytes.

A read of the socket is handled in one piece. Frames are parsed in Python, 6 bytes and some 10 us each, so uvloop's
reads of 256 KiB would stop all other callers for half a second.
"""


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
    try:
        return _bound(host, port)
    except OSError as error:
        is_foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        reason = error.strerror or str(error)
        raise AddressInUseError("--host" if is_foreign else flag, host, port, reason) from None


def listen_all(host: str, port: int, flag: str) -> list[socket.socket]:
    """Listening sockets on one port: two for `localhost`, IPv4 and IPv6, where the machine has both; else one.

    Clients resolve `localhost` to either family. `::` includes IPv4.
    """
    if host != "localhost":
        return [listen(host, port, flag)]
    for _ in range(_FREE_PORT_TRIES):
        first = listen("127.0.0.1", port, flag)
        try:
            return [first, _bound("::1", first.getsockname()[1])]
        except OSError as error:
            if error.errno in _NO_FAMILY:
                return [first]
            first.close()
            if port:
                raise AddressInUseError(flag, "::1", port, error.strerror or str(error)) from None
    raise AddressInUseError(flag, host, port, "no port is free in both IPv4 and IPv6")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else each kept-alive answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.ExitStack() as unless_bound:
        unless_bound.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        unless_bound.pop_all()
    return listener


def read_little(listeners: Sequence[socket.socket]) -> None:
    """Bound what one read of a connection brings: `READ_BUFFER` bytes. Connections inherit it from their listener."""
    for listener in listeners:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BUFFER)


def is_loopback(host: str) -> bool:
    """Whether an address or name is certain to mean this machine to itself only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # some other name
        return False


def loopback(host: str) -> str:
    """The host of a lab plane without a token: `host` if it is loopback, else 127.0.0.1."""
    return host if is_loopback(host) else "127.0.0.1"


def is_wildcard(host: str) -> bool:
    """Whether a host means every address of the machine: nobody can call it by that."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def url_host(host: str) -> str:
    """A host as URLs write it: IPv6 addresses have brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def connection_limit() -> int:
    """The most connections of one address: `MAX_CONNECTIONS`, or fewer if the process may open few files."""
    files = next(_open_files(), None)
    if files is None:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, (files - _RESERVED_FILES) // _ADDRESSES))


def raise_file_limit() -> None:
    """Allow this process the connections of all addresses, as far as the system lets it. For a server's own process."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 does not exist on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_CONNECTIONS * _ADDRESSES + _RESERVED_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _open_files() -> Iterator[int]:
    """The most files that the process may open, where the system has such a limit."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 does not exist on Windows

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft != resource.RLIM_INFINITY:
            yield soft
