"""The fake cloud without sockets: `requests` to the vendor's hosts are answered in this process, through `responses`.

    with mock_parking() as parking:
        lot = parking.add_lot()
        lot.enter("京A12345", uplink="lose")
        my_client.reconcile()           # plain `requests` against https://openapi.tuyacn.com
        assert parking.rereports[-1].records

A request goes to the parking whose access id it carries, in whatever thread; one that carries no known id goes to the
parking that was started last. Every parking has an access id of its own, so nested and parallel ones do not meet.
Other mocks of `requests` nest as they do among themselves: the one that was started last is asked first.
"""

import functools
import inspect
import re
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast, overload
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from responses import RequestsMock
from urllib3.util import Timeout

from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, Cloud
from mock_server.history.story import TITLE, told_beside_a_failure
from mock_server.model import JsonObject
from mock_server.profile import Profile
from mock_server.spec import ProjectSpec, project_spec
from mock_server.testing.in_process_socket import InProcessSocket
from mock_server.testing.parking import Parking
from mock_server.web.data_plane.api import MAX_BODY, create_api
from mock_server.web.queue.handshake import read_handshake
from mock_server.web.serving.environ import TOO_LARGE, build_environ
from mock_server.web.serving.inline import DROP, HOLD
from mock_server.web.serving.wsgi import Answer, call_wsgi

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

Elsewhere = Literal["pass", "refuse"]
Class = TypeVar("Class")
T = TypeVar("T")

_ANYWHERE = re.compile(r".*")


def mock_parking(
    *,
    profile: str | JsonObject | Profile = "default",
    chaos: str | JsonObject = "off",
    clock: Literal["system", "virtual"] = "system",
    now_ms: int | None = None,
    seed: int | str | JsonObject = 0,
    devices: list[JsonObject] | None = None,
    elsewhere: Elsewhere = "pass",
) -> "MockParking":
    """A fake cloud in this process: a context manager, a decorator, or `.start()` and `.stop()`.

    `seed` is a number for randomness, a seed's name (`"quiet-lot"`) or a seed file's object; devices come from the seed
    or from `devices`.
    `elsewhere`: requests to other hosts pass, or are refused with ConnectionError.
    ValueError names what cannot be used.
    """
    if elsewhere not in ("pass", "refuse"):
        raise ValueError(f'elsewhere must be "pass" or "refuse", not {elsewhere!r}')
    spec = project_spec(profile=profile, chaos=chaos, clock=clock, now_ms=now_ms, seed=seed, devices=devices)
    return MockParking(spec, elsewhere)


class MockParking(Parking):
    """A project in this process, made by `mock_parking`. Each start makes it anew."""

    def __init__(self, spec: ProjectSpec, elsewhere: Elsewhere) -> None:
        self._spec = spec
        self._elsewhere: Elsewhere = elsewhere
        self._lock = threading.RLock()
        self._began = False
        super().__init__(spec.make_project(DEFAULT_ACCESS_ID), ADDRESSES, self._run_here)

    def start(self) -> Self:
        """Make the project anew and answer the vendor's hosts from now on. RuntimeError if it is started already."""
        _PATCH.push(self)
        return self

    def stop(self) -> None:
        """Stop answering. The project and its history stay readable."""
        _PATCH.remove(self)

    def begin(self, access_id: str) -> None:
        """Make the project anew under an access id."""
        self.project = self._spec.make_project(access_id)
        self._cloud = Cloud(self.project.clock)
        self._cloud.add(self.project)
        self._app = create_api(self._cloud)
        self._app.testing = True
        self._began = True

    def another(self) -> "MockParking":
        """A parking of the same specification, not started."""
        return MockParking(self._spec, self._elsewhere)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if isinstance(error, Exception):
            error.add_note(f"{TITLE}\n{told_beside_a_failure(self.story)}")

    @overload
    def __call__(self, test: type[Class]) -> type[Class]: ...

    @overload
    def __call__(self, test: Callable[..., T]) -> Callable[..., T]: ...

    def __call__(self, test: Any) -> Any:
        """Decorate a function, a coroutine function, a generator, or a class whose test methods are to be decorated.

        A function that has a parameter `parking` gets a parking of its own for each call; others run in this one.
        """
        return _decorate_class(self, test) if isinstance(test, type) else _decorate(self, test)

    @property
    def refuses_elsewhere(self) -> bool:
        """Whether requests to other hosts are refused."""
        return self._elsewhere == "refuse"

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        """Answer one request."""
        patience_s = _read_timeout(getattr(request, "req_kwargs", {}).get("timeout"))
        try:
            answer = self.call(_environ(request), patience_s)
        except TimeoutError as error:
            raise requests.ReadTimeout(*error.args, request=request) from None
        except ConnectionError as error:
            raise requests.ConnectionError(*error.args, request=request) from None
        return answer.status, dict(answer.headers), answer.content

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
        """Connect a consumer of the message queue. HandshakeRefusedError as over a real connection."""
        target = urlsplit(url)
        named = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            return InProcessSocket(read_handshake(target.path, target.query, named, self._cloud), self._lock)

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


