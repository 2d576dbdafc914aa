import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from mock_server.web.pulsar.certificate import CertificateError, CertificateFiles, context_of, write_self_signed


@pytest.fixture(name="files")
def files_fixture(tmp_path: Path) -> CertificateFiles:
    """A certificate and its key."""
    files = CertificateFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    write_self_signed(files, ["localhost"])
    return files


def encrypt(file: Path, form: serialization.PrivateFormat) -> None:
    """Give a key a password."""
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    password = serialization.BestAvailableEncryption(b"password")
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, password))


def of_another_kind(file: Path) -> None:
    """Put a key of another method in the place of one."""
    key = ed25519.Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def as_der(file: Path) -> None:
    """Write a certificate in the other form."""
    file.write_bytes(ssl.PEM_cert_to_DER_cert(file.read_text()))


def as_folder(file: Path) -> None:
    """Put a folder in the place of a file."""
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("which", "spoil", "said"),
    [
        ("key", Path.unlink, "cannot read {key}: No such file"),
        ("cert", as_folder, "cannot read {cert}: Is a directory"),
        ("cert", lambda file: file.write_text("no PEM"), "{cert} is no certificate in PEM: it needs a block"),
        ("cert", as_der, "{cert} is no certificate in PEM: it needs a block"),
        ("cert", lambda file: file.write_bytes(file.with_name("key.pem").read_bytes()), "{cert} is no certificate"),
        ("key", lambda file: file.write_bytes(file.with_name("cert.pem").read_bytes()), "{key} is no private key"),
        ("key", lambda file: encrypt(file, serialization.PrivateFormat.PKCS8), "{key} is encrypted, and nobody"),
        ("key", lambda file: encrypt(file, serialization.PrivateFormat.TraditionalOpenSSL), "{key} is encrypted"),
        (
            "key",
            lambda file: write_self_signed(CertificateFiles(Path("/dev/null"), file), ["a"]),
            "{key} is not the key of",
        ),
        ("key", of_another_kind, "{key} is not the key of {cert}: give the key"),
        ("cert", lambda file: file.write_text(file.read_text()[:200]), "{cert} or {key} is damaged: make"),
    ],
)
def test_files_that_cannot_be_used_are_named(
    files: CertificateFiles, which: str, spoil: Callable[[Path], object], said: str
) -> None:
    """With what is wrong, and what to do about it."""
    spoil(getattr(files, which))
    with pytest.raises(CertificateError) as refused:
        context_of(files)
    assert str(refused.value).startswith(said.format(cert=files.cert, key=files.key))
