"""Tests of the request as a `curl` command."""

import shlex

from msgspec import structs

from contracts.clients.reference import ReferenceClient
from contracts.report.curl import curl, request_at
from contracts.run.run import Run, run_of
from mock_server.history.events import RequestReceived
from mock_server.history.index import Call
from tests.contracts.report.support import LOST


def run() -> Run:
    """One with calls."""
    return run_of(LOST, ReferenceClient)


def test_the_request_of_a_line_is_that_line() -> None:
    """Or else the last sync before it, or none."""
    seen = run()
    first, last = seen.syncs[0], seen.syncs[-1]
    assert request_at(seen, first.seq) == first.call
    assert request_at(seen, first.seq + 1) == first.call
    assert request_at(seen, seen.entries[-1].seq + 1) == last.call
    assert request_at(seen, 0) is None


def test_a_sync_is_told_with_its_body_and_without_its_secrets() -> None:
    """A shell reads the command as it was meant; signature and token are stars."""
    call = run().syncs[0].call
    words = shlex.split(curl(call))
    assert words[:4] == ["curl", "-X", "POST", f"http://127.0.0.1:8280{call.request.path}"]
    assert {"sign: ***", "access_token: ***"} <= set(words)
    assert words[words.index("--data-raw") + 1] == call.request.body
    for name in ("sign", "access_token"):
        assert call.request.headers[name] not in curl(call)


def test_a_refresh_token_in_a_path_is_masked() -> None:
    """No fingerprint of it is left either: `#` would end the address."""
    request = RequestReceived("GET", "/v1.0/token/#0123456789", "grant_type=1&sign=#0123456789", {"t": "1"}, "")
    assert curl(Call(1, 1, request, None)) == (
        "curl -X GET 'http://127.0.0.1:8280/v1.0/token/***?grant_type=1&sign=***' \\\n  -H 't: 1'"
    )


def test_odd_text_stays_one_word() -> None:
    """Quotes, line ends and dollars of a client are no shell code."""
    odd = "it's; $(rm) `x` \" \n &"
    call = run().syncs[0].call
    request = structs.replace(call.request, method=odd, path=odd, body=odd, headers={"nonce": odd})
    words = shlex.split(curl(Call(1, 1, request, None)))
    assert words[2] == odd
    assert words[3] == f"http://127.0.0.1:8280{odd}?{request.query}".removesuffix("?")
    assert f"nonce: {odd}" in words
    assert words[-1] == odd
