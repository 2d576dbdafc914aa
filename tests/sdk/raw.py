"""Requests shaped like those of the SDKs that do not run here, signed by the tests' own implementation."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.sdk.world import DEADLINE_S, World
from tests.support import sign


def envelope_of(response: requests.Response) -> dict[str, Any]:
    """The envelope of an answer, which is HTTP 200 whatever it says."""
    assert response.status_code == 200
    envelope: dict[str, Any] = response.json()
    return envelope


@dataclass
class Sender:
    """Signs by the vendor's page (v2) and sends exactly the headers that it is told to.

    `names` spells header names as the SDK does, `fixed` are headers besides; `signed_headers` is the text of signed
    headers as the SDK joins them.
    """

    world: World
    address: str = ""
    token: str = ""
    has_nonce: bool = False
    signed_headers: str = ""
    content_type: str = "application/json"
    content_type_always: bool = False
    names: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, target: str, body: bytes = b"", *, signed_target: str = "") -> dict[str, Any]:
        """Send a request; `signed_target` is what is signed as url if it differs from what is sent."""
        own = self._credentials(method, signed_target or target, body)
        headers = {self.names.get(name, name): value for name, value in own.items()} | self.fixed
        if body or self.content_type_always:
            headers["Content-Type"] = self.content_type
        url = (self.address or self.world.api) + target
        return envelope_of(requests.request(method, url, data=body, headers=headers, timeout=DEADLINE_S))

    def log_in(self) -> dict[str, Any]:
        """Get a token and keep it."""
        envelope = self.send("GET", "/v1.0/token?grant_type=1")
        self.token = envelope["result"]["access_token"]
        return envelope

    def _credentials(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The headers that say who calls, each under its documented name. Token calls have no access_token."""
        token = {} if target.startswith("/v1.0/token") else {"access_token": self.token}
        nonce = {"nonce": str(uuid.uuid4())} if self.has_nonce else {}
        t = str(self.world.now_ms())
        prefix = "".join((self.world.access_id, *token.values(), t, *nonce.values()))
        right = sign(self.world.access_secret, method, target, body, prefix, headers=self.signed_headers)
        own = {"client_id": self.world.access_id, "sign": right, "sign_method": "HMAC-SHA256", "t": t}
        return own | token | nonce


def go_sender(world: World) -> Sender:
    """As `tuya-connector-go` sends: canonical header names, a nonce on every call, a content type also on GET."""
    names = ("client_id", "sign", "sign_method", "t", "access_token", "nonce")
    return Sender(
        world,
        has_nonce=True,
        content_type_always=True,
        names={name: name.capitalize() for name in names},
        fixed={"Dev_channel": "SaaSFramework", "Dev_lang": "golang"},
    )


def java_sender(world: World) -> Sender:
    """As `tuya-connector` for Java sends: `nonce` and `Signature-Headers` are there and empty."""
    telemetry = {"Dev_lang": "Java", "Dev_channel": "SaaSFramework", "Dev_entry": "OpenSource"}
    fixed = {"nonce": "", "Signature-Headers": "", "lang": "en", **telemetry}
    return Sender(world, content_type="application/json; charset=UTF-8", fixed=fixed)


def compact(body: object) -> bytes:
    """JSON as most libraries write it: no spaces, plain UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
