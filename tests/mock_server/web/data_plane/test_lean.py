from typing import Any

import pytest
from flask import Response, request
from werkzeug.exceptions import HTTPException

from mock_server.web.data_plane.lean import ROUTES_KEPT, LeanFlask


@pytest.fixture
def app() -> LeanFlask:
    """Two views and a handler for what has no route."""
    app = LeanFlask("lean", static_folder=None)
    app.add_url_rule("/echo/<name>", view_func=lambda name: Response(f"{name} {request.args.get('q')}"))
    app.add_url_rule("/broken", view_func=_fail)
    app.register_error_handler(HTTPException, lambda error: Response(error.name, 200))
    return app


def _fail() -> Response:
    raise ValueError("broken")


def test_routes_arguments_and_queries_are_flasks(app: LeanFlask) -> None:
    """As with any Flask application."""
    assert app.test_client().get("/echo/a%20b?q=1").text == "a b 1"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("POST", "/echo/a"), ("GET", "")])
def test_what_has_no_route_goes_to_the_error_handler(app: LeanFlask, method: str, path: str) -> None:
    """Unknown paths and wrong methods."""
    answer = app.test_client().open(path, method=method)
    assert (answer.status_code, answer.text) in {(200, "Not Found"), (200, "Method Not Allowed")}


@pytest.mark.parametrize("host", ["localhost", "openapi.tuyacn.com", "a b", "", "[::1"])
def test_any_host_is_right(app: LeanFlask, host: str) -> None:
    """Nothing depends on it."""
    assert app.test_client().get("/echo/a?q=1", headers={"Host": host}).text == "a 1"


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"Upgrade": "websocket", "Connection": "keep-alive, Upgrade"}, "Bad Request"),
        ({"Upgrade": "websocket", "Connection": "keep-alive"}, "a 1"),
        ({"Upgrade": "h2c", "Connection": "Upgrade"}, "a 1"),
    ],
)
def test_an_upgrade_to_a_websocket_has_no_route(app: LeanFlask, headers: dict[str, str], text: str) -> None:
    """Only if both headers ask for it."""
    assert app.test_client().get("/echo/a?q=1", headers=headers).text == text


def test_a_route_that_is_remembered_is_the_same_route(app: LeanFlask) -> None:
    """Its arguments come anew each time; another method is another route."""
    client = app.test_client()
    for _ in range(2):
        assert [client.get(f"/echo/{name}?q=1").text for name in "ab"] == ["a 1", "b 1"]
        assert client.delete("/echo/a").text == "Method Not Allowed"


def test_no_more_routes_are_remembered_than_may_be(app: LeanFlask) -> None:
    """Whatever paths a client makes up."""
    client = app.test_client()
    for number in range(ROUTES_KEPT + 10):
        assert client.get(f"/echo/{number}?q=1").text == f"{number} 1"
    assert app._known_route.cache_info().currsize == ROUTES_KEPT


def test_a_view_that_fails_is_a_server_error_and_a_failure_in_tests(
    app: LeanFlask, caplog: pytest.LogCaptureFixture
) -> None:
    """As with any Flask application."""
    assert app.test_client().get("/broken").text == "Internal Server Error"
    assert "broken" in caplog.text
    app.testing = True
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/broken")


def test_a_context_ends_with_its_request(app: LeanFlask) -> None:
    """Whatever became of it."""
    for path in ("/echo/a", "/nowhere"):
        app.test_client().get(path)
        asked: Any = request
        assert not asked
