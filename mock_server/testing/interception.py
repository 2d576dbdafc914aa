"""The active parkings of this process, and the patches of `requests` that lead to them.

Requests to the vendor's hosts are taken at two depths. `HTTPAdapter.send` decides who is asked first, a parking or
another mock of `requests`. Below it, the connection pool for a vendor's host is one in this process: so a request
reaches a parking also where another mock lets it pass, and urllib3 does all that it does around a request.
"""

import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from mock_server.cloud import DEFAULT_ACCESS_ID
from mock_server.testing.in_process_http import InProcessPool
from mock_server.testing.patching import Patch, PatchPoint
from mock_server.testing.vendor_hosts import API_HOSTS, RealVendorError, VendorGuard, host_name
from mock_server.web.serving.wsgi import Answer

if TYPE_CHECKING:
    from mock_server.testing.in_process import MockParking


class Interception:
    """Finds the parking that answers a request, and patches `requests` while there is any."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._active: tuple[MockParking, ...] = ()
        self._patches: dict[int, list[tuple[PatchPoint, Patch]]] = {}
        self._send = PatchPoint(HTTPAdapter, "send", self._sending)
        self._session_send = PatchPoint(requests.Session, "send", self._sending_past_requests_mock)
        self._points = [self._send, self._session_send]
        for name in ("get_connection_with_tls_context", "get_connection"):  # requests has the first one since 2.32
            if hasattr(HTTPAdapter, name):
                self._points.append(PatchPoint(HTTPAdapter, name, self._connecting))
        self._guard = VendorGuard(self._passes_to_the_vendor)

    def push(self, parking: "MockParking") -> None:
        """Begin a parking, as the innermost one. RuntimeError if it is active already."""
        with self._lock:
            if parking in self._active:
                raise RuntimeError("this parking is started already")
            parking.begin(self._free_access_id())
            patches = [(point, point.push()) for point in self._points]
            self._patches[id(parking)] = patches + self._guard.push()
            self._active = (*self._active, parking)

    def remove(self, parking: "MockParking") -> None:
        """Take a parking out; one that is not active is left as it is."""
        with self._lock:
            if parking in self._active:
                self._active = tuple(each for each in self._active if each is not parking)
                for point, patch in self._patches.pop(id(parking)):
                    point.remove(patch)

    def is_active(self, parking: "MockParking") -> bool:
        """Whether a parking has been pushed and not removed."""
        return parking in self._active

    def _free_access_id(self) -> str:
        """The default access id, or, while a parking has it and does not yield it, one with the next number."""
        taken = {parking.access_id for parking in self._active if not parking.yields_its_access_id}
        stem, number = DEFAULT_ACCESS_ID[:-2], 1
        while (access_id := f"{stem}{number:02d}") in taken:
            number += 1
        return access_id

    def _passes_to_the_vendor(self) -> bool:
        active = self._active
        return not active or active[-1].passes_to_the_vendor

    def _is_ours(self, host: object) -> bool:
        return bool(self._active) and host_name(host) in API_HOSTS

    def _check_elsewhere(self, request: requests.PreparedRequest, host: str | None) -> None:
        active = self._active
        if active and active[-1].refuses_elsewhere:
            raise requests.ConnectionError(
                f'{host} is not the vendor\'s: refused by elsewhere="refuse"', request=request
            )

    def _sending(self, below: Any) -> Any:
        """`HTTPAdapter.send`: the vendor's hosts are asked past every mock that was started before."""

        def send(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
            host = urlsplit(request.url or "").hostname
            if self._is_ours(host):
                return _UNPATCHED_SEND(adapter, request, *args, **kwargs)
            self._check_elsewhere(request, host)
            return below(adapter, request, *args, **kwargs)

        return send

    def _sending_past_requests_mock(self, below: Any) -> Any:
        """`Session.send`: the same where `requests_mock` has patched it, which replaces the session's adapters."""
        if not getattr(below, "__module__", "").startswith("requests_mock"):
            return below

        def send(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> Any:
            is_ours = self._is_ours(urlsplit(request.url or "").hostname)
            return (_UNPATCHED_SESSION_SEND if is_ours else below)(session, request, **kwargs)

        return send

    def _connecting(self, below: Any) -> Any:
        """The methods that find the connection pool for a request or a URL."""

        def connect(adapter: HTTPAdapter, request: requests.PreparedRequest | str, *args: Any, **kwargs: Any) -> Any:
            target = urlsplit(request if isinstance(request, str) else request.url or "")
            if self._is_ours(target.hostname):
                return InProcessPool(target.hostname or "", target.port, self._respond)
            return below(adapter, request, *args, **kwargs)

        return connect

    def _respond(self, environ: dict[str, Any], timeout_s: float | None) -> Answer:
        """Answer by the parking whose access id a request carries, or else by the innermost one."""
        active, client_id = self._active, environ.get("HTTP_CLIENT_ID")
        if not active:
            raise RealVendorError(environ.get("HTTP_HOST", ""))
        answering = next((each for each in reversed(active) if each.access_id == client_id), active[-1])
        return answering.call(environ, timeout_s)


def _unpatched(now: Any, keeper: str, name: str) -> Any:
    """A function of `requests` as it was before any mock: a mock may be active when this module is imported.

    The mock that patches it keeps the original.
    """
    return now if now.__module__.startswith("requests.") else getattr(sys.modules.get(keeper), name, now)


_UNPATCHED_SEND = _unpatched(HTTPAdapter.send, "responses", "_real_send")
_UNPATCHED_SESSION_SEND = _unpatched(requests.Session.send, "requests_mock.mocker", "_original_send")

INTERCEPTION = Interception()
