"""Masks secrets and plates in requests, for the history. Equal secrets have equal masks, so re-use stays visible."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from mock_server.wire.paths import REFRESH_PREFIX
from mock_server.words import mask

SECRET_HEADERS = ("sign", "access_token")
PLAIN_HEADERS = ("client_id", "sign_method", "t", "nonce", "signature-headers", "lang", "dev_lang", "user-agent")

_KEPT = 200
_PATH_KEPT = 1000
QUERY_KEPT = 4096
BODY_KEPT = 16_384
"""The most that the history keeps: characters of a header, a path and a query, bytes of a body (our choice)."""

STRANGER_KEPT = 512
"""The most that it keeps of the query and of the body of a caller whose signature, time or headers are wrong."""

_NAMES = "(?:access_?token|refresh_?token|token|sign|secret|access_?secret|client_?secret|password|plate_?no)"
_IN_QUERY = re.compile(rf"((?:^|&){_NAMES}=)([^&]+)", re.IGNORECASE)
_IN_BODY = re.compile(rf'("{_NAMES}"\s*:\s*")((?:[^"\\]|\\.)+)', re.IGNORECASE | re.DOTALL)


def masked_headers(header: Callable[[str], str]) -> dict[str, str]:
    """The headers of the vendor's API, those with credentials masked, the others cut to 200 characters."""
    shown = {name: _clean(value[:_KEPT]) for name in PLAIN_HEADERS if (value := header(name))}
    return shown | {name: mask(value) for name in SECRET_HEADERS if (value := header(name))}


def masked_path(path: str) -> str:
    """The path as sent, cut to 1000 characters; a refresh token in it is masked, whether percent-encoded or not."""
    _, is_refresh, refresh_token = unquote(path).partition(REFRESH_PREFIX)
    return REFRESH_PREFIX + mask(refresh_token) if is_refresh else path[:_PATH_KEPT]


def masked_query(query: str, kept: int = QUERY_KEPT) -> str:
    """The query as sent, cut to `kept` characters; credentials, which should not be there, are masked."""
    return _IN_QUERY.sub(_masked, query[:kept])


def masked_body(body: bytes, kept: int = BODY_KEPT) -> str:
    """The first `kept` bytes of a body as text; plates and credentials in JSON are masked, even in invalid JSON.

    Python takes as much memory for each character of a text as for its widest one. A text beyond Latin-1 is cut to as
    many characters as take `kept` bytes.
    """
    text = _IN_BODY.sub(_masked, body[:kept].decode("utf-8", "replace"))
    if text.isascii():
        return text
    widest = max(text)
    return text if widest < "\u0100" else text[: kept // (2 if widest < "\U00010000" else 4)]


def _masked(found: re.Match[str]) -> str:
    return found[1] + mask(found[2])


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
