import base64
import hashlib

from Crypto.Cipher import AES
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.encryption import (
    encrypt_ecb,
    encrypt_gcm,
    message_key,
    message_sign,
    queue_password,
)
from tests.support import ACCESS_ID, ACCESS_SECRET

SECRETS = st.text(alphabet=st.characters(codec="ascii"), min_size=24, max_size=40)


@given(st.binary(max_size=100), SECRETS)
def test_ecb_is_aes_128_with_pkcs5_padding(plain: bytes, secret: str) -> None:
    """Another library decrypts it, with the middle of the secret as its key."""
    cipher = AES.new(secret[8:24].encode(), AES.MODE_ECB)
    padded = cipher.decrypt(base64.b64decode(encrypt_ecb(plain, secret)))
    assert padded == plain + bytes([16 - len(plain) % 16]) * (16 - len(plain) % 16)


@given(st.binary(max_size=100), SECRETS, st.binary(min_size=12, max_size=12))
def test_gcm_is_nonce_cipher_text_and_tag(plain: bytes, secret: str, nonce: bytes) -> None:
    """Another library decrypts and verifies it."""
    raw = base64.b64decode(encrypt_gcm(plain, secret, nonce))
    cipher = AES.new(secret[8:24].encode(), AES.MODE_GCM, nonce=raw[:12])
    assert cipher.decrypt_and_verify(raw[12:-16], raw[-16:]) == plain


def test_the_key_is_the_middle_of_the_secret() -> None:
    """Characters 8 to 23."""
    assert message_key("01234567" + "k" * 16 + "rest") == b"k" * 16


def test_known_passwords() -> None:
    """One from the vendor's own tests, one for the signing page's example keys."""
    assert queue_password("accessIdtesttesttest", "accessKeyesttesttesttesttesttest") == "ad0139f768d194a4"
    assert queue_password(ACCESS_ID, ACCESS_SECRET) == "7e3ee9916b8f32b8"


def test_a_known_message_sign() -> None:
    """Over the sorted non-empty fields; `sign` itself and empty fields do not count."""
    fields: dict[str, object] = {"data": "UgHZPPIPqMd3gUyEiPLngg==", "protocol": 1000, "pv": "2.0", "t": 1588925778000}
    assert encrypt_ecb(b'{"a":1}', ACCESS_SECRET) == fields["data"]
    sign = "89317a995bee7551a7721e04130ed3a5"
    assert message_sign(fields, ACCESS_SECRET) == sign
    assert message_sign({"t": fields["t"], **fields, "sign": "x", "empty": "", "none": None}, ACCESS_SECRET) == sign


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.one_of(st.integers(), st.text(min_size=1))), SECRETS)
def test_the_message_sign_is_an_md5(fields: dict[str, object], secret: str) -> None:
    """key=value, sorted by key, joined by two bars, the secret last; a zero is a value."""
    text = "||".join([*(f"{key}={value}" for key, value in sorted(fields.items())), secret])
    assert message_sign(fields, secret) == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
