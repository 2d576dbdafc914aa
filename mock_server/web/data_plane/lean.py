"""Flask is required of this API, and stripped here for its speed, which was measured (docs/serving.md).

Left out are sessions, signals, hooks around requests and host matching: a quarter of a request's time. Sending the
envelope without a response object saves 11 %, remembering the routes of paths 13 %. Routes, converters, error handlers
and `flask.request` are Flask's own.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import MapAdapter, Rule, WebsocketMismatch

from mock_server.state.store import StoreError
from mock_server.web.serving.environ import RAW_PATH
from mock_server.wire.envelope import CONTENT_TYPE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


ROUTES_KEPT = 1024
"""The most paths whose routes are remembered: paths of devices and commands are requested again and again."""


class _NoSessions(SessionInterface):
    """One session for all requests, which refuses every value."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 Flask asks so
        """The one session."""
        return self._none


class JsonAnswer:
    """JSON text as a WSGI application: HTTP 200, with the headers Content-Type and Content-Length."""

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer the text; no body to HEAD."""
        length = str(len(self.content))
        start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", length)])
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.content,)


class LeanFlask(Flask):
    """A Flask application whose views and error handlers return a WSGI application, which is called as it is."""

    session_interface: SessionInterface = _NoSessions()

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._known_route = lru_cache(ROUTES_KEPT)(self._route)

    def create_url_adapter(self, request: Request | None) -> None:
        """Set the request's route, by path and method of any host. Returns None, so that Flask matches nothing.

        Flask calls this first in a request context, and would match with the adapter that is returned.
        """
        if request is None:
            return
        if _is_upgrade(request.environ):
            raise WebsocketMismatch
        if _has_foreign_slashes(request.environ):
            raise NotFound
        request.url_rule, view_args = self._known_route(request.method, request.path)
        request.view_args = dict(view_args)

    def _route(self, method: str, path: str) -> tuple[Rule, Mapping[str, Any]]:
        return MapAdapter(self.url_map, "localhost", "/", "", "http", path, method).match(return_rule=True)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request, without the hooks and signals of Flask's own `wsgi_app`."""
        with self.request_context(environ):
            answer: Any
            try:
                answer = self.dispatch_request()
            except (HTTPException, StoreError) as error:
                answer = self.handle_user_exception(error)
            except Exception as error:  # noqa: BLE001 Flask's own last resort
                answer = self.handle_exception(error)
            parts: Iterable[bytes] = answer(environ, start_response)
            return parts

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Do nothing: no function is registered for it."""

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Do nothing: no function is registered for it."""


def _has_foreign_slashes(environ: "WSGIEnvironment") -> bool:
    """Whether a path has slashes that werkzeug drops, or takes for others: none or two at its start, or an encoded one.

    A client signs the path as sent, so `//v1.0/token` is not `/v1.0/token`; and an encoded slash is data, no separator
    (RFC 3986, 2.2). That the vendor knows no such path is our choice: its answer to one is not known.
    """
    path: str = environ.get(RAW_PATH) or environ["PATH_INFO"]
    return not path.startswith("/") or path.startswith("//") or "%2f" in path.lower()


def _is_upgrade(environ: "WSGIEnvironment") -> bool:
    """Whether a request asks for a WebSocket, for which there is no route."""
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
        return False
    return "upgrade" in environ.get("HTTP_CONNECTION", "").lower()
