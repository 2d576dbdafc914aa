import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from mock_server.steps import Steps
from mock_server.web.serving import turns
from mock_server.web.serving.environ import BODY, TOO_LARGE
from mock_server.web.serving.inline import TRANSPORT, InlineWsgi, wait_for
from mock_server.web.serving.turns import NotYetError, carry_through, in_turns
from mock_server.web.serving.wsgi import IN_PIECES

DEADLINE_S = 60.0


class News:
    """Something that changes, and that views wait for."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.value = 0

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """As a history is listened to."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def change(self) -> None:
        """Change, and tell."""
        self.value += 1
        for listener in tuple(self.listeners):
            listener()


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A WSGI application that answers with what it was asked."""
    start_response("200 OK", [("X-Path", environ["PATH_INFO"])])
    asked = {"body": environ["wsgi.input"].read().decode(), "too_large": TOO_LARGE in environ}
    return [json.dumps(asked | {"handed_over": environ[BODY].decode()}).encode()]


def scope(kind: str = "http", **parts: Any) -> dict[str, Any]:
    """A request as the server describes it."""
    whole = {"type": kind, "method": "POST", "raw_path": b"/a%20b", "query_string": b"", "headers": []}
    return whole | parts


LEAVES = {"type": "http.disconnect"}


def request(*pieces: bytes, ends: bool = True) -> list[dict[str, Any]]:
    """The events of a body that comes in pieces; without its end the client goes away."""
    last = len(pieces) - 1
    events = [
        {"type": "http.request", "body": piece, "more_body": place < last or not ends}
        for place, piece in enumerate(pieces)
    ]
    return events if ends else [*events, LEAVES]


async def ask(app: Any, asked: dict[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an application sends, before a deadline."""
    sent: list[dict[str, Any]] = []
    incoming = iter(events)

    async def receive() -> dict[str, Any]:
        event = next(incoming, None)
        if event is None:
            await asyncio.Event().wait()
        return event or {}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await asyncio.wait_for(app(asked, receive, send), DEADLINE_S)
    return sent


@pytest.mark.parametrize("pieces", [(b"",), (b"abc",), (b"a", b"b", b"", b"c")])
def test_a_body_is_handed_over_whole(pieces: tuple[bytes, ...]) -> None:
    """In however many pieces it comes; path and headers go through."""
    start, body = asyncio.run(ask(InlineWsgi(echo, 10), scope(), request(*pieces)))
    assert (start["status"], start["headers"]) == (200, [(b"x-path", b"/a b")])
    whole = b"".join(pieces).decode()
    assert json.loads(body["body"]) == {"body": whole, "too_large": False, "handed_over": whole}
    assert body["more_body"] is False


@pytest.mark.parametrize(("size", "too_large"), [(10, False), (11, True), (10_000, True)])
def test_a_body_that_is_too_large_is_only_said_to_be(size: int, too_large: bool) -> None:  # noqa: FBT001 a test parameter
    """It is read to its end, and none of it is kept."""
    _, body = asyncio.run(ask(InlineWsgi(echo, 10), scope(), request(*[b"x"] * size)))
    found = json.loads(body["body"])
    assert (found["too_large"], len(found["body"])) == (too_large, 0 if too_large else size)


def test_half_a_body_is_not_answered() -> None:
    """Nor does the application hear of it."""

    def never(_environ: object, _start_response: object) -> Iterable[bytes]:
        raise AssertionError

    assert asyncio.run(ask(InlineWsgi(never, 10), scope(), request(b"half", ends=False))) == []


def test_the_bodies_that_are_held_at_one_time_are_bounded() -> None:
    """The one that is too much is refused with its connection; what was held of it is free again."""
    refused: list[Any] = []
    crowded = scope(extensions={TRANSPORT: {"refuse": lambda *why: refused.append(why)}})
    app = InlineWsgi(echo, 10)
    app.max_held = 14

    async def run() -> tuple[list[Any], list[Any]]:
        may_end = asyncio.Event()
        pieces = iter(request(b"12345", b"67890"))
        waits = asyncio.Event()

        async def slowly() -> dict[str, Any]:
            piece = next(pieces)
            if not piece["more_body"]:
                waits.set()
                await may_end.wait()
            return piece

        sent: list[Any] = []

        async def send(event: Any) -> None:
            sent.append(event)

        first = asyncio.create_task(app(crowded, slowly, send))  # type: ignore[arg-type]  # the parts that are used
        await waits.wait()
        second = await ask(app, crowded, request(b"123456", b"7890"))
        third = await ask(app, crowded, request(b"12345"))
        may_end.set()
        await first
        return second, [third[0]["status"], sent[0]["status"]]

    assert asyncio.run(run()) == ([], [200, 200])
    assert [status for status, _ in refused] == [503]


