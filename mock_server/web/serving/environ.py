"""Makes the WSGI environment of a request, with the raw path and body that signatures need."""

import io
import string
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

RAW_PATH = "mock_server.raw_path"
"""Key of the path as sent, before percent-decoding: the text that a client signs."""

BODY = "mock_server.body"
"""Key of the body as sent. Present if this server has read it; it is in `wsgi.input` too."""

TOO_LARGE = "mock_server.too_large"
"""Key that is present if the body is longer than the server accepts; `wsgi.input` is then empty."""

UNDERSCORED = frozenset(("client_id", "access_token", "sign_method", "dev_lang", "dev_version", "dev_channel"))
"""The vendor's headers with an underscore. WSGI cannot tell it from a dash: headers with a dash instead are dropped."""


def build_environ(
    method: str, raw_path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    """A WSGI environment. `raw_path` and `query` are as sent; header names may have any case.

    Non-ASCII bytes of the query, which a client should have percent-encoded, are encoded.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query if query.isascii() else quote(query, string.punctuation, "latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        RAW_PATH: raw_path,
        BODY: body,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        _add_header(environ, name.lower(), value)
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    if name == "content-type":
        environ["CONTENT_TYPE"] = value
    elif name != "content-length" and not ("-" in name and name.replace("-", "_") in UNDERSCORED):
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
