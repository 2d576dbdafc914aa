"""Calls a WSGI application and collects its answer: for the serving loop, and in process without a server."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


IN_PIECES = "mock_server.in_pieces"
"""Key of a WSGI environment: the answer is long, and is sent piece by piece as it is made."""


class Answer(NamedTuple):
    """An HTTP answer; header names are in lower case. One in pieces has no `content`, but its pieces are in `rest`."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes
    rest: Iterable[bytes] | None = None


def whole_answer(status: int, content_type: str, content: bytes) -> Answer:
    """An answer that no application has made."""
    return Answer(status, [("content-type", content_type), ("content-length", str(len(content)))], content)


def call_wsgi(app: "WSGIApplication", environ: dict[str, Any], *, may_stream: bool = False) -> Answer:
    """Call an application and read its whole answer, unless it is in pieces and may be streamed.

    Exceptions of the application are raised. Whoever streams an answer must call `close_parts`.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _: None

    parts = app(environ, start_response)
    streams = may_stream and IN_PIECES in environ
    content = b"" if streams else _join(parts)
    status, headers = started[-1]
    lower = [(name.lower(), value) for name, value in headers]
    return Answer(int(status[:3]), lower, content, parts if streams else None)


def close_parts(parts: Iterable[bytes]) -> None:
    """Close the parts of an answer, as WSGI asks for."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()


def _join(parts: Iterable[bytes]) -> bytes:
    try:
        return b"".join(parts)
    finally:
        close_parts(parts)
