"""The certificate of the native queue: given as files, or made when the first client wants TLS.

The vendor's SDKs do not verify it, but for C# (read in all of them).
"""

import datetime as dt
import ssl
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

_FROM = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_UNTIL = dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
"""A validity that does not depend on when it was made, and holds at every time that a client's clock may show."""


_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""What OpenSSL calls a key of another certificate; the last is its word where the key is of another method too."""


class CertificateFiles(NamedTuple):
    """A certificate, with its chain, and its private key: PEM files."""

    cert: Path
    key: Path


class CertificateError(Exception):
    """Files that hold no certificate with its key: which one, why not, and what to do."""


def context_of(files: CertificateFiles) -> ssl.SSLContext:
    """What TLS needs of a server. CertificateError if the files cannot be used."""
    _check(files)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(files.cert, files.key, password="")
    except ssl.SSLError as error:
        if error.reason in _MISMATCHES:
            sentence = f"{files.key} is not the key of {files.cert}: give the key that this certificate was made with"
        else:
            sentence = f"{files.cert} or {files.key} is damaged: make or copy them anew"
        raise CertificateError(sentence) from None
    return context


def _check(files: CertificateFiles) -> None:
    """CertificateError for files of which it can be said what they lack: OpenSSL calls all of it `PEM lib`."""
    cert, key = _content(files.cert), _content(files.key)
    if b"-----BEGIN CERTIFICATE-----" not in cert:
        advice = "it needs a block that begins with -----BEGIN CERTIFICATE-----"
        raise CertificateError(
            f"{files.cert} is no certificate in PEM: {advice}; openssl x509 -in FILE makes one of another form"
        )
    if b"PRIVATE KEY-----" not in key:
        advice = "it needs a block that begins with -----BEGIN PRIVATE KEY-----"
        raise CertificateError(
            f"{files.key} is no private key in PEM: {advice}; openssl pkey -in FILE makes one of another form"
        )
    if b"ENCRYPTED" in key:
        advice = "openssl pkey -in FILE -out PLAIN writes one without a password"
        raise CertificateError(f"{files.key} is encrypted, and nobody is asked for its password: {advice}")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read {file}: {error.strerror or error}") from None


def own_context(hosts: Sequence[str]) -> ssl.SSLContext:
    """What TLS needs of a server, with a new certificate for these names and addresses that nobody else has signed."""
    with tempfile.TemporaryDirectory() as folder:  # nobody else may read it
        files = CertificateFiles(Path(folder) / "cert.pem", Path(folder) / "key.pem")
        write_self_signed(files, hosts)
        return context_of(files)


def write_self_signed(files: CertificateFiles, hosts: Sequence[str]) -> None:
    """Write a new certificate for names and addresses, and its key."""
    from cryptography import x509  # noqa: PLC0415 a fifth of a second that only TLS needs
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 the same
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 the same

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "parking-mock")])
    names = [_general_name(x509, host) for host in dict.fromkeys(hosts)]
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    pem = serialization.Encoding.PEM
    files.cert.write_bytes(unsigned.sign(key, hashes.SHA256()).public_bytes(pem))
    plain = serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def _general_name(x509: Any, host: str) -> Any:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
