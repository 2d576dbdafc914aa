"""Decoys that stand before the cloud: a server whose certificate no authority has signed, or one that redirects.

A decoy passes nothing on to the cloud. It notes which connections and which credentials reach it.
"""

import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contracts.play.recording import DecoyFinding, Finding
from contracts.play.scenario import DecoyKind
from mock_server.model import JsonObject

CREDENTIALS = ("client_id", "sign", "access_token", "username", "password", "authorization", "secret")
"""The headers that carry credentials."""

HOST = "127.0.0.1"
OTHER_HOST = "localhost"
POLL_S = 0.02
READ_S = 30.0
"""How long a client that has connected may take for its request, in seconds of real time."""

MOST = 64 * 1024


class Decoy:
    """What has reached a decoy. `addresses` replace those of the exports."""

    def __init__(self, last: Callable[[], int]) -> None:
        self.addresses: JsonObject = {}
        self.findings: list[Finding] = []
        self._last = last

    def note(self, kind: DecoyFinding, text: str) -> None:
        """Add a finding after the newest entry of the history."""
        self.findings.append(Finding(kind, self._last(), text))


@contextmanager
def decoy_of(kind: DecoyKind, last: Callable[[], int] = lambda: 0) -> Iterator[Decoy]:
    """A decoy of one kind while the block lasts. `last` gives the number of the newest entry of the history."""
    with ExitStack() as opened:
        decoy = Decoy(last)
        if kind == "redirect":
            port = opened.enter_context(_serving(_redirect(decoy, opened)))
            decoy.addresses = {"api": f"http://{HOST}:{port}", "ws": f"ws://{HOST}:{port}/"}
        else:
            port = opened.enter_context(_serving(_tls(decoy)))
            addresses = {"api": f"https://{HOST}:{port}", "ws": f"wss://{HOST}:{port}/"}
            decoy.addresses = {**addresses, "pulsar": f"pulsar+ssl://{HOST}:{port}"}
        yield decoy


class _TlsServer(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class _HttpServer(ThreadingHTTPServer):
    block_on_close = False


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    """Serve while the block lasts; the port."""
    thread = threading.Thread(target=lambda: server.serve_forever(POLL_S), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _redirect(decoy: Decoy, opened: ExitStack) -> _HttpServer:
    """Redirects every call to the same path on another host, which notes the credentials that come there."""
    port = opened.enter_context(_serving(_HttpServer((HOST, 0), _handler(lambda each: _followed(decoy, each)))))

    def send_away(each: BaseHTTPRequestHandler) -> None:
        decoy.note(DecoyFinding.REDIRECTED, f"{each.command} was sent to another host")
        each.send_response(302)
        each.send_header("Location", f"http://{OTHER_HOST}:{port}{each.path}")
        each.send_header("Content-Length", "0")
        each.end_headers()

    return _HttpServer((HOST, 0), _handler(send_away))


def _followed(decoy: Decoy, each: BaseHTTPRequestHandler) -> None:
    sent = [name for name in CREDENTIALS if each.headers.get(name)]
    if sent:
        decoy.note(DecoyFinding.FOLLOWED, f"{each.command} went to another host with {', '.join(sent)}")
    each.send_response(404)
    each.send_header("Content-Length", "0")
    each.end_headers()


def _handler(answer: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = READ_S

        def handle_one_request(self) -> None:
            with suppress(OSError, ValueError):
                super().handle_one_request()

        def log_message(self, *_: object) -> None:
            """Write no log: it would go to the standard error of the judge."""

        def _do(self) -> None:
            length = self.headers.get("Content-Length", "0")
            self.rfile.read(min(int(length), MOST) if length.isdigit() else 0)
            answer(self)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do  # noqa: N815 the base class calls them so

    return Handler


def _tls(decoy: Decoy) -> _TlsServer:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            decoy.note(DecoyFinding.TLS_TRIED, "a connection came")
            with suppress(OSError):
                self.request.settimeout(READ_S)
                with _context().wrap_socket(self.request, server_side=True) as secured:
                    if secured.recv(MOST):
                        decoy.note(
                            DecoyFinding.TLS_TRUSTED,
                            "a request came over a connection whose certificate nobody has signed",
                        )

    return _TlsServer((HOST, 0), Handler)


@cache
def _context() -> ssl.SSLContext:
    """A server's TLS context with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file.name)
    return context
