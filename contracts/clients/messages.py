"""Reads a frame of the message queue: the vendor's outer frame, signature, encryption and status report."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

NONCE_BYTES = 12
BEIJING = timezone(timedelta(hours=8))
"""The time zone of a time text without an offset: that of the lots, whatever the zone of this process is."""


class UnreadableError(Exception):
    """The message is damaged, forged, or of an unknown form."""


def read_report(frame: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """The decrypted status report of a frame. UnreadableError if signature, encryption or form is wrong."""
    try:
        outer = json.loads(base64.b64decode(frame["payload"], validate=True))
        _check_sign(outer, secret)
        encryption = frame.get("properties", {}).get("em", "aes_ecb")
        report = json.loads(decrypt(outer["data"], secret, encryption))
    except (ValueError, KeyError, TypeError, InvalidTag) as error:
        raise UnreadableError(repr(error)) from None
    if not isinstance(report, dict):
        raise UnreadableError("the report is no object")
    return report


def decrypt(data: str, secret: str, encryption: str) -> bytes:
    """Decrypt base64 text by AES-128; the key is characters 8 to 24 of the secret. GCM for `aes_gcm`, else ECB."""
    raw, key = base64.b64decode(data, validate=True), secret[8:24].encode()
    if encryption == "aes_gcm":
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 the vendor's choice
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()


def _check_sign(outer: Mapping[str, Any], secret: str) -> None:
    """UnreadableError if the outer signature is wrong. ECB has no tag, so nothing else detects damage there."""
    parts = [f"{key}={outer[key]}" for key in sorted(outer) if key != "sign" and outer[key] not in ("", None)]
    if not hmac.compare_digest(md5("||".join([*parts, secret])), str(outer["sign"])):
        raise UnreadableError("the signature is wrong")


def epoch_ms(value: object, form: str) -> int:
    """A record's time in epoch milliseconds. `form` is the profile's: `ms`, `s`, `text` or `iso`.

    The unit is never guessed from the size of a number, nor the zone from this machine. ValueError for another form.
    """
    if form in ("text", "iso"):
        before, second, after = str(value).partition(":60")  # a leap second, which `datetime` rejects
        at = datetime.fromisoformat(f"{before}:59{after}" if second else before)
        at = at if at.tzinfo else at.replace(tzinfo=BEIJING)
        return round(at.timestamp() * 1000) + (1000 if second else 0)
    number = int(str(value))
    return number * 1000 if form == "s" else number


def password(access_id: str, secret: str) -> str:
    """The password of the message queue: the vendor's formula, 16 hex digits."""
    return md5(access_id + md5(secret))[8:24]


def md5(text: str) -> str:
    """The MD5 digest of a text in lower-case hex."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
