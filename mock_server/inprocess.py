"""The fake cloud without sockets: `requests` to the vendor's hosts are answered in this process, through `responses`.

    with mock_parking() as parking:
        lot = parking.add_lot()
        lot.enter("京A12345", uplink="lose")
        my_client.reconcile()           # plain `requests` against https://openapi.tuyacn.com
        assert parking.rereports[-1].records

One patch serves every parking that is active, in whatever thread. A request goes to the parking whose access id it
carries; one that carries no known id goes to the parking that was started last. Every parking has an access id of its
own, so nested and parallel ones do not meet.
"""

import functools
import inspect
import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit

import requests
import responses
from requests.adapters import HTTPAdapter

from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, Cloud
from mock_server.model import JsonObject
from mock_server.parking import Parking
from mock_server.profile import Profile
from mock_server.settings import Settings
from mock_server.web.api import create_api
from mock_server.web.environ import build_environ
from mock_server.web.inline import DROP, HOLD
from mock_server.web.wsgi import call_wsgi

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

ADDRESSES = ("https://openapi.tuyacn.com", "wss://mqe.tuyacn.com:8285/", "")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

Elsewhere = Literal["pass", "refuse"]
Test = TypeVar("Test", bound=Callable[..., Any])

_HOSTS = re.compile(rf"https?://({'|'.join(map(re.escape, API_HOSTS))})(:\d+)?/.*")
_ANYWHERE = re.compile(r".*")


def mock_parking(
    *,
    profile: str | JsonObject | Profile = "default",
    chaos: str | JsonObject = "off",
    clock: Literal["system", "virtual"] = "system",
    now_ms: int | None = None,
    seed: int | JsonObject = 0,
    devices: list[JsonObject] | None = None,
    elsewhere: Elsewhere = "pass",
) -> "MockParking":
    """A fake cloud in this process: a context manager, a decorator, or `.start()` and `.stop()`.

    `seed` is a number for randomness or a seed file's object; without it there are no devices but `devices`.
    `elsewhere` says what becomes of requests to other hosts: they pass, or are refused with ConnectionError.
    ValueError names what cannot be used.
    """
    settings = Settings(profile, chaos, clock, now_ms, seed, devices)
    return MockParking(settings, elsewhere)


class MockParking(Parking):
    """What `mock_parking` makes. It is a new world each time that it is started."""

    def __init__(self, settings: Settings, elsewhere: Elsewhere) -> None:
        self._settings = settings
        self._elsewhere: Elsewhere = elsewhere
        self._lock = threading.RLock()
        super().__init__(settings.make_project(DEFAULT_ACCESS_ID), ADDRESSES, self._run_here)

    def start(self) -> Self:
        """Make the world anew and answer the vendor's hosts from now on."""
        self.project = self._settings.make_project(_PATCH.free_access_id())
        self._app = create_api(self._cloud())
        self._app.testing = True
        _PATCH.push(self)
        return self

    def stop(self) -> None:
        """Answer no more. What happened can still be looked at."""
        _PATCH.remove(self)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, test: Test) -> Test:
        """Decorate a function, a coroutine function, or a class whose test methods are to be decorated.

        A function that has a parameter `parking` gets this object.
        """
        decorated: Any = _decorate_class(self, test) if isinstance(test, type) else _decorate(self, test)
        return cast("Test", decorated)

    @property
    def refuses_elsewhere(self) -> bool:
        """Whether requests to other hosts are refused."""
        return self._elsewhere == "refuse"

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        """Answer one request."""
        with self._lock:
            environ = _environ(request)
            answer = call_wsgi(self._app, environ)
            self._hold(request, environ)
            self.project.clock.run_all_due()
        if DROP in environ:
            raise requests.ConnectionError("the connection was closed without an answer", request=request)
        return answer.status, dict(answer.headers), answer.content

    def _hold(self, request: requests.PreparedRequest, environ: dict[str, Any]) -> None:
        """A late answer: a virtual clock goes on until then; on the system's clock only a shorter time-out notices."""
        if HOLD not in environ:
            return
        clock, at_ms = environ[HOLD]
        late_s = (at_ms - clock.now_ms()) / 1000
        if isinstance(clock, VirtualClock):
            clock.advance_to(max(at_ms, clock.now_ms()))
        timeout = getattr(request, "req_kwargs", {}).get("timeout")
        read_timeout = timeout[-1] if isinstance(timeout, tuple) else timeout
        if read_timeout is not None and late_s > read_timeout:
            raise requests.ReadTimeout(f"no answer within {read_timeout} s", request=request)

    def _cloud(self) -> Cloud:
        cloud = Cloud(self.project.clock)
        cloud.add(self.project)
        return cloud

    def _run_here(self, work: Callable[[], Any]) -> Any:
        with self._lock:
            result = work()
            self.project.clock.run_all_due()
            return result


