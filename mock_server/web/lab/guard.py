"""Admits requests to the lab plane: those of this machine's programs and of its own pages, or those with the token.

A page of another site can make a browser call 127.0.0.1, by a form or by a name that resolves to it (DNS rebinding).
The headers `Host`, `Origin` and `Sec-Fetch-Site` show both. Browsers send the token as a password (Basic).
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest

from mock_server.web.lab.request import LabError

LOOPBACK_NAMES = frozenset(("127.0.0.1", "localhost", "[::1]"))

_SAFE_METHODS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Guard:
    """The check of requests. With a token they must have it; without one `Host` must be a loopback name."""

    token: str | None = None

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """LabError (401 or 403) for a request that is not admitted. `headers` has lower-case names."""
        if self.token is not None:
            _check_token(self.token, headers.get("authorization", ""))
        elif _hostname(headers.get("host", "")) not in LOOPBACK_NAMES:
            raise LabError(403, "foreign_host", "call the lab plane as 127.0.0.1 or localhost")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers.get('host', '')}":
            raise LabError(403, "foreign_origin", "pages of other sites may not call the lab plane")
        if method not in _SAFE_METHODS and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise LabError(403, "cross_site", "pages of other sites may not call the lab plane")


def _check_token(token: str, authorization: str) -> None:
    given = _password(authorization) if authorization.startswith("Basic ") else authorization.removeprefix("Bearer ")
    if not compare_digest(token.encode(), given.encode("utf-8", "surrogateescape")):
        raise LabError(401, "no_token", "send Authorization: Bearer with the token that the server was started with")


def _password(authorization: str) -> str:
    """The password of Basic credentials; empty if they are invalid. The user name is ignored."""
    try:
        return b64decode(authorization.removeprefix("Basic "), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    """The host name of a Host header, without its port, in lower case."""
    name, separator, port = host.rpartition(":")
    return (name if separator and port.isdigit() else host).lower()
