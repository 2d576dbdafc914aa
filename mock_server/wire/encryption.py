"""Message encryption and the keys derived from the access secret (documented, read in the SDKs)."""

import base64
import hashlib
from functools import lru_cache
from threading import get_ident
from typing import Literal

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Encryption = Literal["aes_ecb", "aes_gcm"]

GCM_NONCE_BYTES = 12

_BLOCK = 16
_PADDINGS = [bytes([_BLOCK - beyond]) * (_BLOCK - beyond) for beyond in range(_BLOCK)]


def message_key(secret: str) -> bytes:
    """The AES-128 key of a project's messages: the middle 16 characters of its secret."""
    return secret[8:24].encode()


def encrypt_ecb(plain: bytes, secret: str) -> str:
    """AES-128-ECB with PKCS5 padding, base64."""
    padded = plain + _PADDINGS[len(plain) % _BLOCK]
    return base64.b64encode(_ecb(secret, get_ident()).update(padded)).decode()


@lru_cache(maxsize=256)
def _ecb(secret: str, thread: int) -> CipherContext:  # noqa: ARG001 each thread has its own: a context may not be shared
    """An encryptor of whole blocks, which is never finished: in this mode nothing of a text is left for the next."""
    # ECB is the vendor's default mode, so an emulator must have it.
    return Cipher(algorithms.AES(message_key(secret)), modes.ECB()).encryptor()  # noqa: S305


def encrypt_gcm(plain: bytes, secret: str, nonce: bytes) -> str:
    """AES-128-GCM: base64 of nonce (12 bytes), cipher text and tag (16 bytes); no additional authenticated data."""
    return base64.b64encode(nonce + _gcm(secret, get_ident()).encrypt(nonce, plain, None)).decode()


@lru_cache(maxsize=256)
def _gcm(secret: str, thread: int) -> AESGCM:  # noqa: ARG001 each thread has its own, as with the other mode
    return AESGCM(message_key(secret))


def message_sign(fields: dict[str, object], secret: str) -> str:
    """The outer `sign`: md5 over the sorted non-empty fields and the secret, joined by `||`, in lower-case hex."""
    parts = [f"{key}={value}" for key, value in sorted(fields.items()) if key != "sign" and value not in ("", None)]
    return _md5("||".join([*parts, secret]))


def queue_password(access_id: str, secret: str) -> str:
    """The password of the message queue: the middle half of md5(access id + md5(secret))."""
    return _md5(access_id + _md5(secret))[8:24]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
