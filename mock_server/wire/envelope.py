"""The envelope of the vendor's answers. Every answer is HTTP 200; only failures have `code` and `msg` (observed)."""

import json

from mock_server.model import JsonObject
from mock_server.wire.errors import ErrorCode, VendorError

CONTENT_TYPE = "application/json;charset=UTF-8"
"""The content type of every answer of the vendor."""

NOT_HTTP = "this is no HTTP request"
"""Our words for bytes that no HTTP parser takes."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def success(result: object, t: int, tid: str) -> JsonObject:
    """A success: `result`, `success`, `t` in ms, `tid`."""
    return {"result": result, "success": True, "t": t, "tid": tid}


def failure(error: VendorError, t: int, tid: str) -> JsonObject:
    """A failure: `code`, `msg`, `success`, `t` in ms, `tid`."""
    return {"code": int(error.code), "msg": error.msg, "success": False, "t": t, "tid": tid}


def unreadable(reason: str, t: int) -> bytes:
    """The encoded failure 1109 for bytes that are no request that is read: there is no project to give it a `tid`."""
    return encode(failure(VendorError(ErrorCode.PARAM_ILLEGAL, reason), t, "0" * 32))


def encode(envelope: JsonObject) -> bytes:
    """The bytes of an envelope: compact JSON in UTF-8."""
    return _ENCODER.encode(envelope).encode("utf-8", "backslashreplace")
