"""Calls to a server on this machine go past whatever proxy an environment names."""

from pathlib import Path

import pytest
import requests

from mock_server import ServedParking
from mock_server.lab_client import LabClient
from mock_server.no_proxy import past_proxies
from tests.mock_server.signed_client import SignedClient

NOBODY = "http://127.0.0.1:9"


def set_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name a proxy that is not there, and no exemption."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, NOBODY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environ", "exempt"),
    [
        ({}, None),
        ({"NO_PROXY": "example.org", "https_proxy": ""}, None),
        ({"HTTPS_PROXY": NOBODY}, "127.0.0.1,localhost,::1"),
        ({"all_proxy": NOBODY, "NO_PROXY": "a.example, localhost"}, "a.example,localhost,127.0.0.1,::1"),
    ],
)
def test_what_is_exempt(environ: dict[str, str], exempt: str | None) -> None:
    """This machine, beside what is exempt already; nothing where there is no proxy."""
    assert past_proxies(environ) == ({} if exempt is None else {"NO_PROXY": exempt, "no_proxy": exempt})


def test_the_lab_client_asks_no_proxy(parking_server: ServedParking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor the keys of a .netrc come between the typed client and its server."""
    set_proxy(monkeypatch)
    with LabClient(str(parking_server.exports["lab"])) as lab:
        assert parking_server.access_id in lab.projects()


def test_a_lab_token_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token goes out as it was given, whatever a .netrc has for the host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password mine")
    monkeypatch.setenv("NETRC", str(netrc))
    with LabClient("http://127.0.0.1:1", "token") as lab:
        prepared = lab._session.prepare_request(requests.Request("GET", lab.url))
    assert prepared.headers["Authorization"] == "Bearer token"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with a proxy that is not there."""
    set_proxy(monkeypatch)


def test_a_client_of_the_fixture_asks_no_proxy(proxied: None, parking_server: ServedParking) -> None:
    """A user's client reads the environment, in which the fixture has exempted this machine."""
    with SignedClient(parking_server) as client:
        client.session.trust_env = True
        assert client.connect().token
