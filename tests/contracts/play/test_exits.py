"""Ends of clients that live in the judge's process."""

import os

import pytest

from contracts.play.exits import CaughtExits


def test_an_end_past_every_handler_is_an_error() -> None:
    """It can be caught while a client is called; afterwards `os._exit` is what it was."""
    leave = os._exit
    with pytest.raises(SystemExit, match=r"os\._exit\(3\)"), CaughtExits():
        os._exit(3)
    assert os._exit is leave


def test_a_forked_process_ends_as_it_wants_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge is the process that called the client; in any other one the end is real."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(os, "getpid", iter([1, 2]).__next__)
    with pytest.raises(SystemExit), CaughtExits():
        os._exit(7)
    assert codes == [7]
