"""Tests of what may stand before the cloud."""

from typing import Any

import pytest
import requests

from contracts.client.link import RealLink
from contracts.play.decoys import Decoy, decoy_of
from contracts.play.recording import DecoyFinding, FindingKind

KEYS = {"client_id": "abc", "sign": "DEF", "access_token": "ghi"}


class Trusting(RealLink):
    """Takes any certificate."""

    checks_certificates = False


class Obedient(RealLink):
    """Goes wherever it is sent."""

    follows_redirects = True


def kinds(decoy: Decoy) -> list[FindingKind]:
    """What was seen."""
    return [finding.kind for finding in decoy.findings]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_followed_or_not(method: str) -> None:
    """What comes to the other host with credentials is noted, by the names of the headers alone."""
    with decoy_of("redirect") as decoy:
        api: Any = decoy.addresses["api"]
        assert RealLink().call(method, f"{api}/v1.0/token?grant_type=1", KEYS, b"{}").status == 302
        assert kinds(decoy) == [DecoyFinding.REDIRECTED]
        assert Obedient().call(method, f"{api}/v1.0/token?grant_type=1", KEYS, b"{}").status == 404
        assert kinds(decoy) == [DecoyFinding.REDIRECTED, DecoyFinding.REDIRECTED, DecoyFinding.FOLLOWED]
        assert decoy.findings[-1].text == "GET went to another host with client_id, sign, access_token"


def test_who_follows_without_credentials_does_no_harm() -> None:
    """A redirect as such may be followed."""
    with decoy_of("redirect") as decoy:
        api: Any = decoy.addresses["api"]
        requests.get(api, timeout=60)
        assert kinds(decoy) == [DecoyFinding.REDIRECTED]


def test_a_certificate_is_trusted_or_not() -> None:
    """A client that checks it sends nothing."""
    with decoy_of("untrusted certificate") as decoy:
        api: Any = decoy.addresses["api"]
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            RealLink().call("GET", api, KEYS)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            RealLink().connect(str(decoy.addresses["ws"]), KEYS)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            RealLink().open(str(decoy.addresses["pulsar"]))
    assert kinds(decoy) == [DecoyFinding.TLS_TRIED] * 3


def test_a_client_that_trusts_everybody_is_noted() -> None:
    """Its request has come."""
    with decoy_of("untrusted certificate") as decoy:
        api: Any = decoy.addresses["api"]
        with pytest.raises(OSError, match="RemoteDisconnected"):
            Trusting().call("GET", api, KEYS)
    assert kinds(decoy) == [DecoyFinding.TLS_TRIED, DecoyFinding.TLS_TRUSTED]
