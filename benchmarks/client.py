"""A client of the fake cloud that signs, for the requests that the load generator repeats."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from mock_server.wire.signature import SignedRequest, sign_v2

_TIMEOUT_S = 30
EVENTS_BEGIN = 1_652_777_782_808
"""When the seeded records begin."""


@dataclass(frozen=True)
class SyncCall:
    """A signed records/sync that may be sent again and again for five minutes: it has no nonce."""

    path: str
    headers: dict[str, str]
    body: bytes


class VendorClient:
    """Calls one project's data and lab plane."""

    def __init__(self, exports: dict[str, Any]) -> None:
        self.exports = exports
        self.lot: str = exports["devices"][0]["device_id"]
        answer = self.send("GET", "/v1.0/token?grant_type=1", self._headers("GET", "/v1.0/token", "grant_type=1"))
        self._token: str = answer["result"]["access_token"]

    def sync_call(self, claimed: int, start: int, end: int) -> SyncCall:
        """A signed claim for one window of the first lot's entries."""
        path = f"/v1.0/parking-control/{self.lot}/records/sync"
        info = {"totalCount": claimed, "startTime": start, "endTime": end, "passDirection": 0}
        body = json.dumps({"dataType": 0, "recordSyncInfos": [info]}).encode()
        headers = self._headers("POST", path, body=body, token=self._token)
        return SyncCall(path, headers | {"Content-Type": "application/json"}, body)

    def check(self, call: SyncCall) -> None:
        """Send the call once; ValueError unless it succeeds: every answer is HTTP 200, so a load cannot tell."""
        answer = self.send("POST", call.path, call.headers, call.body)
        if answer.get("success") is not True:
            raise ValueError(f"the load would measure refusals: {answer}")

    def add_entries(self, times: list[int], uplink: str = "lose") -> None:
        """Let the first lot keep one entry at each time. `lose` leaves the queue empty."""
        records = [
            {"data_type": 0, "pass_direction": 0, "event_time": at, "plate_no": "A12345", "uplink": uplink}
            for at in times
        ]
        url = f"{self.exports['lab']}/_lab/projects/{self.exports['access_id']}/devices/{self.lot}/records"
        _open(Request(url, json.dumps(records).encode(), {"Content-Type": "application/json"}))  # noqa: S310 http only

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, Any]:
        """One call of the data plane."""
        answer: dict[str, Any] = _open(
            Request(self.exports["api"] + target, body, headers, method=method)  # noqa: S310 http only
        )
        return answer

    def _headers(self, method: str, path: str, query: str = "", body: bytes = b"", token: str = "") -> dict[str, str]:
        access_id = self.exports["access_id"]
        t = str(time.time_ns() // 1_000_000)
        sign = sign_v2(self.exports["access_secret"], SignedRequest(method, path, query, body, access_id, token, t))
        headers = {"client_id": access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": sign}
        return headers | ({"access_token": token} if token else {})


def _open(request: Request) -> Any:
    with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 http only
        return json.load(answer)
