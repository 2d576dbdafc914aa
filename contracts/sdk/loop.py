"""A loop that runs in a process of its own and hands on what it receives.

Its adapter speaks lines of JSON: `contracts.sdk.adapters.handing` says which. The process belongs to the client that
runs it, and ends with it.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from contracts.client.own_time import Activity, OwnTime, activity
from mock_server.model import JsonObject


class LoopOverError(Exception):
    """The process of the loop has ended by itself."""


class Handed(NamedTuple):
    """A message that the loop has handed on, and that it waits for."""

    number: int
    message: dict[str, Any]


class Loop:
    """The process of a loop, started by the constructor in a folder. `settings` are the first line that it gets."""

    def __init__(self, command: Sequence[str], folder: Path, settings: JsonObject) -> None:
        self._process = subprocess.Popen(  # noqa: S603 an adapter of ours
            list(command), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._told: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._pings = count(1)
        self._handed: list[Handed] = []
        self._is_ready = self._is_over = False
        self._ponged = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._write(settings)

    def activity(self) -> Activity | None:
        """What its process is doing."""
        return activity(self._process.pid)

    def await_ready(self, seconds: float) -> None:
        """Wait until it consumes, for so many seconds of its own time at most."""
        left = OwnTime(seconds, self.activity)
        while not self._is_ready and left.next_s:
            self._await(left)

    def handed(self, silence_s: float = 0) -> list[Handed]:
        """What it has handed on since the last call.

        With `silence_s` it is waited for until a message comes, or it has had nothing to do for so long. LoopOverError
        if it has ended and handed nothing on.
        """
        self._catch_up()
        left = OwnTime(silence_s, self.activity)
        while not self._handed and not self._is_over and left.next_s:
            self._await(left)
        found, self._handed = self._handed, []
        if not found and self._is_over:
            raise LoopOverError(f"the loop has ended with exit code {self._process.wait()}")
        return found

    def answer(self, handed: Handed, *, ok: bool) -> None:
        """Let the handler of a message return, or fail."""
        self._write({"id": handed.number, "ok": ok})

    def close(self) -> None:
        """End it, and wait for that."""
        self._process.kill()
        self._reader.join()
        with suppress(OSError), self._process:  # what it was not told any more is lost
            pass

    def _catch_up(self) -> None:
        """Take everything that it has told before it answers a ping, however busy the machine is.

        One that has never been connected has handed nothing on, and may be trying still: it is not waited for.
        """
        while not self._told.empty():
            self._take(self._told.get())
        if not self._is_ready:
            return
        ping = next(self._pings)
        self._write({"ping": ping})
        while self._ponged < ping and not self._is_over:
            self._take(self._told.get())

    def _await(self, left: OwnTime) -> None:
        try:
            self._take(self._told.get(timeout=left.next_s))
        except queue.Empty:
            left.spend()

    def _take(self, told: dict[str, Any] | None) -> None:
        if told is None:
            self._is_over = True
        elif "message" in told:
            self._handed.append(Handed(told["id"], told["message"]))
        elif "pong" in told:
            self._ponged = told["pong"]
        else:
            self._is_ready = self._is_ready or "ready" in told

    def _write(self, told: JsonObject) -> None:
        pipe = self._process.stdin
        with suppress(OSError):  # it has ended: its output says so
            if pipe is not None:
                pipe.write(json.dumps(told) + "\n")
                pipe.flush()

    def _read(self) -> None:
        """Read what it tells. Lines that are no objects are what a library prints, and logged."""
        for line in self._process.stdout or ():
            try:
                told = json.loads(line)
            except ValueError:
                told = None
            if isinstance(told, dict):
                self._told.put(told)
            else:
                sys.stderr.write(line)
        self._told.put(None)