@pytest.mark.parametrize("through", [False, True])
def test_work_in_turns_ends_with_its_caller(through: bool) -> None:  # noqa: FBT001 a test parameter
    """Unless it has to be carried through; then nobody is answered, but all of it is done."""
    done: list[int] = []

    def view(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def work() -> Steps[str]:
            if through:
                carry_through(environ)
            for step in range(1_000):
                done.append(step)
                yield None
            return "whole"

        start_response("200 OK", [])
        with suppress(NotYetError):
            return [in_turns(environ, work).encode()]
        return []

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(turns, "TURN_S", -1)
        sent = asyncio.run(ask(InlineWsgi(view, 10), scope(), [*request(b""), LEAVES]))
        assert (len(done) == 1_000) == through
        assert len(sent) == (2 if through else 0)
        done.clear()
        assert asyncio.run(ask(InlineWsgi(view, 10), scope(), request(b"")))[1]["body"] == b"whole"


def test_others_get_their_turn_between_the_pieces_of_an_answer() -> None:
    """A long answer is made as it is sent, and ends when its reader leaves."""
    order: list[str] = []

    def view(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def pieces() -> Iterator[bytes]:
            for piece in (b"1", b"2", b"3"):
                order.append("piece")
                yield piece

        environ[IN_PIECES] = True
        start_response("200 OK", [])
        return pieces()

    async def other() -> None:
        for _ in range(20):
            order.append("other")
            await asyncio.sleep(0)

    async def run() -> list[Any]:
        others = asyncio.create_task(other())
        sent = await ask(InlineWsgi(view, 10), scope(), request(b""))
        await others
        return sent

    sent = asyncio.run(run())
    assert [(each["body"], each["more_body"]) for each in sent[1:]] == [
        (b"1", True),
        (b"2", True),
        (b"3", True),
        (b"", False),
    ]
    places = [place for place, what in enumerate(order) if what == "piece"]
    assert all(later - earlier > 1 for earlier, later in pairwise(places))


def test_a_websocket_is_refused() -> None:
    """There is none here."""
    [sent] = asyncio.run(ask(InlineWsgi(echo, 10), scope("websocket"), []))
    assert (sent["type"], sent["code"]) == ("websocket.close", 1008)


def waiting(news: News, until: int, timeout_ms: int) -> tuple[InlineWsgi, list[bool]]:
    """An application that waits for news until a value is reached; whether it could wait, call by call."""
    could_wait: list[bool] = []

    def view(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        if news.value < until:
            could_wait.append(wait_for(environ, news.listen, timeout_ms))
        return [str(news.value).encode()]

    return InlineWsgi(view, 10), could_wait


def test_a_view_that_waits_is_called_again_after_each_change() -> None:
    """Until it no longer wants to wait; then nobody listens any more."""

    async def run() -> tuple[bytes, list[bool], list[Any]]:
        news = News()
        app, could_wait = waiting(news, until=3, timeout_ms=10_000)
        task = asyncio.create_task(ask(app, scope(), request(b"")))
        while not task.done():
            await asyncio.sleep(0)
            if news.listeners:
                news.change()
        return (await task)[1]["body"], could_wait, news.listeners

    assert asyncio.run(run()) == (b"3", [True, True, True], [])


@pytest.mark.parametrize(("timeout_ms", "waits"), [(0, [False]), (30, [True, False])])
def test_a_view_waits_no_longer_than_it_said(timeout_ms: int, waits: list[bool]) -> None:
    """When the time is up it is called a last time, and told that it can wait no longer."""

    async def run() -> tuple[bytes, list[bool], float]:
        news = News()
        app, could_wait = waiting(news, until=1, timeout_ms=timeout_ms)
        loop = asyncio.get_running_loop()
        began = loop.time()
        sent = await ask(app, scope(), request(b""))
        return sent[1]["body"], could_wait, loop.time() - began

    body, could_wait, took = asyncio.run(run())
    assert (body, could_wait) == (b"0", waits)
    assert took >= timeout_ms / 1000


def test_others_are_served_while_one_waits() -> None:
    """Waiting is the loop's business."""

    async def run() -> tuple[bool, bytes]:
        news = News()
        app, _ = waiting(news, until=1, timeout_ms=10_000)
        slow = asyncio.create_task(ask(app, scope(), request(b"")))
        quick = await ask(InlineWsgi(echo, 10), scope(), request(b"x"))
        was_waiting = not slow.done()
        news.change()
        return was_waiting and len(quick) == 2, (await slow)[1]["body"]

    assert asyncio.run(run()) == (True, b"1")


def test_nobody_can_wait_elsewhere() -> None:
    """Under another WSGI server a view answers at once."""
    assert wait_for({}, News().listen, 1000) is False


def test_an_answer_that_can_be_closed_is_closed() -> None:
    """As WSGI wants, also when it fails half way."""
    closed: list[str] = []

    class Parts:
        """Two parts, the second of which may fail."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __iter__(self) -> Any:
            """Yield one part, then fail if told so."""
            yield b"part"
            if self.name == "bad":
                raise RuntimeError

        def close(self) -> None:
            """Note it."""
            closed.append(self.name)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return Parts(environ["QUERY_STRING"])

    assert asyncio.run(ask(InlineWsgi(app, 10), scope(query_string=b"good"), request(b"")))[1]["body"] == b"part"
    with pytest.raises(RuntimeError):
        asyncio.run(ask(InlineWsgi(app, 10), scope(query_string=b"bad"), request(b"")))
    assert closed == ["good", "bad"]