class _Layer:
    """One patch of `HTTPAdapter.send`. The function that it replaced, `below`, gets requests to other hosts."""

    def __init__(self, patch: "_Patch") -> None:
        self.below: Any = HTTPAdapter.send
        below = self.below
        self.parkings = 0

        def send(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
            answering = patch.who_answers(request)
            if answering is None:
                return below(adapter, request, *args, **kwargs)
            mock = RequestsMock(assert_all_requests_are_fired=False)
            mock.add_callback(request.method or "GET", _ANYWHERE, callback=answering.answer, content_type=None)
            return mock.unbound_on_send()(adapter, request, *args, **kwargs)

        self.send: Any = send


class _Patch:
    """The active parkings, and the patches of `requests` that lead to them.

    Parallel parkings share a layer; one that starts after another mock of `requests` gets a layer above it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._active: tuple[MockParking, ...] = ()
        self._layer_of: dict[int, _Layer] = {}
        self._layers: dict[Any, _Layer] = {}

    def push(self, parking: MockParking) -> None:
        """Begin a parking, as the innermost one."""
        with self._lock:
            if parking in self._active:
                raise RuntimeError("this parking is started already")
            parking.begin(self._free_access_id())
            layer = self._top() or self._add_layer()
            layer.parkings += 1
            self._layer_of[id(parking)] = layer
            self._active = (*self._active, parking)

    def remove(self, parking: MockParking) -> None:
        """Take a parking out; one that is not active is left as it is."""
        with self._lock:
            if parking in self._active:
                self._active = tuple(each for each in self._active if each is not parking)
                self._layer_of.pop(id(parking)).parkings -= 1
                self._take_layers()

    def who_answers(self, request: requests.PreparedRequest) -> MockParking | None:
        """The parking that a request is for, None if it goes elsewhere. ConnectionError if it may not."""
        active = self._active
        if not active:
            return None
        host = urlsplit(request.url or "").hostname
        if host in API_HOSTS:
            client_id = _text(request.headers.get("client_id", ""))
            return next((each for each in active if each.access_id == client_id), active[-1])
        if active[-1].refuses_elsewhere:
            raise requests.ConnectionError(
                f'{host} is not the vendor\'s: refused by elsewhere="refuse"', request=request
            )
        return None

    def _free_access_id(self) -> str:
        """The default access id, or, while a parking has it, one with the next number."""
        taken = {parking.access_id for parking in self._active}
        stem, number = DEFAULT_ACCESS_ID[:-2], 1
        while (access_id := f"{stem}{number:02d}") in taken:
            number += 1
        return access_id

    def _top(self) -> _Layer | None:
        return self._layers.get(HTTPAdapter.send)

    def _add_layer(self) -> _Layer:
        layer = _Layer(self)
        self._layers[layer.send] = layer
        HTTPAdapter.send = layer.send  # type: ignore[method-assign]  # what every mock of requests patches
        return layer

    def _take_layers(self) -> None:
        """Remove unused layers from the top. Below the patch of another mock they stay and pass everything on."""
        while (layer := self._top()) is not None and not layer.parkings:
            del self._layers[layer.send]
            HTTPAdapter.send = layer.below  # type: ignore[method-assign]  # as it was


_PATCH = _Patch()


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    target = urlsplit(request.url or "/")
    headers = ((_text(name), _text(value)) for name, value in request.headers.items())
    body = _content(request.body)
    is_too_large = len(body) > MAX_BODY
    sent = b"" if is_too_large else body
    environ = build_environ(request.method or "GET", target.path or "/", target.query, headers, sent)
    return environ | ({TOO_LARGE: True} if is_too_large else {})


def _content(body: str | bytes | Iterable[bytes | str] | None) -> bytes:
    """The bytes of any kind of body that `requests` sends."""
    if isinstance(body, str):
        return body.encode()
    if body is None or isinstance(body, bytes | bytearray):
        return bytes(body or b"")
    return b"".join(part.encode() if isinstance(part, str) else part for part in body)


def _text(header: str | bytes) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else header


def _read_timeout(timeout: Any) -> float | None:
    """How long a client waits for an answer: a number, a pair, or urllib3's object; None is no limit."""
    if isinstance(timeout, tuple):
        return cast("float | None", timeout[-1])
    read = timeout.read_timeout if isinstance(timeout, Timeout) else timeout
    return cast("float | None", read)


def _decorate(parking: MockParking, test: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(test)
    decorated: Any = functools.wraps(test)(_wrapper(parking, test, list(signature.parameters)))
    left = [each for name, each in signature.parameters.items() if name != "parking"]
    decorated.__signature__ = signature.replace(parameters=left)  # what pytest reads
    return cast("Callable[..., Any]", decorated)


def _wrapper(parking: MockParking, test: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """The function that runs a test inside of a parking: a coroutine or a generator if the test is one."""

    def prepare(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[MockParking, Callable[[], Any]]:
        if "parking" not in names:
            return parking, functools.partial(test, *args, **kwargs)
        own, place = parking.another(), names.index("parking")
        if place < len(args):
            return own, functools.partial(test, *args[:place], own, *args[place:], **kwargs)
        return own, functools.partial(test, *args, **kwargs, parking=own)

    def function(*args: Any, **kwargs: Any) -> Any:
        own, call = prepare(args, kwargs)
        with own:
            return call()

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        own, call = prepare(args, kwargs)
        with own:
            return (yield from call())

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        own, call = prepare(args, kwargs)
        with own:
            return await call()

    if inspect.isasyncgenfunction(test):
        raise TypeError(f"{test.__name__} is an asynchronous generator: use `with mock_parking()` in it")
    if inspect.isgeneratorfunction(test):
        return generator
    return coroutine if inspect.iscoroutinefunction(test) else function


def _decorate_class(parking: MockParking, tests: type) -> type:
    """Decorate the test methods of a class, inherited ones too."""
    for name in dir(tests):
        test = inspect.getattr_static(tests, name)
        if not name.startswith("test"):
            continue
        if isinstance(test, staticmethod | classmethod):
            setattr(tests, name, type(test)(_decorate(parking, test.__func__)))
        elif inspect.isfunction(test):
            setattr(tests, name, _decorate(parking, test))
    return tests
