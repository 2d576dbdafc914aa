"""What of a request may be shown. Equal secrets have equal masks, so that re-use can still be seen."""

import hashlib
import re
from collections.abc import Callable
from urllib.parse import unquote

from mock_server.wire.paths import REFRESH_PREFIX

SECRET_HEADERS = ("sign", "access_token")
PLAIN_HEADERS = ("client_id", "sign_method", "t", "nonce", "signature-headers", "lang", "dev_lang", "user-agent")

_KEPT = 200
_PATH_KEPT = 1000
_QUERY_KEPT = 4096
BODY_KEPT = 16_384
"""So many bytes of a body are shown."""

_NAMES = "(?:access_?token|refresh_?token|token|sign|secret|access_?secret|client_?secret|password|plate_?no)"
_IN_QUERY = re.compile(rf"((?:^|&){_NAMES}=)([^&]+)", re.IGNORECASE)
_IN_BODY = re.compile(rf'("{_NAMES}"\s*:\s*")((?:[^"\\]|\\.)+)', re.IGNORECASE | re.DOTALL)


def mask(secret: str) -> str:
    """A short fingerprint of a secret; an empty one stays empty."""
    return f"#{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:10]}" if secret else ""


def masked_headers(header: Callable[[str], str]) -> dict[str, str]:
    """The headers that matter, those with credentials masked, each at most 200 characters."""
    shown = {name: _clean(value[:_KEPT]) for name in PLAIN_HEADERS if (value := header(name))}
    return shown | {name: mask(value) for name in SECRET_HEADERS if (value := header(name))}


def masked_path(path: str) -> str:
    """The path as sent, at most 1000 characters; the refresh token in it is masked, however it was encoded."""
    _, is_refresh, refresh_token = unquote(path).partition(REFRESH_PREFIX)
    return REFRESH_PREFIX + mask(refresh_token) if is_refresh else path[:_PATH_KEPT]


def masked_query(query: str) -> str:
    """The query as sent, at most 4096 characters; credentials that do not belong there are masked."""
    return _IN_QUERY.sub(_masked, query[:_QUERY_KEPT])


def masked_body(body: bytes) -> str:
    """The first 16,384 bytes of a body as text; plates and credentials in its JSON are masked."""
    return _IN_BODY.sub(_masked, body[:BODY_KEPT].decode("utf-8", "replace"))


def _masked(found: re.Match[str]) -> str:
    return found[1] + mask(found[2])


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
