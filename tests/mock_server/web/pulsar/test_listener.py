import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from mock_server.cloud import Cloud
from mock_server.history.events import ConsumerRefused
from mock_server.testing.served import ServedParking, serve_project
from mock_server.web.pulsar import transport
from mock_server.web.pulsar.certificate import CertificateError, CertificateFiles, own_context, write_self_signed
from mock_server.web.pulsar.listener import TLS_HANDSHAKE
from mock_server.web.server import Server, ThreadedServer
from mock_server.wire.pulsar_commands import CommandConnected, CommandPing, PulsarCommand, decode_command
from mock_server.wire.pulsar_frames import FrameReader, command_frame
from tests.mock_server.web.conftest import DEADLINE_S
from tests.native_client import connect_command


def connect(parking: ServedParking) -> socket.socket:
    """A connection to the native queue."""
    return connect_to(str(parking.exports["pulsar"]))


def connect_to(url: str) -> socket.socket:
    """A connection to an address."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=DEADLINE_S)


def trusting() -> ssl.SSLContext:
    """TLS of a client that does not verify, as the SDKs."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def heard(connection: socket.socket) -> Iterator[PulsarCommand]:
    """Each command that comes, until the connection is closed."""
    reader = FrameReader()
    with contextlib.suppress(ConnectionResetError):
        while content := connection.recv(4096):
            reader.feed(content)
            yield from map(decode_command, iter(reader.next_command, None))


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes the connection without a word."""
    return not list(heard(connection))


def hello(parking: ServedParking) -> bytes:
    """The first frame of a client."""
    return command_frame(connect_command(parking.project))


def test_plain_and_tls_on_one_port(parking_server: ServedParking) -> None:
    """The first byte tells which: both are let in."""
    with connect(parking_server) as plain, trusting().wrap_socket(connect(parking_server)) as encrypted:
        for connection in (plain, encrypted):
            connection.sendall(hello(parking_server))
            assert isinstance(next(heard(connection)), CommandConnected)


def test_who_does_not_trust_the_certificate_is_in_the_history() -> None:
    """With what the client has said of it; so is one that breaks off. Its library may say nothing at all."""
    with ThreadedServer(Server(Cloud())) as threaded, serve_project(threaded) as parking:
        with pytest.raises(ssl.SSLError), connect(parking) as plain:
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
        assert comes_true(threaded, lambda: len(refusals(parking)) == 1)
        with connect(parking) as plain:
            plain.sendall(TLS_HANDSHAKE)
        assert comes_true(threaded, lambda: len(refusals(parking)) == 2)
        assert refusals(parking) == [
            (
                "the client has refused the TLS handshake (unknown ca): have it trust the certificate, which "
                "--queue-cert gives, or not verify it"
            ),
            "the TLS handshake has failed (the connection was lost)",
        ]


def refusals(parking: ServedParking) -> list[str]:
    """Why consumers were refused."""
    events = [entry.event for entry in parking.project.history.after()]
    return [event.message for event in events if isinstance(event, ConsumerRefused)]


@pytest.mark.parametrize(
    "content", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x00", b"\x16" + b"x" * 100, b"\x00\xff\xff\xff"]
)
def test_what_is_neither_is_closed(parking_server: ServedParking, content: bytes) -> None:
    """HTTP, a broken handshake, a frame that is too long; nobody else notices."""
    with connect(parking_server) as stranger, connect(parking_server) as client:
        stranger.sendall(content)
        with contextlib.suppress(OSError):  # the server may have closed it already
            stranger.shutdown(socket.SHUT_WR)
        assert not any(isinstance(each, CommandConnected) for each in _all(stranger))
        client.sendall(hello(parking_server))
        assert isinstance(next(heard(client)), CommandConnected)


def _all(connection: socket.socket) -> list[PulsarCommand]:
    """What comes before the end, which may be a reset: not all was read. An alert of TLS is none of ours."""
    with contextlib.suppress(ValueError, ConnectionError):
        return list(heard(connection))
    return []


def test_a_connection_that_says_nothing_and_closes(parking_server: ServedParking) -> None:
    """Is closed too."""
    with connect(parking_server) as silent:
        silent.shutdown(socket.SHUT_WR)
        assert is_closed(silent)


def test_who_only_begins_with_tls_counts_as_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of an address nobody is let in, however far those before have come; until one of them leaves."""
    monkeypatch.setattr("mock_server.web.pulsar.listener.connection_limit", lambda: 2)
    with ThreadedServer(Server(Cloud())) as threaded, serve_project(threaded) as parking:
        listener = threaded.server._pulsar
        first, second = connect(parking), connect(parking)
        for each in (first, second):
            each.sendall(TLS_HANDSHAKE)
        assert comes_true(threaded, lambda: len(listener._tasks) == 2 and not listener._waiting)
        with second, connect(parking) as beyond:
            assert is_closed(beyond)
            first.close()
            assert comes_true(threaded, lambda: len(listener._tasks) == 1)
            with connect(parking) as client:
                client.sendall(hello(parking))
                assert isinstance(next(heard(client)), CommandConnected)


