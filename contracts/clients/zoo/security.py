"""Clients with a defect in security."""

import base64
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from contracts.client.interface import HttpAnswer, Start
from contracts.client.link import RealLink
from contracts.client.over_native import PulsarLink
from contracts.clients.messages import NONCE_BYTES, UnreadableError
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import TIME_INVALID, TOKEN_INVALID, CallError, VendorApi
from contracts.clients.zoo.registry import breaks

TAG_BYTES = 16
FIRST_COUNTER = b"\0\0\0\2"


class _SignsOnce(VendorApi):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._signed: dict[tuple[str, str, bytes, str], dict[str, str]] = {}

    def send(self, method: str, target: str, body: bytes = b"", token: str = "") -> dict[str, Any]:
        try:
            result = super().send(method, target, body, token)
        except CallError as error:
            if error.code in (TIME_INVALID, TOKEN_INVALID):
                self._signed.clear()
            raise
        self._signed.clear()
        return result

    def headers(self, method: str, target: str, body: bytes, token: str) -> dict[str, str]:
        return self._signed.setdefault((method, target, body, token), super().headers(method, target, body, token))


@breaks("SEC-SIGN")
class ResendsSignedRequests(ReferenceClient):
    """Signs a request once and, when it fails, sends the very same again later."""

    def make_api(self) -> VendorApi:
        return _SignsOnce(self._exports, self._link, lambda: self._machine_ms)


class _SignsInLowerCase(VendorApi):
    def headers(self, method: str, target: str, body: bytes, token: str) -> dict[str, str]:
        headers = super().headers(method, target, body, token)
        return headers | {"sign": headers["sign"].lower()}


@breaks("SEC-SIGN")
class SignsInLowerCase(ReferenceClient):
    """Writes the signature in lower case."""

    def make_api(self) -> VendorApi:
        return _SignsInLowerCase(self._exports, self._link, lambda: self._machine_ms)


@breaks("SEC-TAMPER")
class IgnoresTheTag(ReferenceClient):
    """Decrypts GCM as if it were plain counter mode and looks at neither the tag nor the signature."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        if frame["properties"]["em"] != "aes_gcm":
            return super().read(frame)
        raw = _cipher_text(frame)
        mode = modes.CTR(raw[:NONCE_BYTES] + FIRST_COUNTER)
        return _read(_decrypted(raw[NONCE_BYTES:-TAG_BYTES], self._exports["access_secret"], mode))


@breaks("SEC-TAMPER")
class IgnoresTheSignature(ReferenceClient):
    """Never looks at a message's signature, which is all that ECB has, and puts a mark for what it cannot read."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        if frame["properties"]["em"] != "aes_ecb":
            return super().read(frame)
        padded = _decrypted(_cipher_text(frame), self._exports["access_secret"], modes.ECB())  # noqa: S305 the vendor's choice
        return _read(padded[: -padded[-1]])


def _cipher_text(frame: dict[str, Any]) -> bytes:
    return base64.b64decode(json.loads(base64.b64decode(frame["payload"]))["data"])


def _decrypted(raw: bytes, secret: str, mode: modes.CTR | modes.ECB) -> bytes:
    decryptor = Cipher(algorithms.AES(secret[8:24].encode()), mode).decryptor()
    return decryptor.update(raw) + decryptor.finalize()


def _read(plain: bytes) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(re.sub(r"[\x00-\x1f]", "?", plain.decode(errors="replace")))
    except ValueError as error:
        raise UnreadableError(repr(error)) from None
    return report


class _LogsHeaders(VendorApi):
    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        print(f"{method} {target} {dict(headers)}", file=sys.stderr, flush=True)  # noqa: T201 the defect
        return super().exchange(method, target, headers, body)


@breaks("SEC-SECRET")
class LogsHeaders(ReferenceClient):
    """Writes the headers of every call into its log."""

    def make_api(self) -> VendorApi:
        return _LogsHeaders(self._exports, self._link, lambda: self._machine_ms)


@breaks("SEC-SECRET")
class LogsItsSettings(ReferenceClient):
    """Writes what it is configured with into its log when it starts, the secret as well."""

    def start(self, start: Start) -> None:
        print(f"settings: {start.exports}", file=sys.stderr, flush=True)  # noqa: T201 the defect
        super().start(start)


class _TokenInUrl(VendorApi):
    def send(self, method: str, target: str, body: bytes = b"", token: str = "") -> dict[str, Any]:
        return super().send(method, f"{target}?access_token={token}" if token else target, body, token)


@breaks("SEC-SECRET")
class SendsTheTokenInTheUrl(ReferenceClient):
    """Adds the token to the URL of each call as well."""

    def make_api(self) -> VendorApi:
        return _TokenInUrl(self._exports, self._link, lambda: self._machine_ms)


@breaks("SEC-PII")
class PrintsPayloads(ReferenceClient):
    """Prints every message that it has decrypted."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        report = super().read(frame)
        print(report, file=sys.stderr, flush=True)  # noqa: T201 the defect
        return report


def _with_real(start: Start, real: RealLink) -> Start:
    """The arguments with another link where there are real connections, over whichever carrier; in process as it is."""
    link = start.link
    if isinstance(link, PulsarLink) and isinstance(link.beneath, RealLink):
        link.beneath = real
    return replace(start, link=real) if isinstance(link, RealLink) else start


class _Trusting(RealLink):
    checks_certificates = False


@breaks("SEC-TLS")
class ChecksNoCertificate(ReferenceClient):
    """Speaks TLS with everybody, whoever has signed the certificate."""

    def start(self, start: Start) -> None:
        super().start(_with_real(start, _Trusting()))


class _Obedient(RealLink):
    follows_redirects = True


@breaks("SEC-REDIRECT")
class FollowsRedirects(ReferenceClient):
    """Goes wherever an answer sends it, with all its headers."""

    def start(self, start: Start) -> None:
        super().start(_with_real(start, _Obedient()))
