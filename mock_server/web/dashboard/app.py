"""The dashboard: the lab plane's `/`, a page that shows what happens in a project.

It shows the project's history, summed up by `mock_server.history.digest`; its buttons call the lab API. The page is
rendered completely on the server; its scripts only fetch it again after changes.
"""

import re
from http import HTTPStatus
from types import CodeType
from weakref import WeakKeyDictionary

from flask import Flask, Response, render_template, request
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.exceptions import HTTPException

from mock_server.cloud import Cloud
from mock_server.guide import NO_NEWS, Guide
from mock_server.history.digest import Digest
from mock_server.history.log import History
from mock_server.project import Project
from mock_server.state.store import StoreError
from mock_server.steps import Steps
from mock_server.web.dashboard.view import ViewRequest, look
from mock_server.web.serving.turns import NotYetError, in_turns

PATHS = re.compile(r"/|/dashboard/[a-z][a-z_.-]*")
"""The paths that the dashboard serves; every other path of the lab plane is the lab API's."""

ENTRIES_A_STEP = 50
"""How many entries of a history are read without a look at the time."""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}

_HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Compiled(BytecodeCache):
    """The templates of all dashboards in this process, compiled once: that takes ten times as long as to fill them."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what has been compiled from the same source."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what has been compiled."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def create_dashboard(cloud: Cloud, guide: Guide | None = None) -> Flask:
    """The dashboard for all projects of a cloud, with the guide of a demo, if there is one."""
    app = Flask(
        "mock_server.web.dashboard",
        static_folder="pages/static",
        static_url_path="/dashboard",
        template_folder="pages/templates",
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "bytecode_cache": _COMPILED}
    page = _Page(cloud, guide)
    app.add_url_rule("/", "page", page.show, methods=["GET"], provide_automatic_options=False)
    app.after_request(_with_headers)
    app.register_error_handler(NotYetError, lambda _: "")
    app.register_error_handler(HTTPException, _error)
    app.register_error_handler(StoreError, lambda error: (str(error), HTTPStatus.SERVICE_UNAVAILABLE, _TEXT))
    return app


class _Page:
    """The view, with a digest of each project that was shown, kept as long as its project."""

    def __init__(self, cloud: Cloud, guide: Guide | None) -> None:
        self._cloud = cloud
        self._guide = guide
        self._digests: WeakKeyDictionary[Project, Digest] = WeakKeyDictionary()

    def show(self) -> tuple[str, int] | str:
        """`GET /?project=&lot=&cell=&before=&show=`."""
        name = request.args.get("project") or (self._guide.access_id if self._guide else None)
        projects = self._cloud.access_ids
        project = self._cloud.find(name or (projects[0] if projects else ""), wants=False)
        if project is None:
            return render_template("nothing.html", name=(name or "")[:64], projects=projects[:200]), 404
        digest = self._digests.setdefault(project, Digest(project.profile))
        guide = self._guide if self._guide and self._guide.access_id == project.access_id else None
        until = guide.shown_until(project.history.last) if guide else None
        if until != NO_NEWS:
            in_turns(request.environ, lambda: _read_all(digest, project.history, until))
        if guide:
            guide.note_viewer()
        asked = ViewRequest.of(request.args, guide)
        view = look(project, digest, asked)
        story = guide.to_json() if guide else None
        return render_template(
            "dashboard.html",
            view=view,
            projects=projects[:200],
            story=story,
            with_token="Authorization" in request.headers,
        )


def _read_all(digest: Digest, history: History, until: int | None) -> Steps[None]:
    while digest.read(history, ENTRIES_A_STEP, until):
        yield None


def _with_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


def _error(error: HTTPException) -> tuple[str, int]:
    return render_template("nothing.html", name="", projects=[]), error.code or 500
