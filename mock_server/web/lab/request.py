"""Shared by the views of the lab plane: their error, and the reading of bodies and queries."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice

from flask import Response, request

from mock_server.doubts import WARNING
from mock_server.lots.seed import SeedError
from mock_server.model import JsonObject
from mock_server.problems import Problem, parse_json, whole_number
from mock_server.state.store import HeldElsewhereError, StoreError
from mock_server.web.serving.environ import TOO_LARGE
from mock_server.web.serving.inline import MEMORY
from mock_server.web.serving.wsgi import Answer, whole_answer
from mock_server.words import printable

_DOUBTS = "mock_server.doubts"

MAX_DOUBTS = 5
"""The most doubtful values that an answer names (our choice)."""

MAX_BODY = 64 * 1024 * 1024
"""The longest body that the lab plane reads, in bytes (our choice)."""

MAX_VALUES = 5_000_000
"""The most values of a body's JSON, by its commas and brackets: an empty object of 3 bytes takes 72 of the memory."""


class LabError(Exception):
    """A refusal of the lab plane: HTTP status, a stable code, and a message that says what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def to_json(self) -> JsonObject:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


def store_failed(error: StoreError) -> Answer:
    """The answer while the store fails: what was asked for may have been done, and is not kept yet."""
    body, status = store_refusal(error)
    return whole_answer(status, "application/json", json.dumps(body).encode())


def store_refusal(error: StoreError) -> tuple[JsonObject, int]:
    """The same as the result of a view. Of a project that another server has nothing was done; `server` is that one."""
    if isinstance(error, HeldElsewhereError):
        told = {"code": "held_elsewhere", "message": str(error), "server": error.url}
    else:
        told = {"code": "store_failed", "message": str(error)}
    return {"error": told}, HTTPStatus.SERVICE_UNAVAILABLE


def raw_body() -> bytes:
    """The body as it was sent. LabError if it is too large."""
    if request.environ.get(TOO_LARGE):
        raise LabError(413, "too_large", f"send at most {MAX_BODY} bytes")
    return request.get_data(cache=False)


def json_body(*, optional: bool = False) -> object:
    """The JSON value of the body; an empty object for an optional body that is absent. LabError if invalid."""
    raw = raw_body()
    if len(raw) > MAX_VALUES and sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise LabError(413, "too_large", f"send at most {MAX_VALUES} values at once")
    if optional and not raw:
        return {}
    if request.mimetype != "application/json":
        raise LabError(415, "not_json", "send Content-Type: application/json")
    try:
        return parse_json(raw)
    except ValueError as error:
        raise LabError(400, "not_json", str(error)) from None


def json_object(example: str, *, optional: bool = False) -> JsonObject:
    """The JSON object of the body. LabError, with the example in its message, for another value."""
    body = json_body(optional=optional)
    if not isinstance(body, dict):
        raise LabError(400, "invalid", f"the body must be an object such as {example}")
    return body


def query_number(name: str, default: int, high: int) -> int:
    """A number of the query, from 0 to `high`. LabError if invalid."""
    return read_number(name, request.args.get(name, str(default)), high)


def read_number(name: str, text: str, high: int) -> int:
    """The number of a text, from 0 to `high`. LabError if invalid, with the parameter's `name` in its message."""
    value = whole_number(text)
    if value is None or value > high:
        raise LabError(400, "invalid", f"{name} must be a number from 0 to {high}")
    return value


def refuse_problems(problems: list[Problem]) -> None:
    """LabError if there are problems."""
    if problems:
        raise LabError(400, "invalid", str(SeedError(problems)))


def note_doubts(doubts: Iterable[str]) -> None:
    """Let the answer to the present request name doubtful values, `MAX_DOUBTS` at most."""
    noted = request.environ.setdefault(MEMORY, {}).setdefault(_DOUBTS, [])
    noted.extend(islice(doubts, MAX_DOUBTS - len(noted)))


def with_doubts(response: Response) -> Response:
    """The answer; the request's doubtful values are in a header, without what a header cannot carry."""
    doubts = request.environ.get(MEMORY, {}).get(_DOUBTS)
    if doubts and response.status_code < HTTPStatus.BAD_REQUEST:
        text = "; ".join(doubts).encode("ascii", "backslashreplace").decode()
        response.headers[WARNING] = printable(text)
    return response
