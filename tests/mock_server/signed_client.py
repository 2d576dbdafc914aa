"""A small client of the vendor's API for tests of parkings: plain `requests`, signed as the vendor's page says."""

import json
from types import TracebackType
from typing import Any, Self

import requests

from mock_server.model import HOUR, JsonObject
from mock_server.testing.parking import Parking
from tests.support import LOT, NOON, sign, sync_info

TIMEOUT_S = 20.0
"""How long an answer may take: many times what any takes."""


class SignedClient:
    """Calls the API address that a parking exports, or another one of the vendor's."""

    def __init__(self, parking: Parking, api: str = "") -> None:
        self._parking = parking
        self.api = api or str(parking.exports["api"])
        self.token = ""
        self.session = requests.Session()
        self.session.trust_env = False  # a server is on this machine, whatever proxy the environment names

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """The headers of a signed call."""
        access_id, t = self._parking.access_id, str(self._parking.clock.now_ms)
        token = "" if target.startswith("/v1.0/token") else self.token
        signed = sign(self._parking.access_secret, method, target, body, access_id + token + t)
        headers = {"client_id": access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": signed}
        headers |= {"access_token": token} if token else {}
        return headers | ({"Content-Type": "application/json"} if body else {})

    def send(self, method: str, target: str, body: object = None, timeout: Any = TIMEOUT_S) -> requests.Response:
        """Make a signed call."""
        raw = b"" if body is None else json.dumps(body).encode()
        headers = self.headers(method, target, raw)
        return self.session.request(method, self.api + target, data=raw, headers=headers, timeout=timeout)

    def call(self, method: str, target: str, body: object = None) -> dict[str, Any]:
        """Make a signed call and read its envelope."""
        response = self.send(method, target, body)
        assert response.status_code == 200
        envelope: dict[str, Any] = response.json()
        return envelope

    def connect(self) -> Self:
        """Get a token and keep it."""
        self.token = self.call("GET", "/v1.0/token?grant_type=1")["result"]["access_token"]
        return self

    def sync(self, total: int, *, direction: int | None = 0, device_id: str = LOT, until: int = NOON) -> dict[str, Any]:
        """Claim a count of the hour before `until`; of bills when `direction` is None."""
        return self.call("POST", sync_path(device_id), sync_body(total, direction=direction, until=until))


def sync_path(device_id: str = LOT) -> str:
    """The path of a lot's records/sync."""
    return f"/v1.0/parking-control/{device_id}/records/sync"


def sync_body(total: int, *, direction: int | None = 0, until: int = NOON) -> JsonObject:
    """The body that claims a count of the hour before `until`."""
    info = sync_info(total, until - HOUR, until, direction)
    return {"dataType": int(direction is None), "recordSyncInfos": [info]}
