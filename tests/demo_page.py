"""A running `parking-mock demo`, steered over the lab API."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

TIMEOUT_S = 30


def heed_interrupts() -> None:
    """Tests that run in the background are begun with SIGINT ignored, which their children would inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class DemoPage:
    """A running `parking-mock demo` and the address of its page."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mock_server", "demo", "--no-open"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            preexec_fn=heed_interrupts,  # noqa: PLW1509 it takes no lock
        )
        assert self.process.stdout is not None
        self.said: list[str] = []
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl+C" in line:
                break
        self.url = next(line.split()[-1] for line in self.said if "the page" in line)

    def guide(self, order: dict[str, Any] | None = None, **query: int) -> dict[str, Any]:
        """The present caption, after an order or a wait."""
        url = f"{self.url}_lab/guide"
        if order is None:
            answer = requests.get(url, params=query, timeout=TIMEOUT_S)
        else:
            answer = requests.post(url, json=order, timeout=TIMEOUT_S)
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def until(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a caption."""
        seen = self.guide()
        while not what(seen):
            newer = self.guide(after=seen["number"], timeout_ms=20_000)
            assert newer["number"] > seen["number"], f"nothing happened after {seen}"
            seen = newer
        return seen

    def step(self) -> dict[str, Any]:
        """Go to the next caption and stay there."""
        before = self.guide()
        self.guide({"order": "step"})
        return self.until(
            lambda told: told["step"] > 0 and (told["act"], told["step"]) != (before["act"], before["step"])
        )

    def go_to(self, act: int, step: int) -> dict[str, Any]:
        """Go to a caption and stay there."""
        self.guide({"order": "pause"})
        self.guide({"act": act})
        told = self.until(lambda told: told["act"] == act and told["step"] == 1)
        while told["step"] < step:
            told = self.step()
        return told

    def end(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode


@contextmanager
def demo_page() -> Iterator[DemoPage]:
    """A demo that is ended afterwards."""
    page = DemoPage()
    try:
        yield page
    finally:
        page.end(signal.SIGTERM)