class _Patch:
    """The one patch of `requests`, there while any parking is active."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._active: list[MockParking] = []
        self._mock: responses.RequestsMock | None = None

    def free_access_id(self) -> str:
        """The default access id, or, while a parking has it, one with the next number."""
        taken = {parking.access_id for parking in self._active}
        stem, number = DEFAULT_ACCESS_ID[:-2], 1
        while (access_id := f"{stem}{number:02d}") in taken:
            number += 1
        return access_id

    def push(self, parking: MockParking) -> None:
        """A parking becomes the innermost one."""
        with self._lock:
            if parking in self._active:
                raise RuntimeError("this parking is started already")
            self._active.append(parking)
            self._restart()

    def remove(self, parking: MockParking) -> None:
        """A parking answers no more; one that does not is left alone."""
        with self._lock:
            if parking in self._active:
                self._active.remove(parking)
                self._restart()

    def _restart(self) -> None:
        """Patch anew: other mocks may have come since, and what they patch is where requests elsewhere go."""
        if self._mock is not None:
            self._mock.stop(allow_assert=False)
            self._mock = None
        if self._active:
            self._mock = self._new_mock(self._active[-1])
            self._mock.start()

    def _new_mock(self, innermost: MockParking) -> responses.RequestsMock:
        mock = responses.RequestsMock(assert_all_requests_are_fired=False, real_adapter_send=HTTPAdapter.send)
        for method in METHODS:
            mock.add_callback(method, _HOSTS, callback=self._answer, content_type=None)
        if not innermost.refuses_elsewhere:
            mock.add_passthru(_ANYWHERE)
        return mock

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        client_id = request.headers.get("client_id", "")
        for parking in self._active:
            if parking.access_id == client_id:
                return parking.answer(request)
        return self._active[-1].answer(request)


_PATCH = _Patch()


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    target = urlsplit(request.url or "/")
    body = request.body or b""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return build_environ(request.method or "GET", target.path or "/", target.query, request.headers.items(), raw)


def _decorate(parking: MockParking, test: Callable[..., Any]) -> Callable[..., Any]:
    wants = "parking" in inspect.signature(test).parameters

    def extra() -> dict[str, MockParking]:
        return {"parking": parking} if wants else {}

    @functools.wraps(test)
    def function(*args: Any, **kwargs: Any) -> Any:
        with parking:
            return test(*args, **extra(), **kwargs)

    @functools.wraps(test)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with parking:
            return await test(*args, **extra(), **kwargs)

    decorated: Any = coroutine if inspect.iscoroutinefunction(test) else function
    signature = inspect.signature(test)
    left = [each for name, each in signature.parameters.items() if name != "parking"]
    decorated.__signature__ = signature.replace(parameters=left)  # what pytest reads
    return cast("Callable[..., Any]", decorated)


def _decorate_class(parking: MockParking, tests: type) -> type:
    for name, test in list(vars(tests).items()):
        if name.startswith("test") and callable(test):
            setattr(tests, name, _decorate(parking, test))
    return tests
