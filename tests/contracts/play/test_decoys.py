"""Tests of what may stand before the cloud."""

from typing import Any

import pytest
import requests

from contracts.client.link import RealLink
from contracts.play.decoys import Decoy, decoy_of

KEYS = {"client_id": "abc", "sign": "DEF", "access_token": "ghi"}


class Trusting(RealLink):
    """Takes any certificate."""

    checks_certificates = False


class Obedient(RealLink):
    """Goes wherever it is sent."""

    follows_redirects = True


def kinds(lured: Decoy) -> list[str]:
    """What was seen."""
    return [finding.kind for finding in lured.findings]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_followed_or_not(method: str) -> None:
    """What comes to the other host with credentials is noted, by the names of the headers alone."""
    with decoy_of("redirect") as lured:
        api: Any = lured.addresses["api"]
        assert RealLink().call(method, f"{api}/v1.0/token?grant_type=1", KEYS, b"{}").status == 302
        assert kinds(lured) == ["redirected"]
        assert Obedient().call(method, f"{api}/v1.0/token?grant_type=1", KEYS, b"{}").status == 404
        assert kinds(lured) == ["redirected", "redirected", "followed"]
        assert lured.findings[-1].text == "GET went to another host with client_id, sign, access_token"


def test_who_follows_without_credentials_does_no_harm() -> None:
    """A redirect as such may be followed."""
    with decoy_of("redirect") as lured:
        api: Any = lured.addresses["api"]
        requests.get(api, timeout=5)
        assert kinds(lured) == ["redirected"]


def test_a_certificate_is_trusted_or_not() -> None:
    """A client that checks it sends nothing."""
    with decoy_of("untrusted certificate") as lured:
        api: Any = lured.addresses["api"]
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            RealLink().call("GET", api, KEYS)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            RealLink().connect(str(lured.addresses["ws"]), KEYS)
    assert kinds(lured) == ["tls tried", "tls tried"]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_client_that_trusts_everybody_is_noted() -> None:
    """Its request has come."""
    with decoy_of("untrusted certificate") as lured:
        api: Any = lured.addresses["api"]
        with pytest.raises(OSError, match="Connection"):
            Trusting().call("GET", api, KEYS)
    assert kinds(lured) == ["tls tried", "tls trusted"]
