from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.web.serving.environ import RAW_PATH, UNDERSCORED, build_environ


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), max_size=3))
def test_a_query_that_was_not_encoded_reads_like_one_that_was(query: dict[str, str]) -> None:
    """Raw UTF-8 bytes in a query are what their percent-encoding would be."""
    plain = {key: value for key, value in query.items() if not set(key + value) & set("&=+%#")}
    wire = "&".join(f"{key}={value}" for key, value in plain.items()).encode().decode("latin-1")
    found = build_environ("GET", "/", wire, (), b"")["QUERY_STRING"]
    assert found.isascii()
    assert dict(parse_qsl(found)) == plain


def test_paths_are_kept_raw_and_decoded() -> None:
    """Signatures cover the former, routes read the latter, which WSGI wants as Latin-1."""
    environ = build_environ("GET", "/a%2Fb/%E4%BA%AC", "", (), b"")
    assert environ[RAW_PATH] == "/a%2Fb/%E4%BA%AC"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/a/b/京"


@pytest.mark.parametrize("name", sorted(UNDERSCORED))
def test_dashed_twins_are_left_out(name: str) -> None:
    """Whichever comes first, the vendor's own header is what counts."""
    twin = (name.replace("_", "-").title(), "twin")
    for headers in ([twin, (name, "real")], [(name, "real"), twin]):
        assert build_environ("GET", "/", "", headers, b"")[f"HTTP_{name.upper()}"] == "real"
    assert f"HTTP_{name.upper()}" not in build_environ("GET", "/", "", [twin], b"")


def test_the_length_is_that_of_the_body() -> None:
    """Whatever a header says."""
    environ = build_environ("POST", "/", "", [("Content-Length", "999"), ("CONTENT-TYPE", "text/plain")], b"abc")
    assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("3", "text/plain")
    assert environ["wsgi.input"].read() == b"abc"
    assert "HTTP_CONTENT_LENGTH" not in environ
