"""What of a request may be shown. Equal secrets have equal masks, so that re-use can still be seen."""

import hashlib
from collections.abc import Callable

SECRET_HEADERS = ("sign", "access_token")
PLAIN_HEADERS = ("client_id", "sign_method", "t", "nonce", "signature-headers", "lang", "dev_lang", "user-agent")

_TOKEN_PATH = "/v1.0/token/"  # noqa: S105 a path, not a token
_KEPT = 200


def mask(secret: str) -> str:
    """A short fingerprint of a secret; an empty one stays empty."""
    return f"#{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:10]}" if secret else ""


def masked_headers(header: Callable[[str], str]) -> dict[str, str]:
    """The headers that matter, those with credentials masked, each at most 200 characters."""
    shown = {name: _clean(value[:_KEPT]) for name in PLAIN_HEADERS if (value := header(name))}
    return shown | {name: mask(value) for name in SECRET_HEADERS if (value := header(name))}


def masked_path(path: str) -> str:
    """The path; the refresh token in it is masked."""
    shown = path[:1000]
    return _TOKEN_PATH + mask(path[len(_TOKEN_PATH) :]) if path.startswith(_TOKEN_PATH) else shown


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
