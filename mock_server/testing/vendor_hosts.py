"""The vendor's hosts, and a guard that keeps this process from reaching them while a parking stands in for them.

The guard is for clients that a parking in process does not answer (`httpx`, `aiohttp`, WebSockets, plain sockets): with
the fake project's keys they would reach the real cloud. A connection fails where it names its host: when the name is
resolved, when a socket connects to it, or when TLS begins, which is also where the name was resolved elsewhere (a
proxy, another resolver). Nothing of a request has been sent by then.
"""

import functools
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mock_server.testing.patching import Patch, PatchPoint

API_HOSTS = (
    "openapi.tuyacn.com",
    "openapi.tuyaus.com",
    "openapi-ueaz.tuyaus.com",
    "openapi.tuyaeu.com",
    "openapi-weaz.tuyaeu.com",
    "openapi.tuyain.com",
    "openapi-sg.iotbing.com",
)
"""The vendor's API hosts by region (documented; the last one, Singapore, was seen)."""

DOMAINS = ("tuyacn.com", "tuyaus.com", "tuyaeu.com", "tuyain.com", "iotbing.com")
"""The domains of those hosts and of the message queues (documented: `mqe.tuyacn.com` and so on)."""


class RealVendorError(socket.gaierror):
    """A connection to the real vendor that was refused. Clients treat it as a name that cannot be resolved."""

    def __init__(self, host: str) -> None:
        text = (
            f"{host} is a host of the real vendor, refused while mock_parking stands in for it: in process only "
            "`requests` is answered, and only for the API. For httpx, aiohttp, WebSockets or another client use the "
            'fixture parking_server, a real server on this machine; mock_parking(real_vendor="pass") lets them through'
        )
        super().__init__(socket.EAI_NONAME, text)


def host_name(host: object) -> str:
    """A host in its one spelling: a text in lower case, without the dot of the root. Empty for what is no name."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str):
        return ""
    if not host.isascii():  # the resolver maps other signs to ASCII, such as full-width dots
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return ""
    return host.lower().rstrip(".")


def is_vendor(host: object) -> bool:
    """Whether a host, in any spelling, belongs to the vendor."""
    name = host_name(host)
    return any(name == domain or name.endswith(f".{domain}") for domain in DOMAINS)


class VendorGuard:
    """Refuses connections to the vendor's hosts while it has users, unless `passes` returns True at that moment."""

    def __init__(self, passes: Callable[[], bool]) -> None:
        self._passes = passes
        self._points = [PatchPoint(owner, name, self._checking(find)) for owner, name, find in _places()]
        self._loop_points: list[PatchPoint] = []

    def push(self) -> list[tuple[PatchPoint, Patch]]:
        """Patch whatever resolves, connects or begins TLS by name, for one more user. `remove` takes the answer."""
        if not self._loop_points and "uvloop" in sys.modules:  # its loops have a resolver of their own
            loop = sys.modules["uvloop"].Loop
            self._loop_points = [
                PatchPoint(loop, "getaddrinfo", self._checking(_second)),
                PatchPoint(loop, "create_connection", self._checking(_third)),
            ]
        return [(point, point.push()) for point in (*self._points, *self._loop_points)]

    def remove(self, patches: Iterable[tuple[PatchPoint, Patch]]) -> None:
        """Take away a user."""
        for point, patch in patches:
            point.remove(patch)

    def _checking(self, find: Callable[..., object]) -> Callable[[Any], Any]:
        """A patch that refuses a call if `find` finds a host of the vendor in its arguments."""

        def wrap(below: Any) -> Any:
            @functools.wraps(below)
            def checked(*args: Any, **kwargs: Any) -> Any:
                host = find(*args, **kwargs)
                if host and is_vendor(host) and not self._passes():
                    raise RealVendorError(host_name(host))
                return below(*args, **kwargs)

            return checked

        return wrap


def _first(host: object = None, *_: object, **__: object) -> object:
    return host


def _second(_: object, host: object = None, *__: object, **___: object) -> object:
    return host


def _third(_: object, __: object = None, host: object = None, *___: object, **____: object) -> object:
    return host


def _in_address(_: object, address: object = None) -> object:
    return address[0] if isinstance(address, tuple) and address else None


def _in_tls(*_: object, server_hostname: object = None, **__: object) -> object:
    return server_hostname


def _places() -> Iterator[tuple[Any, str, Callable[..., object]]]:
    """What is called with a host: its owner, its name, and what finds the host in the arguments."""
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        yield socket, name, _first
    for name in ("connect", "connect_ex"):
        yield socket.socket, name, _in_address
    for name in ("wrap_socket", "wrap_bio"):
        yield ssl.SSLContext, name, _in_tls