def comes_true(threaded: ThreadedServer, fact: Callable[[], bool]) -> bool:
    """Look on the server's loop until something is so."""
    return any(threaded.run(fact) for _ in range(100_000))


def test_a_removed_project_closes_its_connections(parking_session_server: ThreadedServer) -> None:
    """Those without a consumer too."""
    with serve_project(parking_session_server) as parking:
        connection = connect(parking)
        connection.sendall(hello(parking))
        assert isinstance(next(heard(connection)), CommandConnected)
    with connection:
        assert is_closed(connection)


def test_a_stopped_server_closes_connections() -> None:
    """At once, whatever they do."""
    with ThreadedServer(Server(Cloud())) as threaded, serve_project(threaded) as parking:
        silent, client = connect(parking), connect(parking)
        client.sendall(hello(parking))
        assert isinstance(next(heard(client)), CommandConnected)
    with silent, client:
        assert is_closed(silent)
        assert is_closed(client)


def test_a_client_that_does_not_connect_is_closed(
    parking_server: ServedParking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a deadline, which is short here."""
    monkeypatch.setattr(transport, "CONNECT_S", 0.01)
    with connect(parking_server) as slow:
        slow.sendall(hello(parking_server)[:9])
        assert is_closed(slow)


def test_a_silent_client_is_pinged_and_closed(parking_server: ServedParking, monkeypatch: pytest.MonkeyPatch) -> None:
    """After as long a silence each, which is short here."""
    monkeypatch.setattr(transport, "CONNECT_S", 0.01)
    monkeypatch.setattr(transport, "KEEP_ALIVE_S", 0.05)
    with connect(parking_server) as silent:
        silent.sendall(hello(parking_server))
        first, *pings = heard(silent)
    assert isinstance(first, CommandConnected)
    assert set(pings) == {CommandPing()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    """A certificate for a name, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    files = CertificateFiles(folder / "cert.pem", folder / "key.pem")
    write_self_signed(files, ["localhost", "127.0.0.1", "queue.example"])
    return files


def test_a_certificate_may_be_given(files: CertificateFiles) -> None:
    """Who trusts it verifies the server, by address too."""
    verifying = ssl.create_default_context(cafile=str(files.cert))
    with ThreadedServer(Server(Cloud(), certificate=files)) as threaded:
        for name in ("queue.example", "127.0.0.1"):
            with verifying.wrap_socket(connect_to(threaded.server.pulsar), server_hostname=name) as client:
                assert client.version()


def test_a_certificate_that_cannot_be_used_is_refused(files: CertificateFiles) -> None:
    """When the server is made, before it listens."""
    with pytest.raises(CertificateError):
        Server(Cloud(), certificate=files._replace(key=files.cert))


def test_own_certificates_differ() -> None:
    """Each server makes its own, for the names by which it is reached."""
    assert own_context(["localhost", "::1", "queue.example"]) is not None
