"""The signals that end what runs until it is interrupted."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from mock_server.stop_signals import call_on_stop_signal, stop_signals, until_interrupted

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.fixture(autouse=True)
def default_hangup() -> Iterator[None]:
    """SIGHUP has its default action, also where the tests themselves run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_block_ends_normally(name: str) -> None:
    """At whichever of them; what handled the signal before does so again."""
    before = signal.getsignal(signal.Signals[name])
    with until_interrupted():
        os.kill(os.getpid(), signal.Signals[name])
        signal.pause()
    assert signal.getsignal(signal.Signals[name]) is before


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("has_handlers", [True, False], ids=["posix", "windows"])
def test_a_loop_is_told(name: str, has_handlers: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 a parameter
    """A loop that takes no handlers, as on Windows, is told by the process's."""
    heard: list[str] = []

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        if not has_handlers:
            monkeypatch.setattr(loop, "add_signal_handler", _refuse)

        def hear() -> None:
            heard.append(name)
            stopping.set()

        call_on_stop_signal(loop, hear)
        os.kill(os.getpid(), signal.Signals[name])
        await asyncio.wait_for(stopping.wait(), 20)

    before = {number: signal.getsignal(number) for number in stop_signals()}
    try:
        asyncio.run(listen())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert heard == [name]


def _refuse(*_: object) -> None:
    raise NotImplementedError


def test_a_terminal_that_closes_does_not_end_what_nohup_began() -> None:
    """SIGHUP counts unless it is ignored; SIGBREAK does not exist here."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert [each.name for each in stop_signals()] == ["SIGINT", "SIGTERM"]
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [each.name for each in stop_signals()] == SIGNALS
