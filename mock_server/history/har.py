"""The calls of a history as HAR 1.2, which browsers and proxies open.

A history has no bodies of answers: the text of one is made from what it tells, and says so. Credentials are masked, as
everywhere in a history.
"""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from mock_server.history.events import RequestAnswered, RequestReceived
from mock_server.history.log import Entry
from mock_server.model import JsonObject
from mock_server.version import __version__
from mock_server.wire.record_time import iso_time

TOLD = "made from the history, which does not keep the bodies of answers"
GARBLED = "the answer went out garbled"
UNANSWERED = "no answer went out"

CREATOR: JsonObject = {"name": "parking-mock", "version": __version__}


def har_entries(entries: Iterable[Entry], api: str) -> Iterator[JsonObject]:
    """Each call with its answer, in the order of the answers; those without one come last. `api` is their address."""
    waiting: dict[int, tuple[Entry, RequestReceived]] = {}
    for entry in entries:
        if isinstance(entry.event, RequestReceived):
            waiting[entry.seq] = entry, entry.event
        elif isinstance(entry.event, RequestAnswered) and entry.event.request in waiting:
            asked, request = waiting.pop(entry.event.request)
            yield _entry(asked, request, api, entry.time - asked.time, entry.event)
    for asked, request in waiting.values():
        yield _entry(asked, request, api, 0, None)


def _entry(
    asked: Entry, request: RequestReceived, api: str, took_ms: int, answer: RequestAnswered | None
) -> JsonObject:
    return {
        "startedDateTime": iso_time(asked.time),
        "time": took_ms,
        "request": _request(request, api),
        "response": _response(answer),
        "cache": {},
        "timings": {"send": 0, "wait": took_ms, "receive": 0},
        "comment": f"line {asked.seq} of the history",
    }


def _request(request: RequestReceived, api: str) -> JsonObject:
    mime = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    found: JsonObject = {
        "method": request.method,
        "url": f"{api}{request.path}{f'?{request.query}' if request.query else ''}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request.headers.items()),
        "queryString": _pairs(parse_qsl(request.query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(request.body.encode("utf-8", "replace")),
    }
    return found | ({"postData": {"mimeType": mime, "text": request.body}} if request.body else {})


def _response(answer: RequestAnswered | None) -> JsonObject:
    """The answer. Its status is 0 if none went out, as browsers have it, else 200: the vendor refuses in the body."""
    is_out = answer is not None and answer.sent != "not"
    text = _answer_text(answer) if answer is not None and is_out else ""
    comment = UNANSWERED if not is_out else GARBLED if answer is not None and answer.sent == "garbled" else TOLD
    return {
        "status": 200 if is_out else 0,
        "statusText": "OK" if is_out else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [],
        "content": {"size": len(text), "mimeType": "application/json", "text": text, "comment": comment},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _answer_text(answer: RequestAnswered) -> str:
    if answer.code is not None:
        return json.dumps({"code": answer.code, "msg": answer.msg, "success": False})
    return json.dumps({"result": {"sn": answer.sn} if answer.sn else {}, "success": True})


def _pairs(values: Iterable[tuple[str, str]]) -> list[JsonObject]:
    return [{"name": name, "value": value} for name, value in values]
