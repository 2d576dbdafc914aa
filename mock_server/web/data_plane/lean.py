"""Flask without what the vendor's API has no use for: sessions, signals, hooks around requests, hosts.

Routes, converters, error handlers and `flask.request` are Flask's own. Leaving the rest out takes a third off a
request, and remembering where paths lead an eighth more (docs/serving.md).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule, WebsocketMismatch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


ROUTES_KEPT = 1024
"""How many paths are remembered: a client's devices and commands come again, its mistakes need not."""


class _NoSessions(SessionInterface):
    """One session for everybody, which takes nothing."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 Flask asks so
        """The one there is."""
        return self._none


class JsonAnswer:
    """JSON text as a WSGI application: HTTP 200, type and length, nothing else."""

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Send it; of an answer to HEAD only the head."""
        length = str(len(self.content))
        start_response("200 OK", [("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", length)])
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.content,)


class LeanFlask(Flask):
    """Views and error handlers answer with a WSGI application, which answers without a detour."""

    session_interface: SessionInterface = _NoSessions()

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._known_route = lru_cache(ROUTES_KEPT)(self._route)

    def create_url_adapter(self, request: Request | None) -> None:
        """Find the route by path and method, whatever the host, and leave nothing to match."""
        if request is None:
            return
        if _is_upgrade(request.environ):
            raise WebsocketMismatch
        request.url_rule, view_args = self._known_route(request.method, request.path)
        request.view_args = dict(view_args)

    def _route(self, method: str, path: str) -> tuple[Rule, Mapping[str, Any]]:
        return MapAdapter(self.url_map, "localhost", "/", "", "http", path, method).match(return_rule=True)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        with self.request_context(environ):
            answer: Any
            try:
                answer = self.dispatch_request()
            except HTTPException as error:
                answer = self.handle_user_exception(error)
            except Exception as error:  # noqa: BLE001 Flask's own last resort
                answer = self.handle_exception(error)
            parts: Iterable[bytes] = answer(environ, start_response)
            return parts

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """There is nothing to take down."""

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """There is nothing to take down."""


def _is_upgrade(environ: "WSGIEnvironment") -> bool:
    """Whether a request wants to become a WebSocket, for which there is no route."""
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
        return False
    return "upgrade" in environ.get("HTTP_CONNECTION", "").lower()
