"""The checks that admit a request to the vendor's API, in the order in which their errors are reported.

The router checks the route first, before any credentials (observed). Here follow headers, client, time, signature and
token. The view then checks content type, JSON, fields and device.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mock_server.cloud import Cloud
from mock_server.problems import parse_json
from mock_server.project import Project
from mock_server.web.serving.environ import RAW_PATH
from mock_server.wire.errors import ErrorCode, VendorError
from mock_server.wire.paths import REFRESH_PREFIX, TOKEN_PATH
from mock_server.wire.signature import SignedRequest, verify_v1, verify_v2

SIGN_METHOD = "HMAC-SHA256"
REQUIRED_HEADERS = ("client_id", "sign", "t", "sign_method")

UNKNOWN_CLIENT = "clientId is invalid"
"""The text of 2009 for an unknown client id (observed). In the vendor's table 2009 is `not support this device`."""

_T_DIGITS = 13
"""The digits of `t`: epoch milliseconds of the years 2001 to 2286."""


@dataclass(frozen=True)
class Caller:
    """A request before any check, with the parts that its signature covers."""

    environ: dict[str, Any]
    body: bytes

    @property
    def json_value(self) -> object:
        """The JSON value of the body; None if it is not JSON."""
        return self._parsed[0]

    @property
    def json_error(self) -> str:
        """The reason why the body is not JSON; empty if it is."""
        return self._parsed[1]

    @cached_property
    def _parsed(self) -> tuple[object, str]:
        try:
            return parse_json(self.body), ""
        except ValueError as error:
            return None, str(error)

    def header(self, name: str) -> str:
        """A header by its lower-case name; empty if absent. Bytes that are not UTF-8 become lone surrogates."""
        value: str = self.environ.get(_environ_key(name), "")
        return value if value.isascii() else value.encode("latin-1").decode("utf-8", "surrogateescape")

    @property
    def is_token_call(self) -> bool:
        """Whether this is a token call or a refresh, which are signed without an access token."""
        path: str = self.environ["PATH_INFO"]
        return path == TOKEN_PATH or path.startswith(REFRESH_PREFIX)

    def signed_request(self, access_token: str) -> SignedRequest:
        """The parts of the request that its signature must cover."""
        return SignedRequest(
            method=self.environ["REQUEST_METHOD"],
            path=self.environ.get(RAW_PATH) or self.environ["PATH_INFO"],
            query=self.environ["QUERY_STRING"],
            body=self.body,
            client_id=self.header("client_id"),
            access_token=access_token,
            t=self.header("t"),
            nonce=self.header("nonce"),
            headers=self._signed_headers(),
        )

    def _signed_headers(self) -> dict[str, str]:
        named = self.header("signature-headers")
        if not named:
            return {}
        return {"signature-headers": named} | {name.lower(): self.header(name.lower()) for name in named.split(":")}


@lru_cache(maxsize=64)
def _environ_key(name: str) -> str:
    # The one header that a client may sign and whose key in WSGI has no HTTP_
    return "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")


def identify(caller: Caller, cloud: Cloud) -> Project:
    """The project of a request with valid headers, client id, time and signature, else VendorError."""
    _check_headers(caller)
    project = find_project(caller, cloud)
    _check_time(caller, project)
    _check_signature(caller, project)
    return project


def check_token(caller: Caller, project: Project) -> None:
    """VendorError unless a call has the live access token, or is a token call."""
    if not caller.is_token_call and not project.tokens.is_live(caller.header("access_token")):
        raise VendorError(ErrorCode.TOKEN_INVALID)


def find_project(caller: Caller, cloud: Cloud) -> Project:
    """The project of the client id. The code for an unknown one is the profile's (`unknown_client_code`)."""
    project = cloud.get(caller.header("client_id"))
    if project is not None:
        return project
    if cloud.unknown_client_code == ErrorCode.CLIENT_ID_INVALID:
        raise VendorError(ErrorCode.CLIENT_ID_INVALID)
    raise VendorError(ErrorCode.DEVICE_NOT_SUPPORTED, message=UNKNOWN_CLIENT)


def _check_headers(caller: Caller) -> None:
    missing = [name for name in REQUIRED_HEADERS if not caller.header(name)]
    if missing:
        raise VendorError(ErrorCode.HEADER_MISSING, ", ".join(missing))
    if caller.header("sign_method") != SIGN_METHOD:
        raise VendorError(ErrorCode.SIGN_INVALID, f"sign_method must be {SIGN_METHOD}")


def _check_time(caller: Caller, project: Project) -> None:
    t = caller.header("t")
    if not (t.isascii() and t.isdigit() and len(t) == _T_DIGITS):
        raise VendorError(ErrorCode.REQUEST_TIME_INVALID, "t must be epoch milliseconds, 13 digits")
    off = int(t) - project.clock.now_ms()
    if abs(off) > project.profile.time_tolerance_ms:
        raise VendorError(ErrorCode.REQUEST_TIME_INVALID, f"t is {abs(off)} ms {'ahead' if off > 0 else 'behind'}")


def _check_signature(caller: Caller, project: Project) -> None:
    sign = caller.header("sign")
    request = caller.signed_request("" if caller.is_token_call else caller.header("access_token"))
    if verify_v2(project.access_secret, request, sign):
        return
    if _v1_passes(caller, project) and verify_v1(project.access_secret, request, sign):
        return
    raise VendorError(ErrorCode.SIGN_INVALID)


def _v1_passes(caller: Caller, project: Project) -> bool:
    is_refresh = caller.environ["PATH_INFO"].startswith(REFRESH_PREFIX)
    return project.profile.signature_v1 == "always" or (project.profile.signature_v1 == "refresh" and is_refresh)
