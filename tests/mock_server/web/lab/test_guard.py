"""Who may call the lab plane."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mock_server.cloud import Cloud
from mock_server.lab_client import LabApiError, LabClient
from mock_server.web.lab.guard import Guard
from mock_server.web.lab.request import LabError
from mock_server.web.server import Server, ThreadedServer

PROJECTS = "/_lab/projects"
TOKEN = "a-token-of-the-test"


def call(server: Server, method: str = "GET", path: str = PROJECTS, **headers: str) -> requests.Response:
    """A call of the lab plane with headers, whose dashes are written as underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, server.lab + path, headers=named, timeout=60)


def code_of(response: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal, which says what to do."""
    error: dict[str, Any] = response.json()["error"]
    assert len(error["message"]) > 10
    return response.status_code, error["code"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8290", "127.0.0.1.evil.example", "localhost.", "10.0.0.1"]
)
def test_a_foreign_name_is_refused(lab_server: Server, host: str) -> None:
    """A name that somebody else lets point here (DNS rebinding) opens nothing, not even what only reads."""
    assert code_of(call(lab_server, Host=host)) == (403, "foreign_host")
    assert code_of(call(lab_server, path="/healthz", Host=host)) == (403, "foreign_host")
    assert code_of(call(lab_server, "POST", Host=host)) == (403, "foreign_host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8290", "[::1]", "[::1]:8290"])
def test_names_of_this_machine_pass(lab_server: Server, host: str) -> None:
    """Loopback names pass with any port or none, in any case."""
    assert call(lab_server, Host=host).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", ""])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_page_of_another_site_is_refused(lab_server: Server, method: str, origin: str) -> None:
    """A request that a foreign page makes is refused, whatever its method; nothing is made."""
    assert code_of(call(lab_server, method, Origin=origin)) == (403, "foreign_origin")
    assert call(lab_server).json() == []


def test_its_own_page_passes(lab_server: Server) -> None:
    """A page that the lab plane itself served may change things."""
    assert call(lab_server, "POST", Origin=lab_server.lab, Sec_Fetch_Site="same-origin").status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_cross_site_form_is_refused(lab_server: Server, site: str) -> None:
    """A browser that says that a request comes from another site is believed, even without an Origin."""
    assert code_of(call(lab_server, "POST", Sec_Fetch_Site=site)) == (403, "cross_site")
    assert call(lab_server, Sec_Fetch_Site=site).status_code == 200


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_what_forms_send_is_no_body(lab_server: Server, kind: str) -> None:
    """Even from a browser that tells nothing, a form's content types are refused."""
    response = requests.post(lab_server.lab + PROJECTS, data=b"{}", headers={"Content-Type": kind}, timeout=60)
    assert response.status_code == 415
    assert call(lab_server).json() == []


def test_a_preflight_is_refused(lab_server: Server) -> None:
    """No browser gets leave to call from another site: OPTIONS is no method here, and no answer has a CORS header."""
    asked = {"Access_Control_Request_Method": "POST", "Origin": "https://evil.example"}
    answers = [
        call(lab_server, "OPTIONS", **asked),
        call(lab_server, "OPTIONS"),
        call(lab_server, Origin="https://evil.example"),
        call(lab_server),
    ]
    assert [answer.status_code for answer in answers] == [403, 405, 403, 200]
    names = {name.lower() for answer in answers for name in answer.headers}
    assert not [name for name in names if name.startswith("access-control")]


@pytest.fixture
def closed_server() -> Iterator[Server]:
    """A server whose lab plane wants a token."""
    with ThreadedServer(Server(Cloud(), lab_token=TOKEN)) as threaded:
        yield threaded.server


def test_a_token_is_wanted(closed_server: Server) -> None:
    """With a token set nobody gets in without it, and the refusal says which scheme is wanted."""
    refused = call(closed_server)
    assert code_of(refused) == (401, "no_token")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    for wrong in ("Bearer wrong", "Bearer ", "Basic " + TOKEN, "Bearer t\xf6ken"):
        assert code_of(call(closed_server, Authorization=wrong)) == (401, "no_token")
    with LabClient(closed_server.lab) as stranger, pytest.raises(LabApiError, match="401 no_token"):
        stranger.projects()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("eDphLXRva2VuLW9mLXRoZS10ZXN0", 200),
        ("OmEtdG9rZW4tb2YtdGhlLXRlc3Q=", 200),
        ("eDp3cm9uZw==", 401),
        ("?", 401),
        ("/w==", 401),
        ("", 401),
    ],
)
def test_a_browser_sends_the_token_as_a_password(closed_server: Server, given: str, status: int) -> None:
    """Whatever name is typed, the password must be the token; what is no such pair opens nothing."""
    headers = {"Authorization": f"Basic {given}"}
    assert requests.get(closed_server.lab + "/healthz", headers=headers, timeout=60).status_code == status


def test_the_token_opens(closed_server: Server) -> None:
    """With the token the lab plane may be called by any name, but still not by pages of other sites."""
    bearer = f"Bearer {TOKEN}"
    with LabClient(closed_server.lab, token=TOKEN) as lab:
        assert lab.create_project().show()["clock"] == "system"
    assert call(closed_server, Authorization=bearer, Host="lab.example").status_code == 200
    answer = call(closed_server, Authorization=bearer, Origin="https://evil.example")
    assert code_of(answer) == (403, "foreign_origin")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_without_a_token_it_listens_on_loopback_only(host: str) -> None:
    """Wherever the data plane listens, a lab plane without a token listens on loopback."""
    for listening in (host, "0.0.0.0"):  # noqa: S104 that it is not bound there is the test
        server = Server(Cloud(), listening)
        assert server.lab.startswith("http://127.0.0.1:")
        server.close()


def test_an_empty_token_is_none() -> None:
    """It opens nothing: a foreign name is refused as without a token."""
    with ThreadedServer(Server(Cloud(), lab_token="")) as threaded:
        assert code_of(call(threaded.server, Host="evil.example")) == (403, "foreign_host")


def test_a_missing_host_is_foreign() -> None:
    """A request that names nobody is refused."""
    with pytest.raises(LabError, match="localhost"):
        Guard().check("GET", {})
