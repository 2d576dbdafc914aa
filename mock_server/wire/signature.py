"""The vendor's request signatures, old (v1) and current (v2), both documented.

v2 covers client id, token, time, nonce, method, body, chosen headers and url; v1 covers client id, token and time only.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

EMPTY_BODY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature covers, as sent.

    `path` and `query` are those of the raw request target; `headers` has lower-case names; `t` is the header's text in
    epoch milliseconds; `access_token` is empty for token calls.
    """

    method: str
    path: str
    query: str
    body: bytes
    client_id: str
    access_token: str
    t: str
    nonce: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def sign_v2(secret: str, request: SignedRequest, path: str | None = None) -> str:
    """The current signature: upper-case hex of HMAC-SHA256. `path`, if given, replaces the request's own."""
    to_sign = "\n".join(
        (
            request.method.upper(),
            hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_BODY_SHA256,
            _signed_headers(request.headers),
            (path or request.path) + _signed_query(request.query),
        )
    )
    return _hmac(secret, request.client_id + request.access_token + request.t + request.nonce + to_sign)


def sign_v1(secret: str, request: SignedRequest) -> str:
    """The old signature, which covers neither method nor body nor url."""
    return _hmac(secret, request.client_id + request.access_token + request.t)


def verify_v2(secret: str, request: SignedRequest, sign: str) -> bool:
    """True if `sign` is right for the path as sent or percent-decoded: SDKs sign the path before they encode it."""
    if _same(sign_v2(secret, request), sign):
        return True
    decoded = unquote(request.path)
    return decoded != request.path and _same(sign_v2(secret, request, decoded), sign)


def verify_v1(secret: str, request: SignedRequest, sign: str) -> bool:
    """True if `sign` is the right old signature."""
    return _same(sign_v1(secret, request), sign)


def _signed_headers(headers: Mapping[str, str]) -> str:
    names = headers.get("signature-headers", "")
    if not names:
        return ""
    return "".join(f"{name}:{headers.get(name.lower(), '')}\n" for name in names.split(":"))


def _signed_query(query: str) -> str:
    """The decoded query with its `?`, sorted by key; of a repeated key the first value, as the Go SDK signs it."""
    if not query:
        return ""
    first: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        first.setdefault(key, value)
    return "?" + "&".join(f"{key}={first[key]}" for key in sorted(first)) if first else ""


def _hmac(secret: str, text: str) -> str:
    return hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha256").hex().upper()


def _same(right: str, given: str) -> bool:
    return hmac.compare_digest(right.encode(), given.encode("utf-8", "surrogateescape"))
