"""The lab plane's ASGI application: the guard, then the lab API, the dashboard, or a stream of the history."""

import asyncio
import json
import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from mock_server.cloud import Cloud
from mock_server.guide import Guide
from mock_server.project import Project
from mock_server.web.dashboard.app import PATHS, create_dashboard
from mock_server.web.lab.app import create_lab
from mock_server.web.lab.event_stream import EventStream
from mock_server.web.lab.guard import Guard
from mock_server.web.lab.history_lines import history_place
from mock_server.web.lab.projects import AskAddresses, Projects
from mock_server.web.lab.request import MAX_BODY, LabError, store_failed
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.inline import InlineWsgi

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

_HISTORY = re.compile(r"/_lab/projects/([^/]+)/history")


class LabPlane:
    """The ASGI application of the lab plane."""

    def __init__(
        self,
        cloud: Cloud,
        addresses: AskAddresses,
        token: str | None = None,
        guide: Guide | None = None,
        committer: Committer | None = None,
    ) -> None:
        self._cloud = cloud
        self._committer = committer
        self._find = Projects(cloud, addresses).find
        self._guard = Guard(token)
        self._flask = InlineWsgi(create_lab(cloud, addresses, guide), MAX_BODY, committer, store_failed)
        self._pages = InlineWsgi(create_dashboard(cloud, guide), MAX_BODY, committer, store_failed)
        self._ended = asyncio.Event()

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one request."""
        if scope["type"] == "http":
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            try:
                self._guard.check(scope["method"], headers)
                stream = self._stream(scope, headers)
            except LabError as error:
                await _refuse(send, error, is_page=PATHS.fullmatch(scope["path"]) is not None)
                return
            if stream is not None:
                await stream.run(receive, send, self._ended)
                return
            if PATHS.fullmatch(scope["path"]):
                await self._pages(scope, receive, send)
                return
        await self._flask(scope, receive, send)

    def end_waits(self) -> None:
        """End every event stream and every long poll: the server stops."""
        self._ended.set()
        self._flask.end_waits()
        self._pages.end_waits()

    def _stream(self, scope: "HTTPScope", headers: dict[str, str]) -> EventStream | None:
        """The event stream that a request asks for; None for any other request. LabError if it is invalid."""
        match = _HISTORY.fullmatch(scope["path"])
        if match is None or scope["method"] != "GET" or "text/event-stream" not in headers.get("accept", ""):
            return None
        project = self._find(match.group(1))
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        after, resets = history_place(project.history, query.get("after", ["0"])[0], headers.get("last-event-id"))
        return EventStream(project.history, after, resets, partial(self._has, project), self._committer)

    def _has(self, project: Project) -> bool:
        return self._cloud.get(project.access_id) is project


async def _refuse(send: "ASGISendCallable", error: LabError, *, is_page: bool) -> None:
    """Answer with an error. A page without the token is answered so that the browser asks the user for it."""
    body = json.dumps(error.to_json()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers.append(
            (b"www-authenticate", b'Basic realm="parking-mock: the token is the password"' if is_page else b"Bearer")
        )
    await send({"type": "http.response.start", "status": error.status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
