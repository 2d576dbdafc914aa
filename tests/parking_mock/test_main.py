"""Tests of how the command begins."""

import gc
import sys

import pytest

from parking_mock.__main__ import GC_AFTER, main


def test_a_command_looks_for_garbage_rarely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From before its imports on, which make a lot of what is no garbage."""
    thresholds: list[int] = []
    monkeypatch.setattr(gc, "set_threshold", thresholds.append)
    monkeypatch.setattr(sys, "argv", ["parking-mock", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, thresholds) == (0, [GC_AFTER])
    assert capsys.readouterr().out.startswith("parking-mock")
