"""Calls by the official SDK, and what a refusal asks of us."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tuya_connector import TuyaOpenAPI

TIMEOUT_S = 5
TOKEN_CODES = TOKEN_INVALID, TOKEN_EXPIRED = 1010, 1011

KINDS = {
    "busy": {1110, 1111, 1199},  # no more calls for a while
    "offline": {2001},  # this lot later
    "unsupported": {2003, 2008, 2009},  # never this lot
    "refused": {1006, 1100, 1101, 1102, 1104, 1105, 1106, 1108, 1109, 2010},  # not this request again
    "stop": {1004, 1005},  # nothing will work with these keys
}
TOKEN_KINDS = KINDS | {  # of the call for a token
    "unsupported": {2003, 2008},
    "stop": {1004, 1005, 1114, 2007, 2009},  # 1114, 2007: not from this address; 2009: no such access id
}


class CallError(Exception):
    """A call that did not do what it should. Every code that is in no table is a passing one: kind `later`."""

    def __init__(self, text: str, code: object = None, kinds: dict[str, set[int]] = KINDS) -> None:
        super().__init__(text)
        self.kind = next((kind for kind, codes in kinds.items() if code in codes), "later")


class _Bounded(HTTPAdapter):
    """The SDK waits for ever for an answer."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**options, "timeout": TIMEOUT_S})


class Cloud:
    """The one call that a client needs."""

    def __init__(self, exports: dict[str, Any]) -> None:
        self._api = TuyaOpenAPI(exports["api"], exports["access_id"], exports["access_secret"])
        self._api.session.max_redirects = 0  # the SDK would carry the credentials wherever it is sent
        for scheme in ("http://", "https://"):
            self._api.session.mount(scheme, _Bounded())

    def sync(self, device_id: str, body: dict[str, Any]) -> str:
        """Tell a lot some counts. Its answer says that they were passed on, not that they are right.

        CallError says what to do otherwise.
        """
        path = f"/v1.0/parking-control/{device_id}/records/sync"
        answer = self._attempt(path, body)
        if answer.get("code") in TOKEN_CODES:
            answer = self._attempt(path, body)  # once, with a new token
        result = self._result(answer)
        if not isinstance(result, dict) or not isinstance(result.get("sn"), str):
            raise CallError("the answer has no sn")
        return str(result["sn"])

    def _attempt(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            if not self._api.is_connect():
                self._result(self._api.connect(), TOKEN_KINDS)
            answer: Any = self._api.post(path, body)
            if answer.get("code") == TOKEN_EXPIRED:
                self._api.token_info = None  # for 1010 the SDK has a new one already
            return {"success": answer["success"], **answer}
        except (requests.RequestException, AttributeError, KeyError, TypeError, ValueError) as error:
            raise CallError(f"no usable answer: {type(error).__name__}") from None  # what the SDK makes of one

    def _result(self, answer: dict[str, Any], kinds: dict[str, set[int]] = KINDS) -> Any:
        if answer["success"] is not True:
            raise CallError(f"{answer.get('code')} {answer.get('msg')}", answer.get("code"), kinds)
        return answer.get("result")
