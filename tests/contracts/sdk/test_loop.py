"""A loop in a process of its own, played by a small program that does as it is told."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.sdk.loop import Loop, LoopOverError
from mock_server.model import JsonObject

SILENCE_S = 0.2
ADAPTER = """
from contracts.sdk.adapters.handing import Hand, HandlerError
import threading, os
hand = Hand()
def loop():
    print("a library's talk")
    for number in range(hand.settings["messages"]):
        try:
            hand({"number": number})
        except HandlerError:
            hand({"failed": number})
    if hand.settings["ends"]:
        os._exit(7)
hand.ready()
threading.Thread(target=loop, daemon=True).start()
hand.serve()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Loop]]:
    """Starts a loop with so many messages, which may end after them."""
    running: list[Loop] = []

    def start(messages: int, *, ends: bool = False) -> Loop:
        settings: JsonObject = {"messages": messages, "ends": ends}
        running.append(Loop([sys.executable, "-c", ADAPTER], tmp_path, settings))
        running[-1].await_ready(30)
        return running[-1]

    yield start
    for loop in running:
        loop.close()


def test_a_loop_hands_on_one_message_after_the_other(start: Callable[..., Loop]) -> None:
    """It waits until its handler returns; a handler that fails raises; once it is idle there is nothing more."""
    loop = start(2)
    (first,) = loop.handed(SILENCE_S)
    assert not loop.handed(SILENCE_S)
    loop.answer(first, ok=True)
    (second,) = loop.handed(SILENCE_S)
    loop.answer(second, ok=False)
    (third,) = loop.handed(SILENCE_S)
    assert [each.message for each in (first, second, third)] == [{"number": 0}, {"number": 1}, {"failed": 1}]


def test_a_loop_that_ends_is_noticed(start: Callable[..., Loop], capfd: pytest.CaptureFixture[str]) -> None:
    """With its exit code, after everything that it has handed on. What a library prints goes to standard error."""
    loop = start(1, ends=True)
    (only,) = loop.handed(SILENCE_S)
    loop.answer(only, ok=True)
    with pytest.raises(LoopOverError, match="exit code 7"):
        loop.handed(30)
    assert capfd.readouterr().err == "a library's talk\n"


def test_a_loop_that_does_not_connect_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Before it consumes it answers no ping, and has handed nothing on."""
    loop = Loop([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, {})
    try:
        loop.await_ready(0.05)
        assert not loop.handed()
        assert not loop.handed(0.05)
    finally:
        loop.close()
