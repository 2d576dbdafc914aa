"""The fake cloud without sockets: `requests` to the vendor's hosts are answered in this process.

    with mock_parking() as parking:
        lot = parking.add_lot()
        lot.enter("京A12345", uplink="lose")
        my_client.reconcile()           # plain `requests` against https://openapi.tuyacn.com
        assert parking.rereports[-1].records

A request goes to the parking whose access id it carries, in whatever thread; one that carries no known id goes to the
parking that was started last. Every parking has an access id of its own, so nested and parallel ones do not meet.
Other mocks of `requests` (`responses`, `requests_mock`) nest: the one that was started last is asked first, and what it
lets pass is answered here. A mock of one session object (`requests_mock.Mocker(session=...)`) is always asked first.

Any other client of this process (httpx, aiohttp, WebSockets, sockets) is not answered: see `vendor_hosts`.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload
from urllib.parse import urlsplit

from mock_server.carriers.access import noted
from mock_server.carriers.native import NativeConnections
from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, Cloud
from mock_server.lab_shapes import ClockName
from mock_server.model import Addresses, JsonObject
from mock_server.profile import Profile
from mock_server.project import Moment, Project
from mock_server.spec import MakesProject, project_spec
from mock_server.testing.class_decorating import decorate_class
from mock_server.testing.decorating import decorate_function
from mock_server.testing.in_process_native import InProcessStream
from mock_server.testing.in_process_socket import InProcessSocket
from mock_server.testing.interception import INTERCEPTION
from mock_server.testing.parking import Parking
from mock_server.web.data_plane.api import create_api
from mock_server.web.queue.handshake import read_handshake
from mock_server.web.serving.inline import DROP, HOLD
from mock_server.web.serving.wsgi import Answer, call_wsgi

ADDRESSES = Addresses(
    "https://openapi.tuyacn.com", "wss://mqe.tuyacn.com:8285/", "pulsar+ssl://mqe.tuyacn.com:7285", lab=""
)

Elsewhere = Literal["pass", "refuse"]
RealVendor = Literal["refuse", "pass"]
Class = TypeVar("Class")
T = TypeVar("T")


def mock_parking(  # noqa: PLR0913 one argument a setting
    *,
    project: str | Path | None = None,
    profile: str | JsonObject | Profile = "default",
    chaos: str | JsonObject = "off",
    clock: ClockName = "system",
    now_ms: int | None = None,
    seed: int | str | JsonObject = 0,
    devices: list[JsonObject] | None = None,
    elsewhere: Elsewhere = "pass",
    real_vendor: RealVendor = "refuse",
) -> "MockParking":
    """A fake cloud in this process: a context manager, a decorator, or `.start()` and `.stop()`.

    `seed` is a number for randomness, a seed's name (`"quiet-lot"`) or a seed file's object; devices come from the seed
    or from `devices`. `project` is a file of `Parking.export` or `parking-mock export`: the parking goes on as it was
    there, with keys of its own, and takes `clock="virtual"` beside it for a clock that stands still at that moment.
    `elsewhere`: requests to other hosts pass, or are refused with ConnectionError.
    `real_vendor`: connections to the vendor's hosts that are not answered here (of clients other than `requests`) are
    refused with `RealVendorError`, an OSError, or pass.
    ValueError names what cannot be used.
    """
    if elsewhere not in ("pass", "refuse"):
        raise ValueError(f'elsewhere must be "pass" or "refuse", not {elsewhere!r}')
    if real_vendor not in ("pass", "refuse"):
        raise ValueError(f'real_vendor must be "refuse" or "pass", not {real_vendor!r}')
    own = {"profile": profile, "chaos": chaos, "clock": clock, "now_ms": now_ms, "seed": seed, "devices": devices}
    spec = project_spec(project=project, **own)  # type: ignore[arg-type]  # the types of this function's own arguments
    return MockParking(spec, elsewhere, real_vendor)


class MockParking(Parking):
    """A project in this process, made by `mock_parking`. Each start makes it anew, a fork as it was at its `origin`."""

    def __init__(
        self,
        spec: MakesProject,
        elsewhere: Elsewhere = "pass",
        real_vendor: RealVendor = "refuse",
        origin: tuple[Project, Moment] | None = None,
    ) -> None:
        self._spec = spec
        self._origin = origin
        self._real_vendor: RealVendor = real_vendor
        self._elsewhere: Elsewhere = elsewhere
        self._lock = threading.RLock()
        self._began = False
        self.yields_its_access_id = False
        super().__init__(spec.make_project(DEFAULT_ACCESS_ID), ADDRESSES, self._run_here)

    def start(self) -> Self:
        """Make the project anew and answer the vendor's hosts from now on. RuntimeError if it is started already."""
        INTERCEPTION.push(self)
        return self

    def stop(self) -> None:
        """Stop answering. The project and its history stay readable."""
        INTERCEPTION.remove(self)

    def begin(self, access_id: str) -> None:
        """Make the project anew under an access id."""
        self.project = self._make_project(access_id)
        self._cloud = Cloud(self.project.clock)
        self._cloud.add(self.project)
        self._native = NativeConnections(self._cloud)
        self._app = create_api(self._cloud)
        self._app.testing = True
        self._began = True

    def _make_project(self, access_id: str) -> Project:
        if self._origin is None:
            return self._spec.make_project(access_id)
        parent, moment = self._origin
        return parent.fork(access_id, DEFAULT_ACCESS_SECRET, moment)

    def another(self) -> "MockParking":
        """A parking of the same specification, not started."""
        return MockParking(self._spec, self._elsewhere, self._real_vendor, self._origin)

    def forked(self, moment: Moment) -> Self:
        """Another parking, not started, that begins with a moment of this one."""
        return type(self)(self._spec, self._elsewhere, self._real_vendor, (self.project, moment))

    @overload
    def __call__(self, test: type[Class]) -> type[Class]: ...

    @overload
    def __call__(self, test: Callable[..., T]) -> Callable[..., T]: ...

    def __call__(self, test: Any) -> Any:
        """Decorate a function, a coroutine function, a generator, or a class of tests.

        A function that has a parameter `parking` gets a parking of its own for each call; others run in this one.
        Of a class everything that belongs to a test runs in one parking: see `class_decorating`.
        """
        return decorate_class(self, test) if isinstance(test, type) else decorate_function(self, test)

    @property
    def is_active(self) -> bool:
        """Whether it is started and not stopped."""
        return INTERCEPTION.is_active(self)

    @property
    def refuses_elsewhere(self) -> bool:
        """Whether requests to other hosts are refused."""
        return self._elsewhere == "refuse"

    @property
    def passes_to_the_vendor(self) -> bool:
        """Whether connections to the real vendor pass."""
        return self._real_vendor == "pass"

    def call(self, environ: dict[str, Any], patience_s: float | None = None) -> Answer:
        """Answer one WSGI request. ConnectionError if no answer goes out, TimeoutError if it comes too late."""
        with self._lock:
            answer = call_wsgi(self._app, environ)
            self.project.clock.run_all_due()
            self._hold(environ, patience_s)
        if DROP in environ:
            raise ConnectionError("the connection was closed without an answer")
        return answer

    def open_socket(self, url: str, headers: Mapping[str, str]) -> InProcessSocket:
        """Connect a consumer of the message queue. AccessRefusedError as over a real connection."""
        target = urlsplit(url)
        named = {name.lower(): value for name, value in headers.items()}
        with self._lock, noted("websocket", named.get("user-agent", ""), self.project):
            return InProcessSocket(read_handshake(target.path, target.query, named, self._cloud), self._lock)

    def open_stream(self) -> InProcessStream:
        """Connect to the native port of the message queue."""
        with self._lock:
            return InProcessStream(self._native, self._lock)

    def _hold(self, environ: dict[str, Any], patience_s: float | None) -> None:
        """Carry out the delay of a late answer: a virtual clock advances, the system's does not wait.

        TimeoutError on either clock if the client's time-out is shorter.
        """
        if HOLD not in environ:
            return
        clock, at_ms = environ[HOLD]
        now_ms = clock.now_ms()
        gives_up = patience_s is not None and at_ms - now_ms > patience_s * 1000
        if isinstance(clock, VirtualClock):
            clock.advance_to(max(now_ms, now_ms + round((patience_s or 0) * 1000) if gives_up else at_ms))
        if gives_up:
            raise TimeoutError(f"no answer within {patience_s} s")

    def changes_in_s(self) -> float | None:
        """On the system's clock the time to the next timer; else without limit, None if no other thread can act."""
        with self._lock:
            due, now_ms = self.project.clock.next_at(), self.project.clock.now_ms()
        if due is not None and not isinstance(self.project.clock, VirtualClock):
            return max(0, due - now_ms) / 1000
        return threading.TIMEOUT_MAX if threading.active_count() > 1 else None

    def _run_here(self, work: Callable[[], Any]) -> Any:
        if not self._began:
            raise RuntimeError("this parking is not started: what happens before would be forgotten")
        with self._lock:
            result = work()
            self.project.clock.run_all_due()
            return result
