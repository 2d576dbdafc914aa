import hashlib
import hmac
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mock_server.wire.signature import SignedRequest, sign_v1, sign_v2, verify_v1, verify_v2
from tests.support import ACCESS_ID, ACCESS_SECRET

QUERIES = st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=5)
HEADERS = st.dictionaries(
    st.text("abcdefgh_-", min_size=1, max_size=8), st.text(st.characters(codec="utf-8"), max_size=12), max_size=3
)
HEX = hashlib.sha256


@st.composite
def wire_queries(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """A query as the client's program has it, and as it goes over the wire: in any order, encoded in any way."""
    query = draw(QUERIES)
    items = draw(st.permutations(sorted(query.items())))
    encode = draw(st.sampled_from((quote, quote_plus, lambda text: "".join(f"%{byte:02x}" for byte in text.encode()))))
    return query, "&".join(f"{encode(key)}={encode(value)}" for key, value in items)


def by_the_page(secret: str, request: SignedRequest, query: dict[str, str]) -> str:
    """The v2 signature as the vendor's page describes it, from the plain query and not from the wire."""
    names = request.headers.get("signature-headers", "")
    signed_headers = [name + ":" + request.headers[name.lower()] + "\n" for name in names.split(":")] if names else []
    url = request.path
    if query:
        url = url + "?" + "&".join("=".join(item) for item in sorted(query.items()))
    text = request.client_id + request.access_token + request.t + request.nonce
    text += request.method + "\n" + HEX(request.body).hexdigest() + "\n" + "".join(signed_headers) + "\n" + url
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest().upper()


@st.composite
def requests(draw: st.DrawFn) -> tuple[SignedRequest, dict[str, str]]:
    """A request over the wire, and its plain query."""
    query, wire = draw(wire_queries())
    headers = draw(HEADERS)
    if headers:
        names = [name.upper() if draw(st.booleans()) else name for name in headers]
        headers = headers | {"signature-headers": ":".join(names)}
    request = SignedRequest(
        method=draw(st.sampled_from(("GET", "POST", "PUT", "DELETE"))),
        path=draw(st.sampled_from(("/v1.0/token", "/v1.0/expand/devices/京", "/"))),
        query=wire,
        body=draw(st.binary(max_size=40)),
        client_id=draw(st.text(max_size=10)),
        access_token=draw(st.text("0123456789abcdef", max_size=8)),
        t=str(draw(st.integers(min_value=0, max_value=10**13))),
        nonce=draw(st.text(max_size=10)),
        headers=headers,
    )
    return request, query


@given(requests(), st.text(max_size=40))
def test_any_request_is_signed_as_the_page_says(case: tuple[SignedRequest, dict[str, str]], secret: str) -> None:
    """Query, body, nonce and signed headers of every sort: two implementations agree."""
    request, query = case
    expected = by_the_page(secret, request, query)
    assert sign_v2(secret, request) == expected
    assert verify_v2(secret, request, expected)


@given(requests(), st.sampled_from(("method", "path", "body", "client_id", "access_token", "t", "nonce")))
def test_a_change_of_anything_breaks_the_signature(case: tuple[SignedRequest, dict[str, str]], field: str) -> None:
    """Every part of the request is covered."""
    request, query = case
    sign = by_the_page(ACCESS_SECRET, request, query)
    old = getattr(request, field)
    changed = replace(request, **{field: old + (b"x" if isinstance(old, bytes) else "x")})
    assert not verify_v2(ACCESS_SECRET, changed, sign)


@given(requests(), st.text(min_size=1, max_size=5))
def test_a_change_of_the_query_or_a_header_breaks_the_signature(
    case: tuple[SignedRequest, dict[str, str]], more: str
) -> None:
    """A value more, or another value."""
    request, query = case
    assume(more not in query)
    sign = by_the_page(ACCESS_SECRET, request, query)
    longer = f"{request.query}&{quote(more)}=" if request.query else f"{quote(more)}="
    assert not verify_v2(ACCESS_SECRET, replace(request, query=longer), sign)
    for name in request.headers.keys() - {"signature-headers"}:
        changed = {**request.headers, name: request.headers[name] + more}
        assert not verify_v2(ACCESS_SECRET, replace(request, headers=changed), sign)


@given(requests(), st.text(max_size=70))
def test_nothing_else_passes(case: tuple[SignedRequest, dict[str, str]], sign: str) -> None:
    """Any other text, lower case and the old algorithm included."""
    request, query = case
    right = by_the_page(ACCESS_SECRET, request, query)
    for wrong in (sign, right.lower(), right + " ", right[:-1], sign_v1(ACCESS_SECRET, request)):
        assert verify_v2(ACCESS_SECRET, request, wrong) == (wrong == right)


def test_of_a_repeated_key_the_first_value_is_signed() -> None:
    """As the Go SDK signs it."""
    request = SignedRequest("GET", "/p", "a=2&a=1", b"", "id", "", "1")
    assert sign_v2("secret", request) == by_the_page("secret", request, {"a": "2"})


def test_an_encoded_path_may_be_signed_encoded_or_decoded() -> None:
    """SDKs sign the path that they were given."""
    request = SignedRequest("GET", "/v1.0/expand/devices/%E4%BA%AC", "", b"", "id", "", "1")
    for path in (request.path, "/v1.0/expand/devices/京"):
        assert verify_v2("secret", request, by_the_page("secret", replace(request, path=path), {}))
    other = by_the_page("secret", replace(request, path="/v1.0/expand/devices/%e4%ba%ac"), {})
    assert not verify_v2("secret", request, other)


DOCUMENTED = SignedRequest(
    method="GET",
    path="/v1.0/token",
    query="grant_type=1",
    body=b"",
    client_id=ACCESS_ID,
    access_token="",
    t="1588925778000",
    nonce="5138cc3a9033d69856923fd07b491173",
    headers={
        "signature-headers": "area_id:call_id",
        "area_id": "29a33e8796834b1efa6",
        "call_id": "8afdb70ab2ed11eb85290242ac130003",
    },
)
TOKEN = "3f4eda2bdec17232f67c0b188af3eec1"


@pytest.mark.parametrize(
    ("request_", "sign"),
    [
        (DOCUMENTED, "9E48A3E93B302EEECC803C7241985D0A34EB944F40FB573C7B5C2A82158AF13E"),
        (
            replace(DOCUMENTED, path="/v2.0/apps/schema/users", query="page_size=50&page_no=1", access_token=TOKEN),
            "AE4481C692AA80B25F3A7E12C3A5FD9BBF6251539DD78E565A1A72A508A88784",
        ),
    ],
)
def test_the_published_v2_examples(request_: SignedRequest, sign: str) -> None:
    """The signing page's own numbers."""
    assert sign_v2(ACCESS_SECRET, request_) == sign


@pytest.mark.parametrize(
    ("token", "sign"),
    [
        ("", "CEAAFB5CCDC2F723A9FD3E91D3D2238EE0DD9A6D7C3C365DEB50FC2AF277AA83"),
        (TOKEN, "36C30E300F226B68ADD014DD1EF56A81EDB7B7A817840485769B9D6C96D0FAA1"),
    ],
)
def test_the_published_v1_examples(token: str, sign: str) -> None:
    """The old algorithm covers the caller and the time only."""
    request = replace(DOCUMENTED, access_token=token)
    assert sign_v1(ACCESS_SECRET, request) == sign
    assert verify_v1(ACCESS_SECRET, replace(request, body=b"other", path="/other", nonce=""), sign)
    assert not verify_v1(ACCESS_SECRET, replace(request, t="1588925778001"), sign)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_that_are_no_text_are_refused_and_not_an_error(sign: bytes, nonce: bytes) -> None:
    """Headers may hold anything."""
    request = replace(DOCUMENTED, nonce=nonce.decode("utf-8", "surrogateescape"))
    assert not verify_v2(ACCESS_SECRET, request, sign.decode("utf-8", "surrogateescape"))
