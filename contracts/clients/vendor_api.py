"""Signed calls to the vendor's API, and the meaning of its error codes: the part that every integration needs."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from contracts.client.interface import HttpAnswer, Link

TOKEN_INVALID, SIGN_INVALID, TIME_INVALID = 1010, 1004, 1013
RENEW_BEFORE_MS = 60_000
TIMEOUT_S = 10.0
HTTP_OK = 200


class AnswerKind(Enum):
    """What the caller should do after a failed call."""

    LATER = "temporary, or not known to be anything else: try this lot again later, slower each time"
    BUSY = "too many calls: make none for a while, longer each time"
    OFFLINE = "the lot cannot be reached: try this lot later"
    UNSUPPORTED = "the lot will never do this: leave it alone and tell somebody"
    REFUSED = "the same request will be refused again: leave it and tell somebody"
    STOP = "nothing will work until somebody has changed keys or address: stop and tell somebody"


KINDS = {
    **dict.fromkeys((1110, 1111, 1199), AnswerKind.BUSY),
    2001: AnswerKind.OFFLINE,
    **dict.fromkeys((2003, 2008, 2009), AnswerKind.UNSUPPORTED),
    **dict.fromkeys((1006, 1100, 1101, 1102, 1104, 1105, 1106, 1108, 1109, 2010), AnswerKind.REFUSED),
    **dict.fromkeys((SIGN_INVALID, 1005), AnswerKind.STOP),
}
"""Error codes that are not temporary. The vendor's lists disagree, so every other code counts as temporary."""

KEYS_CODES = (1114, 2007, 2009)
"""Error codes that mean something else on the call for a token: 1114 is an address that is not allowed, 2007 one of
another region, 2009 an unknown client id (observed). By the vendor's table they concern one device; keys and address
concern every lot."""


class CallError(Exception):
    """A call failed. `code` is the vendor's error code, None where there was no usable answer."""

    def __init__(self, kind: AnswerKind, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.code = code


class VendorApi:
    """Calls with a token that is renewed in time. Nothing here waits: the caller decides when to try again.

    `read_clock` returns the epoch milliseconds of this machine; `now_ms` those of the cloud, by the `t` of its answers.
    """

    def __init__(self, exports: Mapping[str, Any], link: Link, read_clock: Callable[[], int]) -> None:
        self._base = str(exports["api"]).rstrip("/")
        self._access_id, self._secret = str(exports["access_id"]), str(exports["access_secret"])
        self._link = link
        self._read_clock = read_clock
        self._ahead_ms = 0
        self._token, self._renew_at = "", 0

    def now_ms(self) -> int:
        """The cloud's time in epoch milliseconds."""
        return self._read_clock() + self._ahead_ms

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a POST. CallError if it failed."""
        return self.business("POST", path, json.dumps(body).encode())

    def business(self, method: str, target: str, body: bytes = b"") -> dict[str, Any]:
        """A call with a token, repeated once with a new token or a corrected time if the cloud refused the old one."""
        try:
            return self.attempt(method, target, body)
        except CallError as error:
            if error.code not in (TOKEN_INVALID, TIME_INVALID):
                raise
        return self.attempt(method, target, body)

    def attempt(self, method: str, target: str, body: bytes) -> dict[str, Any]:
        """One attempt with the present token, which is dropped if the cloud refuses it."""
        try:
            return self.send(method, target, body, self.live_token())
        except CallError as error:
            if error.code == TOKEN_INVALID:
                self._token = ""
            raise

    def live_token(self) -> str:
        """The access token, renewed a minute before it expires."""
        if not self._token or self.now_ms() >= self._renew_at:
            self._token = self._ask_for_token()
        return self._token

    def _ask_for_token(self) -> str:
        try:
            result = self._token_result("/v1.0/token?grant_type=1")
        except CallError as error:
            kind = AnswerKind.STOP if error.code in KEYS_CODES else error.kind
            raise CallError(kind, str(error), error.code) from None
        try:
            self._renew_at = self.now_ms() + int(result["expire_time"]) * 1000 - RENEW_BEFORE_MS
            return str(result["access_token"])
        except (KeyError, TypeError, ValueError):
            raise CallError(AnswerKind.LATER, "the answer has no token") from None

    def _token_result(self, target: str) -> dict[str, Any]:
        """The result of the call for a token, repeated once with a corrected time if the cloud refused the first."""
        try:
            return self.send("GET", target)
        except CallError as error:
            if error.code != TIME_INVALID:
                raise
        return self.send("GET", target)

    def send(self, method: str, target: str, body: bytes = b"", token: str = "") -> dict[str, Any]:
        """Sign the bytes that are sent, with the time of this attempt, and read the answer."""
        answer = self.exchange(method, target, self.headers(method, target, body, token), body)
        if answer.status != HTTP_OK:
            raise CallError(AnswerKind.LATER, f"HTTP status {answer.status}")
        return self.result_of(answer.body)

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """One exchange. A call without an answer counts as failed: whether it was carried out is unknown."""
        try:
            return self._link.call(method, self._base + target, headers, body, TIMEOUT_S)
        except OSError as error:
            raise CallError(AnswerKind.LATER, f"no answer: {error}") from None

    def headers(self, method: str, target: str, body: bytes, token: str) -> dict[str, str]:
        """The headers of one attempt, with the vendor's signature v2. The query in `target` must be sorted by key."""
        t = str(self.now_ms())
        text = f"{self._access_id}{token}{t}{method}\n{hashlib.sha256(body).hexdigest()}\n\n{target}"
        sign = hmac.digest(self._secret.encode(), text.encode(), "sha256").hex().upper()
        headers = {"client_id": self._access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": sign}
        headers |= {"access_token": token} if token else {}
        return headers | ({"Content-Type": "application/json"} if body else {})

    def result_of(self, content: bytes) -> dict[str, Any]:
        """The result in an envelope; CallError unless it says `success: true`, as errors have HTTP status 200 too.

        Every envelope corrects the estimate of the cloud's time.
        """
        try:
            envelope = json.loads(content)
            success, t = envelope["success"], envelope["t"]
        except (ValueError, KeyError, TypeError):
            raise CallError(AnswerKind.LATER, "the answer is no envelope") from None
        if type(t) is int:
            self._ahead_ms = t - self._read_clock()
        if success is not True:
            code = envelope.get("code")
            raise CallError(KINDS.get(code, AnswerKind.LATER), f"{code} {envelope.get('msg')}", code)
        result = envelope.get("result")
        if not isinstance(result, dict):
            raise CallError(AnswerKind.LATER, "the answer has no result")
        return result
