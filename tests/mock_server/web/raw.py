"""A request to a WSGI application as it came over the wire: any bytes anywhere, no client that corrects them."""

import json
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.test import run_wsgi_app

from mock_server.web.serving.environ import build_environ
from tests.support import Api


def call(
    app: Flask, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers and content of the answer. `target` is the request target, percent-encoded or not."""
    path, _, query = target.partition("?")
    content, status, answered = run_wsgi_app(app, build_environ(method, path, query, headers, body))
    return status, dict(answered), b"".join(content)


def envelope(
    api: Api, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
) -> dict[str, Any]:
    """The envelope of the answer, which must be HTTP 200, JSON, of a bounded size, and no confession of a defect."""
    status, answered, content = call(api.client.application, method, target, headers, body)  # type: ignore[arg-type] # werkzeug's client takes any WSGI application; support.Api gives it a Flask
    assert status == "200 OK"
    assert answered["Content-Type"] == "application/json;charset=UTF-8"
    assert len(content) < 16 * 1024
    found = json.loads(content)
    required = {"success", "t", "tid", "result"} if found["success"] is True else {"success", "t", "tid", "code", "msg"}
    assert found.keys() == required
    assert found.get("code") != 500
    assert len(found["tid"]) == 32
    return dict(found)
